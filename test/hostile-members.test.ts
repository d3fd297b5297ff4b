import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  answeredHellos,
  checkedAtOnce,
  dividedNear,
  maxDevices,
  maxIncoming,
  maxNearOfOne,
  silentMs,
} from '../src/core/limits.ts';
import { StagedRoster } from '../src/core/member/staged-roster.ts';
import { Acquaintances } from '../src/core/peers/acquaintances.ts';
import { Stream } from '../src/core/peers/stream.ts';
import { judge } from '../src/core/peers/taking.ts';
import { decode } from '../src/protocol/codec.ts';
import type { Frame, Message } from '../src/protocol/frames.ts';
import { addressText, membersDigest, rosterText } from '../src/protocol/roster.ts';
import { chainHash, headProof, signedText } from '../src/protocol/signed.ts';
import { fakeCrypto, fakeSalt, signature } from './support/fake-crypto.ts';
import { MemberWorld } from './support/member-world.ts';
import { NearWorld } from './support/near-world.ts';

/** What a member can do to the others while the server is away, and what looks like that and is not. */
let world: NearWorld;
beforeEach(() => {
  world = new NearWorld('ABC');
});
const pass = (seconds: number) => {
  for (let i = 0; i < 2 * seconds; i++) world.pass(500);
};
const inject = (...frames: object[]) => {
  for (const frame of frames) world.inject('C', 'B', frame as Frame);
  world.settle();
};
const addressOf = (key: string, dev: string, ts: number, host = '10.6.6.6:1') => {
  const said = { key, dev, ts, hosts: [host] };
  return { ...said, sig: signature(key, addressText('server', said)) };
};
/** The room has signed this list. */
const listOf = (devices: string, version: number) => {
  const named = [...devices].map((dev) => [`k${dev}`, dev.toLowerCase()] as [string, string]);
  const head = { version, at: 1, digest: membersDigest(fakeCrypto, named) };
  const members = named.map(([key, name]) => ({ key, name }));
  return { members, signed: { ...head, sig: signature('server', rosterText('server', head)) } };
};
const statuses = (dev: string) => world.who(dev).shown.filter(({ type }) => type === 'status');

test('a line with the highest counter that counts does not silence the others', () => {
  world.startAll();
  const said: Message = {
    ...{ kind: 'message', name: 'c', text: 'high', id: { dev: 'C', n: 1 }, lc: 2 ** 40 + 2 ** 19 },
    ...{ salt: fakeSalt, key: 'kC' },
  };
  const high = { ...said, sig: signature('kC', signedText(fakeCrypto, 'server', said)) };
  world.inject('C', 'A', { ...high, kind: 'said', k: 1, of: 1 } as Frame);
  world.settle();
  expect(world.who('A').texts).toContain('~high');
  world.say('A', 'hello');
  pass(11);
  expect(world.who('B').texts).toContain('~hello');
});

describe('the list of members from somebody near', () => {
  test('brings no address that its owner has not signed, this device among them', () => {
    world.startAll();
    const { members, signed } = listOf('ABC', 2);
    const ts = Number.MAX_SAFE_INTEGER;
    const addresses = ['A', 'B'].map((dev) => ({ key: `k${dev}`, dev, ts, hosts: ['10.6.6.6:1'], sig: 'no' }));
    inject({ kind: 'roster', from: 0, ...signed, members, addresses });
    const b = world.who('B');
    for (const dev of 'ABC') world.stop(dev);
    world.start('A', { hosts: [] });
    world.start('B');
    b.effects = [];
    pass(20);
    expect(b.member?.roster.signed?.version).toBe(2);
    expect(b.store.address('A')?.sig).not.toBe('no');
    // Else the time of its own address were at the end of all numbers, and nobody could read its hellos.
    const sent = b.effects.flatMap((effect) => (effect.type === 'send' ? decode(Buffer.from(effect.data)) : []));
    expect(sent.filter(({ kind }) => kind === 'malformed')).toEqual([]);
  });

  test('does not bring back where somebody was before it has moved while the list is checked', () => {
    world.startAll();
    const { member, store } = world.who('B');
    const now = { ms: world.nowMs, wallMs: world.nowMs };
    const { members, signed } = listOf('ABC', 2);
    const many = Array.from({ length: checkedAtOnce }, (_, i) => addressOf('kC', `C${i + 10}`, now.ms + 1));
    const addresses = [addressOf('kA', 'A', now.ms + 1), ...many];
    member?.roster.take({ kind: 'roster', from: 0, ...signed, members, addresses }, new StagedRoster());
    member?.roster.check(now);
    const moved = addressOf('kA', 'A', now.ms + 2, '10.1.0.1:7000');
    store.apply({ addresses: [{ ...moved, version: 0 }] });
    world.pass(500);
    expect([store.address('A')?.hosts, store.address('C10')?.hosts]).toEqual([['10.1.0.1:7000'], ['10.6.6.6:1']]);
  });

  test('does not keep that of the room from being read, by which somebody is removed', () => {
    world.startAll();
    const { member } = world.who('B');
    inject({ kind: 'roster', from: 0, version: 9 });
    const { signed } = listOf('AB', 2);
    member?.roster.take({ kind: 'roster', from: 1, members: [{ key: 'kC' }], ...signed });
    world.pass(500);
    expect([member?.roster.signed?.version, member?.near]).toEqual([2, ['a']]);
  });
});

describe('addresses of one member', () => {
  const many = (ts: number) => Array.from({ length: 200 }, (_, i) => addressOf('kC', `C${i + 10}`, ts));

  test.each([
    ['of now', 5, maxDevices],
    ['that claim to be newer than anything', 2 ** 50, 1],
  ])('%s are kept of so many devices', (_, ts, count) => {
    world.startAll();
    inject({ kind: 'hello', r: 100, waits: [], addresses: many(ts) });
    expect(
      world
        .who('B')
        .store.addresses()
        .filter(({ key }) => key === 'kC'),
    ).toHaveLength(count);
  });

  test('do not keep the others from being found', () => {
    world = new NearWorld('ABCDE');
    for (const dev of 'BC') world.start(dev);
    pass(2);
    inject({ kind: 'hello', r: 100, waits: [], addresses: many(5) });
    for (const dev of 'BC') world.stop(dev);
    // B alone knows where the others are.
    for (const dev of 'ADE') world.who(dev).store.apply({ forgotten: [...'ABCDE'] });
    for (const dev of 'ABDE') world.start(dev);
    pass(10);
    expect(world.who('B').member?.near).toEqual(['a', 'd', 'e']);
  });
});

test('many connections of one member do not take the places of all', () => {
  for (const dev of 'AB') world.start(dev);
  const greet = (no: number) => ({ kind: 'greet' as const, nonce: `n${no}`, key: 'kC', dev: 'C' });
  for (let second = 0; second < silentMs / 1_000 + 10; second++) {
    for (const dev of 'AB')
      for (let no = 0; no < maxIncoming; no++)
        world.input(world.who(dev), { type: 'frame', from: `~\0c${no}`, frame: greet(no) });
    pass(1);
  }
  expect(world.who('A').member?.near).toEqual(['b']);
});

describe('many keys that fill the places of what is said near', () => {
  const said = (dev: string, n: number): Message => {
    const key = `k${dev}`;
    const words: Message = {
      kind: 'message',
      name: 'x',
      text: `${dev}${n}`,
      id: { dev, n },
      lc: n,
      salt: fakeSalt,
      key,
    };
    return { ...words, sig: signature(key, signedText(fakeCrypto, 'server', words)) };
  };
  const share = Math.floor(dividedNear / 14);
  const verdict = (dev: string, n: number) => {
    const { member } = world.who('B');
    return member && judge(member, said(dev, n));
  };

  test('leave room for each of the others, and are told that there is no more', () => {
    const fills = (dev: string, count: number) => Array.from({ length: count }, (_, i) => said(dev, i + 1));
    const common = [...'DEFGH'].flatMap((dev) => fills(dev, maxNearOfOne));
    for (const [saidByA, expected] of [
      [share - 1, 'new'],
      [share, 'full'],
    ] as const) {
      world = new NearWorld('ABCDEFGHIJKLM');
      const shares = [...'CIJKLM'].flatMap((dev) => fills(dev, share));
      world.who('B').store.apply({ pending: [...common, ...shares, ...fills('A', saidByA)] });
      world.start('B');
      expect([...'DIM'].map((dev) => verdict(dev, maxNearOfOne + 1))).toEqual(['full', 'full', 'full']);
      expect([verdict('A', saidByA + 1), verdict('Z', 1)]).toEqual([expected, 'new']);
    }
  });
});

test('places said by strangers stand behind the one that a member says of itself, but for the last', () => {
  const book = new Acquaintances(fakeCrypto, () => 'nonce');
  for (let i = 0; i < 16; i++) book.hear(`10.6.6.${i}:1`, 'kB', i);
  const [found] = book.choose([{ key: 'kB', dev: 'B', hosts: ['10.0.0.66:7000'] }], 'A', () => false, 1, 20);
  expect(found?.hosts.slice(0, 3)).toEqual(['10.6.6.15:1', '10.0.0.66:7000', '10.6.6.14:1']);
});

const saidByZ = (n: number, lc = n): Message => {
  const words: Message = {
    kind: 'message',
    name: 'z',
    text: `${n}`,
    id: { dev: 'Z', n },
    lc,
    salt: fakeSalt,
    key: 'kZ',
  };
  return { ...words, sig: signature('kZ', signedText(fakeCrypto, 'server', words)) };
};

test('hellos without an end are answered as often as one member may ask, and the newest one is, over a new link too', () => {
  world.who('B').store.apply({ pending: [1, 2, 3].map((n) => saidByZ(n)) });
  world.startAll();
  pass(8);
  const b = world.who('B');
  const answered = () => {
    const sent = b.effects.splice(0).flatMap((one) => (one.type === 'send' ? decode(Buffer.from(one.data)) : []));
    return sent.flatMap((frame) => (frame.kind === 'said' && frame.text === '1' ? frame.of : []));
  };
  const hellos = (from: number) => Array.from({ length: 50 }, (_, i) => ({ kind: 'hello', r: from + i, waits: [] }));
  answered();
  for (const hello of hellos(100)) inject(hello);
  expect(answered()).toHaveLength(answeredHellos.atOnce);
  world.pass(1_000);
  expect(answered()).toEqual([149]);
  world.lose('C');
  world.pass(500);
  for (const hello of hellos(200)) inject(hello);
  expect(answered().length).toBeLessThanOrEqual(1);
});

test('nothing is remembered of a line that is not kept', () => {
  world.startAll();
  const isThere = vi.spyOn(Stream.prototype, 'isThere');
  inject({ ...saidByZ(1, 2 ** 52), kind: 'said', k: 1, of: 1 });
  expect(isThere).not.toHaveBeenCalled();
  inject({ ...saidByZ(1), kind: 'said', k: 2, of: 1 });
  expect([isThere.mock.calls.length > 0, world.who('B').texts]).toEqual([true, ['~1']]);
  isThere.mockRestore();
});

test('parts of a log without a place are no parts: who gives them is hung up on', () => {
  world.startAll();
  inject(...[1, 2, 3].map((k) => ({ kind: 'relayed', k, of: 1, from: 1, rows: [], hash: 'h' })));
  expect(world.who('B').member?.near).toEqual(['a']);
});

describe('the own door', () => {
  test('where another device of this folder was leads to itself, which is no copy', () => {
    world = new NearWorld('AB');
    const a = world.who('A');
    a.store.apply({ addresses: [{ ...addressOf('kA', 'A2', 1, '10.0.0.65:7000'), version: 1 }] });
    world.start('A');
    world.start('B', { hosts: [] });
    pass(1);
    world.say('A', 'mine');
    pass(10);
    expect([statuses('A'), a.member?.courier.dev]).toEqual([[], 'A']);
  });

  test('is reached by a false word where it is, and that is no copy', () => {
    world = new NearWorld('AB');
    const a = world.who('A');
    world.start('A');
    pass(2);
    world.say('A', 'mine');
    world.input(a, { type: 'heard', host: '10.0.0.65:7000', key: 'kA' });
    pass(10);
    expect([statuses('A'), a.member?.courier.dev]).toEqual([[], 'A']);
  });
});

test('two who bring the log at once, part by part, do not hinder each other', () => {
  const entries = [];
  let prev = '';
  for (let seq = 1; seq <= 1_000; seq++) {
    const said: Message = {
      ...{ kind: 'message', name: 'z', text: `${seq}`, id: { dev: 'Z', n: seq }, lc: seq, ts: seq, in: seq - 1 },
      ...{ salt: fakeSalt, key: 'kZ' },
    };
    const signed = { ...said, sig: signature('kZ', signedText(fakeCrypto, 'server', said)), at: seq };
    const hash = chainHash(fakeCrypto, prev, signed);
    entries.push({ seq, prev, hash, atMs: seq, ranMs: 0, message: { ...signed, seq, hash } });
    prev = hash;
  }
  const head = { log: 'log', run: 'run1', seq: 1_000, hash: prev };
  const newest = { ...head, sig: signature('server', headProof('server', head)) };
  for (const dev of 'AB') world.who(dev).store.apply({ entries, signed: { run: 'run1', newest } as never });
  world.startAll();
  pass(10);
  expect(world.who('C').store.head).toBe(1_000);
});

test('what the room says it holds does not mean that it is away', () => {
  const ann = new MemberWorld({ room: 'server', hosts: ['10.0.0.1:1'] });
  ann.goOnline();
  ann.type('one');
  ann.receive({ kind: 'receipt', kept: 0, held: 1, heldMs: 9_000 });
  for (let i = 0; i < 15; i++) {
    ann.tick(100);
    if (i % 10 === 9) ann.receive({ kind: 'heartbeat', seq: 0, kept: 0, held: 1, heldMs: 8_000 });
  }
  expect([ann.member.isLive, ann.member.peers.isMissing]).toEqual([true, false]);
});
