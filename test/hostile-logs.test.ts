import { beforeEach, describe, expect, test } from 'vitest';
import { decode } from '../src/protocol/codec.ts';
import type { Frame, Message, Relayed, RosterFrame } from '../src/protocol/frames.ts';
import { addressText, membersDigest, rosterText } from '../src/protocol/roster.ts';
import type { Row } from '../src/protocol/rows.ts';
import { fakeCrypto, signature } from './support/fake-crypto.ts';
import { asRelayed, headOf, logOf, read, words } from './support/near-words.ts';
import { NearWorld } from './support/near-world.ts';

/** What is said near in the name of the room, and the room has not said: a log, how far it goes, who its members are. */
let world: NearWorld;
beforeEach(() => {
  world = new NearWorld('ABC');
});
/** Cy says only what the test says from now on. */
const gives = (...frames: Frame[]) => {
  world.who('C').member = undefined;
  for (const frame of frames) world.inject('C', 'B', frame);
  world.settle();
};

describe('a log over a bridge', () => {
  const log = logOf(...[1, 2, 3].map((n) => words('Z', n)));
  const [one, two, three] = log as [(typeof log)[0], (typeof log)[0], (typeof log)[0]];
  const other = logOf(words('Z', 1), words('Z', 2, { text: 'other' }), words('Z', 3));
  const last = other[2] as (typeof log)[0];
  const sig = headOf(three).sig;
  const whole = asRelayed(log, { sig });
  const withRows = (rows: Row[], more: Partial<Relayed> = {}): Relayed => ({ ...whole, rows, ...more });
  const [row1, row2, row3] = whole.rows as [Message, Message, Message];

  /** Bo is linked with Cy alone, who has nothing of the log yet. */
  const start = () => {
    world.who('A').store.apply(read(log));
    world.who('A').isAway = true;
    world.startAll();
  };
  const took = () => [world.who('B').store.head, world.who('B').texts];

  test('is read if the room has signed where it leads', () => {
    start();
    gives(whole);
    expect(took()).toEqual([3, ['Z1', 'Z2', 'Z3']]);
    expect(world.who('B').member?.near).toEqual(['c']);
  });

  const remains = ['c'];
  const ends: string[] = [];
  test.each<[string, string[], Relayed[]]>([
    ['with another text', remains, [withRows([row1, { ...row2, text: 'other' }, row3])]],
    ['with another author', remains, [withRows([row1, { ...row2, key: 'kC', id: { dev: 'C', n: 1 } }, row3])]],
    ['with another time', remains, [withRows([row1, { ...row2, at: 9 }, row3])]],
    ['without one of its rows', remains, [withRows([row1, row3])]],
    ['in another order', remains, [withRows([row2, row1, row3])]],
    ['with a row more', remains, [withRows([row1, row2, row3, { ...row3, seq: 4, id: { dev: 'Z', n: 4 } }])]],
    ['with a row twice', remains, [withRows([row1, row1, row2, row3])]],
    ['that does not come to its end', remains, [{ ...whole, hash: 'false' }]],
    ['from a later place on', remains, [asRelayed([two, three], { sig })]],
    [
      'with a lost place of which the room says nothing',
      remains,
      [withRows([row1, { kind: 'lost', seq: 2, hash: two.hash, sig: 'no' }, row3])],
    ],
    ['with other rows, and where these lead', ends, [asRelayed(other, { sig })]],
    [
      'with other rows, and an end that their giver has signed',
      ends,
      [asRelayed(other, { sig: headOf(last, {}, 'kC', 'server').sig })],
    ],
    ['whose end nobody has signed', ends, [{ ...whole, sig: 'no' }]],
    ['whose end another room has signed', ends, [{ ...whole, sig: headOf(three, {}, 'elsewhere').sig }]],
    [
      'whose end another room’s key has signed',
      ends,
      [{ ...whole, sig: headOf(three, {}, 'elsewhere', 'server').sig }],
    ],
    [
      'whose end the room’s key has signed for another one',
      ends,
      [{ ...whole, sig: headOf(three, {}, 'server', 'elsewhere').sig }],
    ],
    ['whose end was signed of another log', ends, [{ ...whole, sig: headOf(three, { log: 'log2' }).sig }]],
    ['whose end was signed of another run', ends, [{ ...whole, run: 'run2' }]],
    ['whose end was signed of another place', ends, [{ ...whole, sig: headOf({ ...three, seq: 2 }).sig }]],
    ['with an old end and more rows than that has', ends, [{ ...whole, sig: headOf(two).sig }]],
    ['with an old end and fewer rows than that has', ends, [asRelayed([one], { sig: headOf(two).sig })]],
    [
      'with fewer rows than lead to where it says',
      remains,
      [asRelayed([one], { hash: two.hash, sig: headOf(two).sig })],
    ],
    [
      'in parts, of which the last is false',
      remains,
      [asRelayed([one, two]), asRelayed([three], { k: 2, rows: [{ ...row3, text: 'other' }], sig })],
    ],
    ['in parts, of which one is missing', remains, [asRelayed([one]), asRelayed([three], { k: 2, sig })]],
    ['in parts, whose end nobody has signed', ends, [asRelayed([one, two]), asRelayed([three], { k: 2, sig: 'no' })]],
    ['in parts, without an end', remains, [asRelayed([one, two])]],
  ])('%s is not taken, and no part of it; the true one comes from somebody else', (_, near, frames) => {
    start();
    gives(...frames);
    expect([...took(), world.who('B').member?.near]).toEqual([0, [], near]);
    world.who('A').isAway = false;
    for (let i = 0; i < 30; i++) world.pass(500);
    expect(took()).toEqual([3, ['Z1', 'Z2', 'Z3']]);
    expect(world.who('B').store.headHash).toBe(three.hash);
  });

  test('with an old end is taken up to that, and the rest comes later', () => {
    start();
    gives(asRelayed([one, two], { sig: headOf(two).sig }));
    expect(took()).toEqual([2, ['Z1', 'Z2']]);
    gives(asRelayed([one, two], { k: 2, sig: headOf(two).sig }), { ...whole, k: 3 });
    expect(took()).toEqual([3, ['Z1', 'Z2', 'Z3']]);
  });
});

describe('a list of members', () => {
  /** Somebody has signed this list. */
  const listOf = (devices: string, version: number, by = 'server', room = by): RosterFrame => {
    const named = [...devices].map((dev) => [`k${dev}`, dev.toLowerCase()] as [string, string]);
    const head = { version, at: 1, digest: membersDigest(fakeCrypto, named) };
    const members = named.map(([key, name]) => ({ key, name }));
    return { kind: 'roster', from: 0, members, ...head, sig: signature(by, rosterText(room, head)) };
  };
  const known = () => {
    const { member, store } = world.who('B');
    return [member?.roster.signed?.version, [...(member?.roster.keys ?? [])], store.members().map(({ key }) => key)];
  };
  const keys = ['kA', 'kB', 'kC'];
  const start = () => {
    world.enroll('ABC', 3);
    world.startAll();
  };

  test.each([
    ['that is older, with somebody who has left', listOf('ABCD', 2)],
    ['that is older, without somebody who has come', listOf('BC', 2)],
    ['of the same version', listOf('BC', 3)],
    ['that another room has signed', listOf('BCD', 4, 'elsewhere')],
    ['that another room’s key has signed', listOf('BCD', 4, 'elsewhere', 'server')],
    ['that its giver has signed', listOf('BCD', 4, 'kC', 'server')],
    ['with somebody more than was signed', { ...listOf('ABC', 4), members: listOf('ABCD', 4).members }],
  ])('%s is not taken from somebody near, and talk goes on', (_, frame) => {
    start();
    gives({ kind: 'hello', r: 2, waits: [], version: frame.version }, frame as Frame);
    expect(known()).toEqual([3, keys, keys]);
    world.say('A', 'one');
    expect([world.who('B').texts, world.who('B').member?.near]).toEqual([['~one'], ['a', 'c']]);
  });

  test('that is newer is taken, and who says that it has an older one is given it', () => {
    start();
    gives(listOf('ABCD', 4) as Frame);
    expect(known()).toEqual([4, [...keys, 'kD'], [...keys, 'kD']]);
    world.who('B').effects = [];
    gives({ kind: 'hello', r: 2, waits: [], version: 2 });
    const sent = world.who('B').effects.flatMap((one) => (one.type === 'send' ? decode(Buffer.from(one.data)) : []));
    expect(sent.flatMap((frame) => (frame.kind === 'roster' ? frame.version : []))).toContain(4);
  });

  test.each([
    ['older than the known one', 'kA', 'A', 1],
    ['of nobody in the list', 'kD', 'D', 5],
    ['of a device that is another one’s', 'kA', 'C', 2_000_000],
  ])('an address in a hello that is %s is not taken', (_, key, dev, ts) => {
    start();
    const said = { key, dev, ts, hosts: ['10.6.6.6:1'] };
    const address = { ...said, sig: signature(key, addressText('server', said)) };
    gives({ kind: 'hello', r: 2, waits: [], addresses: [address] });
    expect(
      world
        .who('B')
        .store.addresses()
        .flatMap(({ hosts }) => hosts),
    ).not.toContain('10.6.6.6:1');
  });
});
