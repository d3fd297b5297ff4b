import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bindEndpoints, connectEndpoints } from '../src/transport/endpoint.ts';
import { Route } from '../src/transport/route.ts';

describe('a way to a host', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());
  let answer: string[] | Error = [];
  const asked = vi.fn(async () => {
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const start = (...first: string[]) => {
    answer = first;
    asked.mockClear();
    return Route.to('chat.example', 9999, asked);
  };
  /** Where it leads after each of so many turns. */
  const turns = async (route: Route, count: number) => {
    const seen: string[] = [];
    for (let i = 0; i < count; i++) seen.push(await route.turn().then(() => route.endpoint));
    return seen;
  };

  test('tries all addresses of the name, in turn and again', async () => {
    const route = await start('a', 'b', 'c');
    expect([route.endpoint, ...(await turns(route, 4))]).toEqual(['a', 'b', 'c', 'a', 'b']);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test('finds what the name means by now', async () => {
    const route = await start('a');
    expect(await turns(route, 1)).toEqual(['a']);
    answer = ['b', 'c'];
    vi.advanceTimersByTime(3_000);
    expect(await turns(route, 3)).toEqual(['b', 'c', 'b']);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  test('goes on with what was known while nobody knows the name', async () => {
    const route = await start('a', 'b');
    answer = new Error('no network');
    vi.advanceTimersByTime(3_000);
    expect(await turns(route, 3)).toEqual(['b', 'a', 'b']);
    answer = [];
    vi.advanceTimersByTime(3_000);
    expect(await turns(route, 1)).toEqual(['b']);
  });

  test('is none to a name that nobody knows', async () => {
    answer = new Error('not known');
    await expect(Route.to('x', 1, asked)).rejects.toThrow('not known');
  });
});

const networks = Object.entries(networkInterfaces()).flatMap(([name, list = []]) =>
  list.filter(({ address }) => /^fe80:/.test(address)).map(({ address }) => ({ name, address })),
);
const linkLocal = (says: string, hint: string) =>
  expect.objectContaining({ code: 'USAGE', message: says, hint: expect.stringContaining(hint) });

describe('an address', () => {
  test.each([
    ['127.0.0.1', 'tcp://127.0.0.1:9'],
    ['::1', 'tcp://[::1]:9'],
    ['::ffff:127.0.0.1', 'tcp://[::ffff:127.0.0.1]:9'],
  ])('%s is no name: it is taken as it is', async (ip, endpoint) => {
    expect([await connectEndpoints(ip, 9), await bindEndpoints(ip, 9)]).toEqual([[endpoint], [endpoint]]);
  });

  test('all is every interface to listen on, and this machine to connect to', async () => {
    expect([await bindEndpoints('all', 0), await bindEndpoints('*', 0)]).toEqual([['tcp://*:0'], ['tcp://*:0']]);
    for (const endpoint of await connectEndpoints('all', 9)) expect(endpoint).toMatch(/127\.0\.0\.1|::1/);
  });

  test('a name that nobody knows is said', async () => {
    await expect(connectEndpoints('no-such-host.invalid', 9)).rejects.toMatchObject({ code: 'UNKNOWN_HOST' });
  });

  test.skipIf(networks.length === 0)('link-local without its scope is answered with the scopes there are', async () => {
    const [{ name, address } = { name: '', address: '' }] = networks;
    const says = (of: string) => `the address "${of}" does not say in which network.`;
    for (const ask of [connectEndpoints, bindEndpoints]) {
      await expect(ask(address, 9)).rejects.toThrow(linkLocal(says(address), `--ip ${address}%${name}`));
      await expect(ask('fe80::9', 9)).rejects.toThrow(linkLocal(says('fe80::9'), `fe80::9%${name}`));
      const elsewhere = 'the address "fe80::9" names a network that has no such addresses here: "nonet0".';
      await expect(ask('fe80::9%nonet0', 9)).rejects.toThrow(linkLocal(elsewhere, `fe80::9%${name}`));
    }
    expect(await connectEndpoints(`${address}%${name}`, 9)).toEqual([`tcp://[${address}%${name}]:9`]);
  });
});
