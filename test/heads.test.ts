import { beforeEach, describe, expect, test } from 'vitest';
import { decode } from '../src/protocol/codec.ts';
import type { Message, Received } from '../src/protocol/frames.ts';
import { type Head, headProof } from '../src/protocol/signed.ts';
import { fakeCrypto, signature } from './support/fake-crypto.ts';
import { Chain, challenge, disconnected, frame, MemberWorld, nothing } from './support/member-world.ts';
import { hello } from './support/people.ts';
import { RoomWorld } from './support/room-world.ts';

let ann: MemberWorld;
let log: Chain;
/** Another story: the same up to place 2. */
let other: Chain;
const cy = (n: number): Partial<Message> => ({ name: 'cy', id: { dev: 'C', n }, text: `other ${n}` });
const newest = () => ann.store.signed?.newest;
const awaited = () => ann.store.signed?.awaited?.seq;
const said = () => ann.shown.filter(({ type }) => type === 'contradiction');
beforeEach(() => {
  ann = new MemberWorld();
  log = ann.log;
  other = new Chain();
  for (const n of [3, 4, 5, 6]) other.entry(n, cy(n));
  ann.goOnline({ head: 0 });
  ann.receive(log.entry(1), log.entry(2), log.entry(3), log.entry(4));
});

describe('a head that the room has signed', () => {
  test('is kept with the log, and not written again', () => {
    ann.receive(ann.beat(4));
    const head = { log: 'log', run: 'run', seq: 4, hash: log.hashAt(4) };
    expect(ann.store.signed).toEqual({ newest: { ...head, sig: signature('server', headProof('server', head)) } });
    const { signed } = ann.store;
    ann.receive(ann.beat(4));
    expect([ann.did, ann.store.signed]).toEqual([nothing, signed]);
  });

  test('comes with the newest entries, too', () => {
    const head = { log: 'log', run: 'run', seq: 6, hash: log.hashAt(6) };
    const sig = signature('server', headProof('server', head));
    const entries = { kind: 'entries' as const, from: 5, rows: [log.entry(5), log.entry(6)], hash: head.hash };
    ann.step(frame({ ...entries, sig: 'wrong' }));
    expect([ann.store.head, newest()?.seq]).toEqual([6, 0]);
    ann.step(frame({ ...entries, sig }));
    expect([newest(), awaited(), said()]).toEqual([{ ...head, sig }, undefined, []]);
  });

  test('comes with the welcome, whose nonce it keeps', () => {
    ann.comeBack({ head: 4, headHash: log.hashAt(4) });
    expect(newest()).toMatchObject({ seq: 4, cn: 'cn' });
    const { sig = '', ...head } = newest() ?? ({} as Head & { sig?: string });
    expect(fakeCrypto.verify('server', headProof('server', head as Head), sig)).toBe(true);
  });

  test('is on the disk before anything is sent after it', () => {
    ann.slowDisk = true;
    ann.receive(ann.beat(4));
    expect([ann.sent, ann.commits.map(({ signed }) => signed?.newest.seq)]).toEqual([[], [4]]);
  });

  test('of an empty log is one too', () => {
    ann = new MemberWorld();
    ann.goOnline();
    ann.receive(ann.beat(0));
    expect([newest()?.seq, said()]).toEqual([0, []]);
  });

  test('above the cursor waits until that is reached: the oldest one, so that its turn comes', () => {
    ann.receive(ann.beat(6), ann.beat(8));
    expect([newest()?.seq, awaited()]).toEqual([8, 6]);
    ann.receive(log.entry(5), log.entry(6));
    expect([newest()?.seq, awaited()]).toEqual([8, 8]);
    ann.receive(log.entry(7), log.entry(8));
    expect([newest()?.seq, awaited(), said()]).toEqual([8, undefined, []]);
  });

  test('for a place that is not kept any more cannot be compared', () => {
    ann.receive(ann.beat(6));
    ann.comeBack({ since: 9, head: 9, headHash: log.hashAt(9) });
    expect([newest()?.seq, awaited(), said()]).toEqual([9, undefined, []]);
    ann.receive(ann.beat(7, { hash: 'h' }));
    expect([newest()?.seq, said()]).toEqual([9, []]);
  });

  test('of a place whose chain is not known cannot be compared', () => {
    ann.receive({ kind: 'lost', seq: 5 }, ann.beat(5));
    expect([newest()?.seq, said()]).toEqual([5, []]);
  });

  test('that is lower says nothing if it fits: anybody can repeat what was signed', () => {
    ann.receive(ann.beat(4), ann.beat(3), ann.beat(0));
    expect([newest()?.seq, said()]).toEqual([4, []]);
  });

  test.each<[string, () => Received]>([
    ['without a signature', () => ({ kind: 'heartbeat', seq: 0, head: 4, headHash: log.hashAt(4) })],
    ['without a place', () => ({ kind: 'heartbeat', seq: 0, headHash: log.hashAt(4), sig: 's' })],
    ['without the chain', () => ({ ...ann.beat(4), headHash: undefined }) as unknown as Received],
    ['with a place and no past', () => ann.beat(4, { hash: '' })],
    ['with a wrong signature', () => ({ ...ann.beat(4), sig: 's' }) as Received],
    [
      'with a signature that is too long',
      () => decode(Buffer.from(`{"hb":0,"head":4,"hh":"h","sig":"${'s'.repeat(129)}"}`)),
    ],
    [
      'with a chain that is too long',
      () => decode(Buffer.from(`{"hb":0,"head":4,"hh":"${'h'.repeat(65)}","sig":"s"}`)),
    ],
    ['with a place that is none', () => decode(Buffer.from('{"hb":0,"head":-4,"hh":"h","sig":"s"}'))],
    ['with another place', () => ({ ...ann.beat(4), head: 5 }) as Received],
    ['with another chain', () => ({ ...ann.beat(4), headHash: 'h' }) as Received],
    ['of another log', () => ann.beat(4, { log: 'log2' })],
    ['of another run', () => ann.beat(4, { run: 'run2' })],
    ['of a welcome to somebody else', () => ann.beat(4, { cn: 'cn2' })],
  ])('%s is none', (_name, beat) => {
    const { signed } = ann.store;
    ann.receive(beat());
    expect([ann.did, ann.store.signed]).toEqual([nothing, signed]);
  });

  test('of another room is none', () => {
    const { signed } = ann.store;
    ann.room = 'kX';
    ann.receive(ann.beat(4));
    expect([ann.did, ann.store.signed]).toEqual([nothing, signed]);
  });

  test('is kept also when another log begins at once', () => {
    const welcome = ann.welcome({ since: 0, fork: true, log: 'log2', run: 'run', head: 4, headHash: log.hashAt(4) });
    const beats = [ann.beat(4), { kind: 'rejoin', delayMs: 0 } as const, challenge, welcome].map(frame);
    ann.step(...beats);
    expect([ann.store.log, newest()?.seq, said().length]).toEqual(['log2', 4, 1]);
  });

  test('that is known already outlives another log that begins at once', () => {
    const welcome = ann.welcome({ since: 0, fork: true, head: 4, headHash: log.hashAt(4) });
    ann.step(...[ann.beat(4), { kind: 'rejoin', delayMs: 0 } as const, challenge, welcome].map(frame));
    expect([ann.store.head, newest()?.seq, awaited(), said()]).toEqual([0, 4, 4, []]);
  });

  test('says nothing between a join and its welcome', () => {
    ann.step(disconnected);
    ann.receive(ann.beat(4));
    expect(newest()?.seq).toBe(0);
  });
});

describe('a room that contradicts itself', () => {
  test('by two heads for one place is found out, once, with both of them', () => {
    ann.receive(ann.beat(4));
    const before = newest();
    ann.receive(ann.beat(4, { hash: other.hashAt(4) }), ann.beat(4, { hash: 'third' }));
    const second = { log: 'log', run: 'run', seq: 4, hash: other.hashAt(4) };
    const sig = signature('server', headProof('server', second));
    const heads = [before, { ...second, sig }];
    expect(ann.shown).toEqual([{ type: 'contradiction', reason: 'signed', room: 'server', seq: 4, heads }]);
    expect(ann.store.signed).toEqual({ newest: before, said: true });
  });

  test('by a head that is not what was read is found out', () => {
    ann.receive(ann.beat(4, { hash: other.hashAt(4) }));
    expect(said()).toMatchObject([{ reason: 'read', seq: 4, heads: [{ seq: 4 }], read: log.hashAt(4) }]);
  });

  test('by a lower head that is not what was read is found out from what is kept', () => {
    ann.receive(ann.beat(4));
    ann.start();
    ann.goOnline({ head: 4, headHash: log.hashAt(4) });
    ann.receive(ann.beat(3, { hash: other.hashAt(3) }));
    const read = { reason: 'read', seq: 3, heads: [{ seq: 3 }, { seq: 4 }], read: log.hashAt(3) };
    expect(said()).toMatchObject([read]);
  });

  test('by entries that do not come to the head is found out when that is reached', () => {
    ann.receive(ann.beat(6, { hash: other.hashAt(6) }), log.entry(5));
    expect(said()).toEqual([]);
    ann.receive(log.entry(6));
    expect(said()).toMatchObject([{ reason: 'read', seq: 6, read: log.hashAt(6) }]);
  });

  test('by a welcome that takes back what was signed is found out', () => {
    ann.receive(ann.beat(4));
    ann.comeBack({ since: 0, head: 2, headHash: log.hashAt(2), fork: true });
    expect(said()).toMatchObject([{ reason: 'back', seq: 2, heads: [{ seq: 4 }, { seq: 2, cn: 'cn' }] }]);
  });

  test('by a second log in one run is found out', () => {
    ann.receive(ann.beat(4));
    ann.meet(new Chain('log2'));
    expect(said()).toMatchObject([{ reason: 'signed', heads: [{ log: 'log' }, { log: 'log2' }] }]);
    expect(newest()?.log).toBe('log2');
  });

  test('by another past, read again, is found out where it was signed; also by a program that started since', () => {
    ann.receive(ann.beat(4));
    ann.start();
    ann.meet(other, { since: 0, head: 6, headHash: other.hashAt(6) });
    ann.receive(other.entry(1), other.entry(2), other.entry(3));
    expect(said()).toEqual([]);
    ann.start();
    ann.goOnline({ since: 3, head: 6, headHash: other.hashAt(6) });
    ann.receive(other.entry(4));
    const heads = [{ seq: 4, hash: log.hashAt(4) }, { seq: 6 }];
    expect(said()).toMatchObject([{ reason: 'read', seq: 4, heads, read: other.hashAt(4) }]);
    ann.receive(other.entry(5), other.entry(6));
    expect([ann.store.head, said()]).toEqual([6, []]);
  });

  test('is not found out again by a program that started since', () => {
    ann.receive(ann.beat(4), ann.beat(4, { hash: 'h' }));
    expect(said()).toHaveLength(1);
    ann.start();
    ann.goOnline({ head: 4, headHash: 'h' });
    expect(said()).toEqual([]);
  });

  test('is gone on with', () => {
    ann.receive(ann.beat(4, { hash: 'h' }));
    ann.type('own 1');
    expect(ann.sentIds).toEqual(['A1']);
    ann.receive(log.own(5, 1), ann.beat(5));
    expect([ann.waiting, newest()?.seq]).toEqual([[], 5]);
  });

  test('may do so again in another run, which is another contradiction', () => {
    ann.receive(ann.beat(4, { hash: 'h' }));
    ann.comeBack({ run: 'run2', head: 4, headHash: log.hashAt(4) });
    expect(ann.store.signed).toEqual({ newest: expect.objectContaining({ run: 'run2' }) });
    ann.receive(ann.beat(4, { hash: 'h', run: 'run2' }));
    expect(said()).toHaveLength(1);
  });
});

test('a restored disk has another run, and tells no two stories', () => {
  ann.receive(ann.beat(4));
  ann.meet(other, { since: 0, run: 'run2', head: 3, headHash: other.hashAt(3) });
  ann.receive(other.entry(1), other.entry(2), other.entry(3));
  expect(ann.shown).toContainEqual(expect.objectContaining({ type: 'status', code: 'RESTORED' }));
  ann.receive(other.entry(4), ann.beat(4, { run: 'run2' }));
  expect([said(), newest()?.run]).toEqual([[], 'run2']);
});

describe('a room', () => {
  const beats = (world: RoomWorld, name: string) => world.take(name).filter(({ hb }) => hb !== undefined);

  test('signs its head once for all sessions, and anew only when it has moved', () => {
    const signed: string[] = [];
    const world = new RoomWorld({ signed });
    const signatures = () => signed.splice(0).filter((text) => text.includes('0mq-chat head'));
    world.joins('ann', 'bo', 'lea');
    world.tick(2_500);
    expect(signatures()).toEqual(['["0mq-chat head","server","log","run",0,""]']);
    world.tick(2_500);
    expect(signatures()).toEqual([]);
    world.talk(3);
    const { headHash: hh } = world.log;
    expect(signatures()).toEqual([`["0mq-chat head","server","log","run",3,"${hh}"]`]);
    world.tick(2_499);
    world.forget();
    world.tick(1);
    expect(signatures()).toEqual([]);
    const sig = signature('server', `["0mq-chat head","server","log","run",3,"${hh}"]`);
    const beat = { hb: 3, head: 3, hh, sig };
    expect(['a', 'b', 'l'].map((to) => beats(world, to))).toMatchObject([[beat], [beat], []]);
  });

  test('signs the newest entry where that is sent, the same for all', () => {
    const world = new RoomWorld();
    world.joins('ann', 'bo', 'lea');
    world.sent.length = 0;
    world.talk(2);
    const { headHash: hh } = world.log;
    const sig = signature('server', `["0mq-chat head","server","log","run",2,"${hh}"]`);
    const [{ to, data } = { to: [], data: '{}' }] = world.sent;
    expect([to, JSON.parse(data)]).toEqual([['a', 'b'], expect.objectContaining({ from: 1, h: hh, sig })]);
  });

  test('signs nothing while nobody of version 1 is there', () => {
    const signed: string[] = [];
    const world = new RoomWorld({ signed });
    world.joins('lea');
    world.tick(2_500);
    expect(signed).toEqual([]);
  });

  test('signs only what is on its disk', () => {
    const world = new RoomWorld();
    world.joins('ann');
    world.slowDisk = true;
    world.talk(1);
    world.tick(2_500);
    expect(beats(world, 'a')).toMatchObject([{ hb: 0, head: 0 }]);
    world.commit();
    world.tick(2_500);
    expect(beats(world, 'a')).toMatchObject([{ hb: 1, head: 1 }]);
  });

  test('has a run in its welcome that its heads have too', () => {
    const world = new RoomWorld();
    world.say('a', hello('ann'));
    expect(world.take('a')).toContainEqual(expect.objectContaining({ welcome: 1, run: 'run' }));
  });
});
