import type { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { facing, look, type Place, Watch } from '../src/transport/interfaces.ts';

type Cards = ReturnType<typeof networkInterfaces>;
const at = (address: string, internal = false) => ({ address, internal }) as NonNullable<Cards[string]>[number];
const cards: Cards = {
  lo: [at('127.0.0.1', true), at('::1', true)],
  docker0: [at('172.17.0.1')],
  eth0: [at('192.0.2.7'), at('2001:db8::7'), at('fe80::7')],
  wlan0: [at('198.51.100.7'), at('169.254.3.4')],
};
const lookAt = (towards: string | undefined) =>
  look(
    '',
    () => cards,
    async () => towards,
  );

test('the address that faces the server comes first, containers last; no scopes, nothing of this machine alone', async () => {
  expect(await lookAt('198.51.100.7')).toEqual({
    facing: '198.51.100.7',
    global: ['198.51.100.7', '192.0.2.7', '2001:db8::7', '172.17.0.1'],
    local: ['fe80::7%eth0', '169.254.3.4'],
  });
});

test('no way leads to the server, or it is on this machine: all others are as they are', async () => {
  const global = ['192.0.2.7', '198.51.100.7', '2001:db8::7', '172.17.0.1'];
  expect(await lookAt(undefined)).toMatchObject({ facing: undefined, global });
  expect(await lookAt('127.0.0.1')).toMatchObject({ facing: '127.0.0.1', global });
});

test('as the system has it: this machine faces itself; nothing faces what is no address', async () => {
  expect(await facing('tcp://127.0.0.1:9')).toBe('127.0.0.1');
  expect(await facing('tcp://127.0.0.9:9')).toMatch(/^127\./);
  expect(await facing('tcp://[::1]:9')).toMatch(/^(::1|undefined)$/);
  for (const endpoint of ['', 'tcp://', 'tcp://255.255.255.255:1', 'tcp://no-such-host.invalid:9'])
    expect(await facing(endpoint)).toBeUndefined();
});

test('what has changed is said once, and one look is over before the next', async () => {
  let place: Place = { facing: '192.0.2.7', global: [], local: [] };
  const said: Place[] = [];
  let isBusy = false;
  const watch = new Watch(
    async () => place,
    async (changed) => {
      expect(isBusy).toBe(false);
      isBusy = true;
      await new Promise((turn) => setTimeout(turn, 20));
      isBusy = false;
      said.push(changed);
    },
  );
  await Promise.all([watch.now(), watch.now()]);
  expect(said).toEqual([place]);
  place = { ...place, facing: undefined };
  await watch.now();
  await watch.now();
  await watch.again();
  expect(said.map((changed) => changed.facing)).toEqual(['192.0.2.7', undefined, undefined]);
  watch.close();
});

test('where the system does not tell its cards, that costs nothing else, and it is asked again', async () => {
  let asked = 0;
  const said: Place[] = [];
  const place = { facing: undefined, global: [], local: [] };
  const watch = new Watch(
    async () => {
      if (asked++ === 0) throw new Error('out of descriptors');
      return place;
    },
    async (changed) => void said.push(changed),
  );
  await watch.now();
  await watch.now();
  watch.close();
  expect(said).toEqual([place]);
});
