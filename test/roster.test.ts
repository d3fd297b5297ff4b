import { beforeEach, describe, expect, test } from 'vitest';
import { maxDeparted, maxDevices, maxMembers, rosterBytes, rosterIntervalMs } from '../src/core/limits.ts';
import type { Membership } from '../src/core/log/store.ts';
import type { RosterFrame } from '../src/protocol/frames.ts';
import { type Address, addressText, membersDigest, rosterText } from '../src/protocol/roster.ts';
import { fakeCrypto, signature } from './support/fake-crypto.ts';
import { MemberWorld } from './support/member-world.ts';
import { hello, type Json, range } from './support/people.ts';
import { RoomWorld } from './support/room-world.ts';

/* Who the members are, signed by the room, for those who may link with them when the server is away. */

const ageMs = 1_000_000;

const signed = (version: number, list: [string, string][], at = 5) => {
  const head = { version, at, digest: membersDigest(fakeCrypto, list) };
  return { ...head, sig: signature('server', rosterText('server', head)) };
};
const address = (dev: string, hosts: string[], more: { ts?: number; key?: string; by?: string } = {}): Address => {
  const said = { key: `k${dev.slice(0, 1)}`, dev, ts: 5, hosts, ...more };
  const { by = said.key, ...own } = said;
  return { ...own, sig: signature(by, addressText('server', own)) };
};
const cells = ({ key, dev, ts, hosts, sig }: Address) => [key, dev, ts, hosts, sig];

describe('a room', () => {
  let room: RoomWorld;
  beforeEach(() => {
    room = new RoomWorld({ ageMs });
  });
  const rosters = (to: string): Json[] => room.take(to).filter((frame) => frame.roster !== undefined);
  /** What goes out in the next interval. */
  const next = (to: string): Json[] => {
    room.say(to, { ack: 0 });
    room.forget();
    room.tick(rosterIntervalMs);
    room.tick();
    return rosters(to);
  };
  const asks = (from: string, more: Json = {}) => room.say(from, { roster: 0, ...more });

  test('tells it to who asks, signed, and to nobody else', () => {
    room.joins('ann', 'bo', 'lea');
    asks('a');
    room.tick();
    room.tick();
    const list: [string, string][] = [
      ['kB', 'bo'],
      ['kA', 'ann'],
    ];
    const { version, ...head } = signed(2, list, room.nowMs);
    expect(rosters('a')).toEqual([{ roster: version, from: 0, m: list.toReversed(), ...head }]);
    expect([rosters('b'), rosters('l')]).toEqual([[], []]);
    asks('l');
    expect(next('l')).toEqual([]);
  });

  test('tells only what is new, at most every 5 s, and the same bytes to all', () => {
    room.joins('ann', 'bo');
    asks('a');
    asks('b');
    expect(next('a')).toHaveLength(1);
    room.joins('cy');
    room.say('b', hello('bob'));
    room.forget();
    room.tick(rosterIntervalMs - 1);
    room.tick();
    expect(rosters('a')).toEqual([]);
    room.sent.length = 0;
    room.tick(1);
    room.tick();
    const sent = room.sent.filter(({ data }) => data.startsWith('{"roster"'));
    expect(sent.map(({ to }) => to)).toEqual([['a'], ['b']]);
    expect(new Set(sent.map(({ data }) => data)).size).toBe(1);
    expect(rosters('a')).toMatchObject([
      {
        roster: 4,
        from: 2,
        m: [
          ['kC', 'cy'],
          ['kB', 'bob'],
        ],
      },
    ]);
    expect(next('a')).toEqual([]);
  });

  test('tells the list as it was signed, although more has changed since', () => {
    room.joins('ann', 'bo');
    asks('a');
    next('a');
    room.joins('cy');
    room.say('b', hello('bob'));
    asks('c');
    room.forget();
    room.tick();
    const list: [string, string][] = [
      ['kA', 'ann'],
      ['kB', 'bo'],
    ];
    const { digest } = signed(2, list);
    expect(rosters('c')).toMatchObject([{ roster: 2, from: 0, m: list, digest }]);
  });

  test('goes on after what somebody has, and begins anew with who has what it does not know', () => {
    room.joins('ann', 'bo');
    asks('a', { roster: 1, ...signed(1, []), version: undefined });
    expect(next('a')).toMatchObject([{ roster: 2, from: 1, m: [['kB', 'bo']] }]);
    asks('b', { roster: 99 });
    expect(next('b')).toMatchObject([{ roster: 2, from: 0 }]);
  });

  test('that lost its disk is told how far it was, by what it has signed itself, and goes on above', () => {
    const list: [string, string][] = [['kX', 'xi']];
    const { version: _, ...old } = signed(50, list);
    room.joins('ann', 'bo');
    asks('a', { roster: 50, ...old, sig: 'forged' });
    expect(next('a')).toMatchObject([{ roster: 2, from: 0 }]);
    asks('a', { roster: 50, ...old });
    expect(next('a')).toMatchObject([{ roster: 51, from: 0 }]);
    // Another one of the same number.
    const { version: __, ...other } = signed(51, list);
    asks('b', { roster: 51, ...other });
    expect(next('b')).toMatchObject([{ roster: 52, from: 0 }]);
    expect(next('a')).toEqual([]);
  });

  test('waits with it until all entries have gone out', () => {
    room.joins('ann', 'bo');
    room.clogged.add('b');
    asks('b');
    room.talk(3);
    expect(next('b')).toEqual([]);
    room.clogged.clear();
    expect(next('b')).toHaveLength(1);
  });

  test('tells where a device can be reached, if its owner says so', () => {
    room.joins('ann', 'bo');
    const own = address('A', ['10.0.0.1:7000', '[fd00::1]:7000']);
    const wrong = [
      address('B', ['10.0.0.2:7000']),
      address('A', ['10.0.0.2:7000'], { by: 'kB' }),
      address('A', ['10.0.0.3:7000'], { key: 'kB' }),
    ];
    for (const one of wrong) asks('a', { a: [cells(one)] });
    expect(next('a')).toMatchObject([{ roster: 2 }]);
    asks('a', { roster: 2, a: [cells(own)] });
    expect(next('a')).toMatchObject([{ roster: 3, from: 2, a: [cells(own)] }]);
    const later = address('A', ['10.0.0.9:7000'], { ts: 6 });
    asks('a', { roster: 3, a: [cells(later)] });
    expect(next('a')).toMatchObject([{ roster: 4, a: [cells(later)] }]);
    // An old one, and the same hosts again, tell nothing new.
    asks('a', { roster: 4, a: [cells(own)] });
    asks('a', { roster: 4, a: [cells(address('A', ['10.0.0.9:7000'], { ts: 7 }))] });
    expect(next('a')).toEqual([]);
    expect(room.log.address('A')).toMatchObject({ ts: 6 });
  });

  test('forgets who was not there for as long as the log is kept, and its addresses; who is there stays', () => {
    room.joins('ann', 'bo');
    asks('b', { a: [cells(address('B', ['10.0.0.2:7000']))] });
    asks('a');
    expect(next('a')).toMatchObject([{ roster: 3 }]);
    room.say('b', { gone: 1 });
    for (let ms = 0; ms <= ageMs + 120_000; ms += 15_000) {
      room.say('a', { ack: 0 });
      room.tick(15_000);
    }
    expect(room.log.members()).toMatchObject([{ key: 'kA' }, { key: 'kB', version: 4 }]);
    expect(room.log.address('B')).toBeUndefined();
    room.forget();
    asks('a', { roster: 3 });
    expect(next('a')).toMatchObject([{ roster: 4, from: 3, m: [['kB']] }]);
    asks('a');
    expect(next('a')).toMatchObject([{ roster: 4, from: 0, m: [['kA', 'ann']] }]);
  });

  const member = (no: number, more: Partial<Membership> = {}): Membership => ({
    key: `k${no}`,
    name: `somebody called ${no}`,
    version: no,
    firstMs: 0,
    seenMs: no - 1e6,
    ...more,
  });
  const filled = (members: Membership[]): void => {
    room.log.apply({ members, roster: { last: members.length, base: 0 } });
    room = new RoomWorld({ store: room.log, ageMs: 1e12 });
    room.joins('ann');
    asks('a');
  };

  test('sends a long list in parts, which a reader goes on with where it was', () => {
    filled(range(1, 3_000).map((no) => member(no)));
    const parts = range(1, 20).flatMap(() => next('a'));
    expect(parts.length).toBeGreaterThan(5);
    for (const part of parts) expect(JSON.stringify(part).length).toBeLessThan(rosterBytes.frame);
    const ends = parts.map(({ roster }) => roster);
    expect(parts.map(({ from }) => from)).toEqual([0, ...ends.slice(0, -1)]);
    expect(parts.flatMap(({ m }) => m)).toHaveLength(3_001);
    expect(parts.map(({ sig }) => sig !== undefined)).toEqual(ends.map((end) => end === 3_001));
  });

  test('sends no more than so much in one tick, and all get their turn', () => {
    filled(range(1, 500).map((no) => member(no)));
    const names = range(1, 60).map((no) => `n${no}x`);
    for (const name of names) room.say(name, hello(name, { key: `kN${name}`, dev: `N${name}` }));
    room.tick(rosterIntervalMs);
    for (const name of names) room.say(name, { ack: 0 }, { roster: 0 });
    room.sent.length = 0;
    let bytes = 0;
    const served = new Set<string>();
    for (let ticks = 1; ticks < 40 && served.size < 60; ticks++) {
      room.tick();
      for (const { to, data } of room.sent.splice(0)) {
        if (!data.startsWith('{"roster"')) continue;
        bytes += data.length;
        for (const one of to) served.add(one);
      }
      expect(bytes).toBeLessThanOrEqual(ticks * rosterBytes.tick);
    }
    expect(served.size).toBeGreaterThanOrEqual(60);
  });

  test('whose keeper wants no links tells nobody who and where the others are, and says so', () => {
    room = new RoomWorld({ ageMs, unlinked: true });
    expect(room.log.roster.last).toBe(0);
    room.say('a', hello('ann'));
    expect(room.take('a')).toContainEqual(expect.objectContaining({ welcome: 1, unlinked: 1 }));
    asks('a', { a: [cells(address('A', ['10.0.0.1:7000']))] });
    expect(next('a')).toEqual([]);
    expect(room.log.addresses()).toEqual([]);
  });

  test('has room for so many, of each so many devices, and remembers so many who left', () => {
    filled([
      ...range(1, maxMembers).map((no) => member(no)),
      ...range(maxMembers + 1, maxMembers + maxDeparted).map((no) => ({
        key: `k${no}`,
        version: no,
        firstMs: 0,
        seenMs: 0,
      })),
    ]);
    const devices = range(1, maxDevices + 2).map((no) => ({ ...address(`A${no}`, [], { ts: no }), version: no }));
    room.log.apply({ addresses: devices });
    next('a');
    const members = room.log.members();
    expect(members.filter(({ name }) => name !== undefined)).toHaveLength(maxMembers);
    expect(members.filter(({ name }) => name === undefined)).toHaveLength(maxDeparted);
    expect(members.map(({ key }) => key)).toContain('kA');
    expect(room.log.roster.base).toBe(maxMembers + 1);
    expect(room.log.addresses().map(({ ts }) => ts)).toEqual(range(3, maxDevices + 2));
  });
});

describe('a member', () => {
  let ann: MemberWorld;
  const start = (hosts?: string[]) => {
    ann = new MemberWorld({ ...(hosts && { hosts }) });
    ann.goOnline();
  };
  const asked = () => ann.sent.filter((frame) => frame.kind === 'roster');
  const part = (more: Partial<RosterFrame>): RosterFrame => ({ kind: 'roster', version: 0, from: 0, ...more });
  const named = (list: [string, string][]) => list.map(([key, name]) => ({ key, name }));
  const two: [string, string][] = [
    ['kA', 'ann'],
    ['kB', 'bo'],
  ];
  const three: [string, string][] = [...two, ['kC', 'cy']];
  const known = () => ann.store.members().map(({ key, name }) => [key, name]);

  test('asks for it if it may link, and says where it can be reached', () => {
    start();
    expect(asked()).toEqual([]);
    start([]);
    expect(asked()).toEqual([{ kind: 'roster', version: 0 }]);
    start(['10.0.0.1:7000']);
    const said = { key: 'kA', dev: 'A', ts: ann.nowMs, hosts: ['10.0.0.1:7000'] };
    const sig = signature('kA', addressText('server', said));
    expect(asked()).toEqual([{ kind: 'roster', version: 0, addresses: [{ ...said, sig }] }]);
  });

  test('keeps a list that comes to what the room has signed, and says at its next coming which', () => {
    start([]);
    const reached = address('B', ['10.0.0.2:7000']);
    ann.receive(part({ members: named(two), addresses: [reached], ...signed(7, two) }));
    expect(known()).toEqual(two);
    expect(ann.store.address('B')).toMatchObject({ hosts: ['10.0.0.2:7000'] });
    ann.start({ hosts: [] });
    ann.comeBack();
    expect(asked()).toEqual([{ kind: 'roster', ...signed(7, two) }]);
    ann.receive(part({ from: 7, members: [{ key: 'kC', name: 'cy' }], ...signed(9, three) }));
    expect(known()).toEqual(three);
    ann.receive(part({ from: 9, members: [{ key: 'kB' }], ...signed(10, [two[0] ?? ['', ''], ['kC', 'cy']]) }));
    expect(known()).toEqual([
      ['kA', 'ann'],
      ['kC', 'cy'],
    ]);
    expect(ann.store.address('B')).toBeUndefined();
  });

  test('forgets whom it knew in a room that wants no links, and asks for nobody any more', () => {
    start(['10.0.0.1:7000']);
    ann.receive(part({ members: named(two), addresses: [address('B', ['10.0.0.2:7000'])], ...signed(7, two) }));
    ann.comeBack({ unlinked: true });
    expect(known()).toEqual([]);
    expect([ann.store.addresses(), ann.store.roster.signed]).toEqual([[], undefined]);
    asked();
    ann.start({ hosts: [] });
    ann.comeBack({ unlinked: true });
    expect(asked()).toEqual([]);
    ann.comeBack();
    expect(asked()).toEqual([{ kind: 'roster', version: 0 }]);
  });

  test('puts parts together, and takes none without the one before', () => {
    start([]);
    ann.receive(part({ version: 1, members: named(two.slice(0, 1)) }));
    ann.receive(part({ version: 3, from: 2, members: named([['kX', 'xi']]) }));
    expect(known()).toEqual([]);
    ann.receive(part({ from: 1, members: named(two.slice(1)), ...signed(2, two) }));
    expect(known()).toEqual(two);
  });

  test.each([
    ['somebody is left out', { members: named(two.slice(1)), ...signed(7, two) }],
    ['somebody is put in', { members: named(three), ...signed(7, two) }],
    ['a name is another', { members: named([two[0] ?? ['', ''], ['kB', 'bob']]), ...signed(7, two) }],
    ['somebody else has signed it', { members: named(two), ...signed(7, two), sig: 'x' }],
    ['the version is another', { members: named(two), ...signed(7, two), version: 8 }],
    ['the time is another', { members: named(two), ...signed(7, two), at: 6 }],
  ])('keeps nothing where %s, and asks once for the whole list', (_, wrong) => {
    start([]);
    ann.receive(part(wrong));
    expect(known()).toEqual([]);
    expect(asked()).toEqual([{ kind: 'roster', version: 0 }]);
    ann.receive(part(wrong));
    expect(asked()).toEqual([]);
    ann.receive(part({ members: named(two), ...signed(7, two) }));
    expect(known()).toEqual(two);
  });

  test('takes nothing that follows what it could not keep: an address that came with that would be missing', () => {
    start([]);
    ann.receive(part({ members: named(two), ...signed(6, two) }));
    const reached = address('B', ['10.0.0.2:7000']);
    ann.receive(part({ from: 6, addresses: [reached], ...signed(7, two), sig: 'x' }));
    ann.receive(part({ from: 7, members: [{ key: 'kC', name: 'cy' }], ...signed(8, three) }));
    expect(known()).toEqual(two);
    ann.receive(part({ members: named(three), addresses: [reached], ...signed(8, three) }));
    expect(known()).toEqual(three);
    expect(ann.store.address('B')).toMatchObject({ hosts: ['10.0.0.2:7000'] });
  });

  test('takes no list that is older than its own', () => {
    start([]);
    ann.receive(part({ members: named(three), ...signed(7, three) }));
    ann.receive(part({ members: named(two), ...signed(6, two) }), part({ members: named(two), ...signed(7, two) }));
    expect(known()).toEqual(three);
    ann.receive(part({ members: named(two), ...signed(8, two) }));
    expect(known()).toEqual(two);
  });

  test('whose disk lost a part of it asks for the whole list', () => {
    start([]);
    ann.receive(part({ members: named(two), ...signed(7, two) }));
    ann.store.apply({ forgotten: ['kB'] });
    ann.start({ hosts: [] });
    ann.comeBack();
    ann.receive(part({ from: 7, members: [{ key: 'kC', name: 'cy' }], ...signed(8, three) }));
    expect(asked()).toEqual([{ kind: 'roster', version: 0 }]);
    ann.receive(part({ members: named(three), ...signed(8, three) }));
    expect(known()).toEqual(three);
  });

  test('takes the list of a room that knows as many devices of all its members as it can', () => {
    start([]);
    const list = range(1, maxMembers).map((no) => [`k${no}`, 'x'] as [string, string]);
    ann.receive(part({ version: 1, members: named(list) }));
    for (let no = 1; no <= maxDevices; no++) {
      const addresses = list.map(([key]) => ({ key, dev: `${key}-${no}`, ts: 5, hosts: ['10.0.0.2:7000'], sig: 'x' }));
      ann.receive(part({ from: no, version: no + 1, addresses }));
    }
    ann.receive(part({ from: maxDevices + 1, ...signed(maxDevices + 2, list) }));
    expect([ann.store.members().length, ann.store.addresses().length]).toEqual([maxMembers, maxMembers * maxDevices]);
  });

  test('holds no more than a room can have', () => {
    start([]);
    const many = (from: number) => range(from, from + 1_999).map((no) => ({ key: `k${no}`, name: 'x' }));
    for (let from = 0; from < 6 * maxMembers; from += 2_000)
      ann.receive(part({ from, version: from + 2_000, members: many(from) }));
    const all = range(0, 6 * maxMembers - 1).map((no) => [`k${no}`, 'x'] as [string, string]);
    ann.receive(part({ from: 6 * maxMembers, ...signed(60_001, all) }));
    expect(known()).toEqual([]);
    ann.receive(part({ members: named(two), ...signed(60_002, two) }));
    expect(known()).toEqual(two);
  });
});
