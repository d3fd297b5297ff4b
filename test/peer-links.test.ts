import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Dealer, Router } from 'zeromq';
import type { Full, Input } from '../src/core/turn.ts';
import type { ChatError } from '../src/errors.ts';
import { curveKeyOf, signingKeysOf } from '../src/keys/curve.ts';
import { identityOf, type OwnIdentity } from '../src/keys/ed25519.ts';
import { goneText } from '../src/protocol/codec.ts';
import { Beacon } from '../src/transport/beacon.ts';
import type { Place } from '../src/transport/interfaces.ts';
import { Peers } from '../src/transport/peers.ts';
import { domains, type Encryption, z85 } from '../src/transport/sockets.ts';
import type { Zap } from '../src/transport/zap.ts';
import { freePort } from './chaos/proxy.ts';
import { openZap } from './support/zap.ts';

const [ann, bo, eve] = [1, 2, 3].map((byte) => identityOf(Buffer.alloc(32, byte))) as [
  OwnIdentity,
  OwnIdentity,
  OwnIdentity,
];
const ip = '127.0.0.1';
const here: Place = { facing: ip, global: [], local: [] };
const isEnd = { type: 'disconnected', from: '~d1' };

/** The one handler of this process asks those who listen: who is admitted by each of them gets in. */
let asked: Peers[];
let zap: Zap;
let closing: (() => unknown)[];
beforeAll(async () => {
  zap = await openZap((knock) => (asked.every((peers) => peers.judge(knock) === 'admitted') ? 'admitted' : 'refused'));
  zap.answer().catch(() => {});
});
afterAll(() => zap.close());
beforeEach(() => {
  [asked, closing] = [[], []];
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
});

type Made = { place?: Place; port?: number; isFixed?: boolean; admits?: OwnIdentity[] };
/** A member, and the next input of one of these types. */
function member(own: OwnIdentity, { place = here, admits = [ann, bo] }: Made = {}) {
  const told: ChatError[] = [];
  const now = { place };
  const options = {
    key: own.key,
    own: own.curve,
    curveKeyOf,
    signingKeysOf,
    server: () => `tcp://${ip}:9`,
    room: () => ann.key,
  };
  const silent = new Beacon({
    key: own.key,
    room: () => undefined,
    portAt: () => undefined,
    keys: () => [],
    heard: () => {},
    port: 1,
  });
  const peers = new Peers({
    ...options,
    tell: (error) => told.push(error),
    look: async () => now.place,
    openZap: async () => ({ answer: () => new Promise(() => {}), close: () => {} }) as unknown as Zap,
    beacon: silent,
  });
  peers.take({ type: 'admitPeers', keys: new Set(admits.map(({ key }) => key)) });
  closing.push(() => peers.close());
  const inputs = peers.inputs[Symbol.asyncIterator]();
  const next = async <T extends Input['type']>(...types: T[]): Promise<Input & { type: T }> => {
    for (;;) {
      const { value, done } = await inputs.next();
      if (done) throw new Error(`closed before ${types}`);
      if ((types as string[]).includes(value.type)) return value as Input & { type: T };
    }
  };
  const dial = (to: string, other: OwnIdentity, ...hosts: string[]) =>
    peers.take({ type: 'dial', to, key: other.key, hosts });
  return { peers, next, dial, told, now };
}
/** One that listens, and where. */
async function listening(own: OwnIdentity, made: Made = {}) {
  const one = member(own, made);
  asked.push(one.peers);
  await one.peers.listen(made.port ?? 0, made.isFixed);
  const { hosts } = await one.next('reachable');
  return { ...one, hosts, host: hosts[0] ?? '' };
}
const textOf = (input: Input) => (input.type === 'bytes' ? Buffer.from(input.data).toString() : input.type);

describe('a link between members', () => {
  test('goes both ways, and its end is the last of it, once, at both ends', async () => {
    const [a, b] = [await listening(ann), member(bo)];
    b.dial('~d1', ann, a.host);
    expect(await b.next('connected', 'disconnected')).toEqual({ type: 'connected', from: '~d1' });
    expect(await b.peers.send(['~d1'], 'hello')).toEqual([]);
    const { from, ...heard } = await a.next('bytes');
    expect([from[0], from.startsWith('~d'), textOf({ from, ...heard })]).toEqual(['~', false, 'hello']);
    expect(await a.peers.send([from], 'welcome')).toEqual([]);
    expect(textOf(await b.next('bytes'))).toBe('welcome');
    b.peers.take({ type: 'hangUp', to: '~d1' });
    expect(await b.next('disconnected')).toEqual(isEnd);
    expect(await a.next('disconnected', 'bytes')).toEqual({ type: 'disconnected', from });
    expect(await a.peers.send([from], 'too late')).toEqual([]);
  });

  test('that came in is hung up: the other side hears the end, and nothing more is heard of it', async () => {
    const a = await listening(ann);
    const raw = rawDealer(bo, ann, a.host);
    await raw.send('1');
    const { from } = await a.next('bytes');
    a.peers.take({ type: 'hangUp', to: from });
    expect(await a.next('disconnected')).toEqual({ type: 'disconnected', from });
    expect(String(await raw.receive())).toBe(goneText);
    await raw.send('2');
    const other = rawDealer(bo, ann, a.host);
    await other.send('3');
    expect(textOf(await a.next('bytes', 'disconnected'))).toBe('3');
  });

  test('that is told the end by the other side ends here, too', async () => {
    const [a, b] = [await listening(ann), member(bo)];
    b.dial('~d1', ann, a.host);
    await b.next('connected');
    await b.peers.send(['~d1'], 'hello');
    a.peers.take({ type: 'hangUp', to: (await a.next('bytes')).from });
    expect(await b.next('disconnected', 'bytes')).toEqual(isEnd);
  });

  test('what the other side said last is heard before its end', async () => {
    const { router, host } = await rawRouter(ann);
    const b = member(bo);
    b.dial('~d1', ann, host);
    await b.next('connected');
    await b.peers.send(['~d1'], 'hello');
    const [id] = await router.receive();
    const said = Array.from({ length: 90 }, (_, n) => String(n));
    for (const text of said) await router.send([id as Buffer, text]);
    router.linger = 1_000;
    router.close();
    await delay(200);
    const heard: string[] = [];
    for (let text = ''; text !== 'disconnected'; heard.push(text)) text = textOf(await b.next('bytes', 'disconnected'));
    expect(heard).toEqual([...said, 'disconnected']);
  });

  test('whoever chooses a name for its connection takes nobody’s place', async () => {
    const [a, b] = [await listening(ann), await listening(bo)];
    a.dial('~d1', bo, b.host);
    await a.next('connected');
    const liar = rawDealer(bo, ann, a.host, { routingId: 'd1' });
    await liar.send('I am Bo');
    expect((await a.next('bytes')).from).not.toBe('~d1');
  });

  test('a full one is said to be full, and others are given theirs', async () => {
    const { host } = await rawRouter(ann, { receiveHighWaterMark: 1 });
    const [a, b] = [await listening(ann), member(bo)];
    b.dial('~d1', ann, host);
    b.dial('~d2', ann, a.host);
    await b.next('connected');
    await b.next('connected');
    const text = 'x'.repeat(40_000);
    let full: Full[] = [];
    for (let n = 0; n < 2_000 && full.length === 0; n++) full = await b.peers.send(['~d1'], text);
    expect(full).toEqual([{ id: '~d1', taken: 0 }]);
    expect(await b.peers.send(['~d2'], text)).toEqual([]);
    expect((await a.next('bytes')).data).toHaveLength(text.length);
  });
});

describe('who may link', () => {
  test('nobody before the list is known; nobody who is not on it; nobody without a key: no frame of theirs comes in', async () => {
    const a = await listening(ann, { port: await freePort(), isFixed: true });
    const b = member(bo);
    a.peers.take({ type: 'admitPeers', keys: new Set([ann.key]) });
    expect((await a.next('reachable')).hosts).toEqual([]);
    b.dial('~d1', ann, a.host);
    expect(await b.next('connected', 'disconnected')).toEqual(isEnd);
    a.peers.take({ type: 'admitPeers', keys: new Set([bo.key]) });
    expect((await a.next('reachable')).hosts).toEqual([a.host]);
    const strangers = [rawDealer(eve, ann, a.host), rawDealer(bo, eve, a.host), rawDealer(undefined, ann, a.host)];
    for (const stranger of strangers) void stranger.send('let me in').catch(() => {});
    await delay(300);
    b.dial('~d2', ann, a.host);
    await b.next('connected');
    await b.peers.send(['~d2'], 'it is me');
    expect(textOf(await a.next('bytes'))).toBe('it is me');
  });

  test('who is a member no more is out, also without a word so far; the others come again', async () => {
    const a = await listening(ann, { admits: [bo, eve] });
    const [b, e] = [member(bo), member(eve)];
    for (const one of [b, e]) {
      one.dial('~d1', ann, a.host);
      expect(await one.next('connected', 'disconnected')).toMatchObject({ type: 'connected' });
    }
    a.peers.take({ type: 'admitPeers', keys: new Set([bo.key]) });
    for (const one of [b, e]) expect(await one.next('disconnected')).toEqual(isEnd);
    // The door is shut for a moment.
    let tries = 2;
    const again = async () => {
      b.dial(`~d${tries++}`, ann, a.host);
      return (await b.next('connected', 'disconnected')).type;
    };
    while ((await again()) !== 'connected') await delay(20);
    e.dial('~d2', ann, a.host);
    expect((await e.next('connected', 'disconnected')).type).toBe('disconnected');
  });

  test('a list that only grows leaves the links there are', async () => {
    const [a, b] = [await listening(ann, { admits: [bo] }), member(bo)];
    b.dial('~d1', ann, a.host);
    await b.next('connected');
    a.peers.take({ type: 'admitPeers', keys: new Set([bo.key, eve.key]) });
    await b.peers.send(['~d1'], 'still here');
    expect(textOf(await a.next('bytes', 'disconnected'))).toBe('still here');
  });
});

describe('a member who cannot be reached', () => {
  const cases: [string, (make: { serve: (answer?: string) => Promise<string> }) => Promise<string[]> | string[]][] = [
    ['nobody listens', async () => [`${ip}:${await freePort()}`]],
    ['another program', async ({ serve }) => [await serve('HTTP/1.1 400 Bad Request\r\n\r\n')]],
    ['another member', async () => [(await rawRouter(eve)).host]],
    ['a program without a key', async () => [(await rawRouter()).host]],
    ['no address at all', () => []],
    ['no address', () => ['nonsense', '256.1.1.1:5']],
  ];
  test.each(cases)('%s: that is the end of it', async (_, hosts) => {
    const b = member(bo);
    b.dial('~d1', ann, ...(await hosts({ serve })));
    expect(await b.next('connected', 'disconnected')).toEqual(isEnd);
    await delay(600);
    b.dial('~d2', ann);
    expect(await b.next('connected', 'disconnected')).toEqual({ ...isEnd, from: '~d2' });
  });

  test('a program that says nothing is left after 3 s', async () => {
    const b = member(bo);
    const startMs = performance.now();
    b.dial('~d1', ann, await serve());
    await b.next('disconnected');
    expect(performance.now() - startMs).toBeGreaterThan(2_900);
  });

  test('no key: nobody is dialed', async () => {
    const [a, b] = [await listening(ann), member(bo)];
    b.peers.take({ type: 'dial', to: '~d1', key: 'none', hosts: [a.host] });
    expect(await b.next('connected', 'disconnected')).toEqual(isEnd);
  });

  test('at the first addresses is found at the last one, and linked once', async () => {
    const [a, b] = [await listening(ann), member(bo)];
    const silent = [await serve(), await serve(), await serve()];
    b.dial('~d1', ann, `${ip}:${await freePort()}`, ...silent, a.host, (await rawRouter(ann)).host);
    expect(await b.next('connected', 'disconnected')).toEqual({ type: 'connected', from: '~d1' });
    await b.peers.send(['~d1'], 'hello');
    expect(textOf(await a.next('bytes'))).toBe('hello');
    b.peers.take({ type: 'hangUp', to: '~d1' });
    expect(await b.next('connected', 'disconnected')).toEqual(isEnd);
  });

  test('who has one of my own addresses is found on this machine', async () => {
    const [a, b] = [
      await listening(ann),
      member(bo, { place: { facing: '192.0.2.7', global: ['192.0.2.7'], local: [] } }),
    ];
    await b.peers.listen(await freePort(), true);
    b.dial('~d1', ann, a.host.replace(ip, '192.0.2.7'));
    expect((await b.next('connected', 'disconnected')).type).toBe('connected');
  });
});

test('a member that comes again and again, and hangs up on nothing, is not let in any more', async () => {
  const a = await listening(ann);
  const dealers = Array.from({ length: 40 }, () => rawDealer(bo, ann, a.host));
  await Promise.all(dealers.map((dealer) => dealer.send('x')));
  const heard = new Set<string>();
  for (let i = 0; i < 16; i++) heard.add((await a.next('bytes')).from);
  await delay(500);
  a.peers.inputs.push({ type: 'tick' });
  expect(heard.size).toBe(16);
  expect((await a.next('bytes', 'tick')).type).toBe('tick');
});

describe('where it listens', () => {
  test('at the port it had before; where that is taken, at any other one', async () => {
    const port = await freePort();
    const a = await listening(ann, { port });
    expect(a.hosts).toEqual([`${ip}:${port}`]);
    const b = await listening(bo, { port });
    expect(b.hosts).not.toEqual(a.hosts);
    expect(b.told).toEqual([]);
  });

  test('a fixed port that is taken is told once, and dialing goes on', async () => {
    const a = await listening(ann);
    const b = member(bo);
    await b.peers.listen(Number(a.host.split(':')[1]), true);
    expect(b.told.map(({ code }) => code)).toEqual(['ADDRESS_IN_USE']);
    expect(b.told[0]?.message).toMatch(/^other members cannot reach this one: port \d+ is already in use\.$/);
    b.dial('~d1', ann, a.host);
    expect((await b.next('connected', 'disconnected', 'reachable')).type).toBe('connected');
  });

  test('nobody can say who may come in: nobody can, which is told, and dialing goes on', async () => {
    const a = await listening(ann);
    const told: ChatError[] = [];
    const openZapFails = async () => Promise.reject(new Error('Address already in use'));
    const b = new Peers({
      ...{ key: bo.key, own: bo.curve, curveKeyOf, signingKeysOf, server: () => '', room: () => undefined },
      tell: (error) => told.push(error),
      look: async () => here,
      openZap: openZapFails,
    });
    closing.push(() => b.close());
    b.take({ type: 'admitPeers', keys: new Set([ann.key]) });
    await b.listen(0);
    expect(told).toHaveLength(1);
    b.take({ type: 'dial', to: '~d1', key: ann.key, hosts: [a.host] });
    for await (const input of b.inputs) {
      expect(input).toEqual({ type: 'connected', from: '~d1' });
      break;
    }
  });

  test('with the server in a network: there and on this machine; everywhere once others are sought; not where it is no more', async () => {
    // They are of this machine alone, and stand for those of a network.
    const [card, another] = ['::ffff:127.0.0.2', '127.0.0.3'];
    const a = member(ann, { place: { facing: card, global: [card, another], local: [] } });
    asked.push(a.peers);
    await a.peers.listen(0);
    const { hosts } = await a.next('reachable');
    expect(hosts).toEqual([`[::ffff:127.0.0.2]:${a.peers.port}`]);
    const b = member(bo);
    b.dial('~d1', ann, `${ip}:${a.peers.port}`);
    expect((await b.next('connected', 'disconnected')).type).toBe('connected');
    b.dial('~d2', ann, `127.0.0.3:${a.peers.port}`);
    expect((await b.next('connected', 'disconnected')).type).toBe('disconnected');
    a.peers.take({ type: 'seek', isOn: true });
    expect((await a.next('reachable')).hosts).toEqual([hosts[0], `127.0.0.3:${a.peers.port}`]);
    b.dial('~d3', ann, `127.0.0.3:${a.peers.port}`);
    expect((await b.next('connected', 'disconnected')).type).toBe('connected');
    const c = await listening(bo);
    a.dial('~d1', bo, c.host);
    expect((await a.next('connected', 'disconnected')).type).toBe('connected');
    a.now.place = { facing: undefined, global: ['127.0.0.3'], local: [] };
    // It may have been dialed from there.
    expect(await a.next('disconnected', 'reachable')).toEqual(isEnd);
    expect((await a.next('reachable')).hosts).toEqual([`127.0.0.3:${a.peers.port}`]);
    // ZeroMQ leaves an address a moment after it has said so.
    const isReached = async (turn: number) => {
      b.dial(`~e${turn}`, ann, hosts[0] ?? '');
      return (await b.next('connected', 'disconnected')).type === 'connected';
    };
    let turns = 0;
    while (await isReached(turns)) expect(turns++).toBeLessThan(100);
  });
});

/** A member’s program by hand. */
function rawDealer(own: OwnIdentity | undefined, other: OwnIdentity, host: string, options = {}): Dealer {
  const keys: Encryption['own'] | undefined = own?.curve;
  const curve = keys && {
    curvePublicKey: z85(keys.publicKey),
    curveSecretKey: z85(keys.secretKey),
    curveServerKey: z85(other.curve.publicKey),
  };
  const dealer = new Dealer({ linger: 0, ...curve, ...options });
  closing.push(() => dealer.close());
  dealer.connect(`tcp://${host}`);
  return dealer;
}
async function rawRouter(own?: OwnIdentity, options = {}) {
  const curve = own && { curveServer: true, zapDomain: domains.closed, curveSecretKey: z85(own.curve.secretKey) };
  const router = new Router({ linger: 0, mandatory: true, ...curve, ...options });
  closing.push(() => router.close());
  await router.bind(`tcp://${ip}:*`);
  return { router, host: String(router.lastEndpoint).replace('tcp://', '') };
}
/** Another program; without an answer it takes everything and says nothing. */
async function serve(answer?: string): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => answer !== undefined && socket.end(answer));
    closing.push(() => socket.destroy());
  });
  closing.push(() => server.close());
  await new Promise<void>((done) => server.listen(0, ip, done));
  return `${ip}:${(server.address() as { port: number }).port}`;
}
