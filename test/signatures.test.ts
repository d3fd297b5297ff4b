import { beforeEach, describe, expect, test } from 'vitest';
import { checkedAtOnce, defaultFlow, retryUnsignedMs, unsignedMs } from '../src/core/limits.ts';
import { wrongSignature } from '../src/protocol/signed.ts';
import { Chain, disconnected, MemberWorld, nothing, unsigned } from './support/member-world.ts';
import { entry, range } from './support/people.ts';
import { hashAt } from './support/places.ts';
import { RoomWorld } from './support/room-world.ts';

/* Entries travel without their signatures, which are fetched afterwards. */

const block = defaultFlow.signatures;

describe('a member', () => {
  let ann: MemberWorld;
  let log: Chain;
  beforeEach(() => {
    ann = new MemberWorld();
    log = ann.log;
    ann.goOnline();
  });
  const asked = () => ann.sent.flatMap((sent) => (sent.kind === 'signatures' ? sent.seq : []));
  const kept = () => ann.store.read(1, 1e4).map(({ message }) => message?.sig);
  const right = (from: number, to: number) => range(from, to).map((seq) => log.entry(seq).sig);
  const answer = (seq: number, sigs: (string | undefined)[]) =>
    ann.receive({ kind: 'signatures', seq, sigs: sigs.map((sig) => sig ?? '') });

  test('asks for the signatures of a block when it is full, and keeps them', () => {
    ann.receive(log.batch(1, 200));
    expect(asked()).toEqual([]);
    ann.receive(log.batch(201, block));
    expect(asked()).toEqual([1]);
    answer(1, right(1, block));
    expect(kept()).toEqual(right(1, block));
    ann.receive(log.batch(block + 1, block + 9));
    expect(asked()).toEqual([]);
  });

  test('asks for those of a block that is not full when its oldest is 4 s old', () => {
    ann.receive(log.entry(1));
    ann.tick(unsignedMs - 1);
    expect(asked()).toEqual([]);
    ann.receive(log.entry(2));
    ann.tick(1);
    expect(asked()).toEqual([1]);
    answer(1, right(1, 2));
    expect(kept()).toEqual(right(1, 2));
  });

  test('asks again if no answer comes, and on each new connection', () => {
    ann.receive(log.entry(1));
    ann.tick(unsignedMs);
    for (let ms = 0; ms < retryUnsignedMs - 1; ms += (retryUnsignedMs - 1) / 3) {
      expect(asked().length).toBe(ms === 0 ? 1 : 0);
      ann.receive({ kind: 'heartbeat', seq: 1 });
      ann.tick((retryUnsignedMs - 1) / 3);
    }
    ann.tick(1);
    expect(asked()).toEqual([1]);
    ann.comeBack();
    ann.tick(unsignedMs);
    expect(asked()).toEqual([1]);
  });

  test('asks for nothing that is not on its disk, and for nothing as long as it is offline', () => {
    ann.isHeld = true;
    ann.receive(log.batch(1, block));
    expect(asked()).toEqual([]);
    ann.step(disconnected);
    ann.print();
    expect(asked()).toEqual([]);
    ann.goOnline();
    expect(asked()).toEqual([1]);
  });

  test('has its own already, and no use for others', () => {
    ann.type('own 1');
    const [own] = ann.sent;
    ann.receive(log.entry(1, own as ReturnType<Chain['entry']>), log.entry(2));
    expect(kept()).toEqual([log.entry(1).sig, undefined]);
    ann.tick(unsignedMs);
    expect(asked()).toEqual([2]);
  });

  test('has none for other words that stand under its own number', () => {
    ann.type('own 1');
    ann.receive(log.own(1, 1, { text: '', void: true }));
    expect(kept()).toEqual([undefined]);
  });

  test('keeps no wrong one: says so once for each key, and marks what it stands with', () => {
    ann.receive(log.batch(1, 2), log.entry(3, { id: { dev: 'C', n: 1 }, name: 'cy' }), log.entry(4));
    ann.tick(unsignedMs);
    answer(1, ['wrong', 'wrong', 'wrong', log.entry(4).sig]);
    expect(ann.shown).toEqual([
      { type: 'unverified', seq: 1, from: { name: 'bo', id: 'kB' } },
      { type: 'unverified', seq: 3, from: { name: 'cy', id: 'kC' } },
    ]);
    expect(kept()).toEqual([wrongSignature, wrongSignature, wrongSignature, log.entry(4).sig]);
    ann.start();
    ann.goOnline();
    ann.tick(unsignedMs);
    expect(asked()).toEqual([]);
  });

  test('that is told of none asks again when the program is started next, and not before', () => {
    ann.receive(log.batch(1, 3));
    ann.tick(unsignedMs);
    answer(1, [log.entry(1).sig, '', log.entry(3).sig]);
    ann.comeBack();
    ann.tick(unsignedMs);
    expect([asked(), ann.shown]).toEqual([[], []]);
    ann.start();
    ann.goOnline();
    ann.tick(unsignedMs);
    expect(asked()).toEqual([2]);
    answer(2, right(2, 3));
    expect(kept()).toEqual(right(1, 3));
  });

  test('takes no answer that it did not ask for, nor an empty one, nor more than it keeps', () => {
    ann.receive(log.batch(1, 2));
    answer(1, right(1, 2));
    ann.tick(unsignedMs);
    expect(asked()).toEqual([1]);
    answer(2, right(2, 2));
    answer(1, []);
    expect([ann.did, kept()]).toEqual([nothing, [undefined, undefined]]);
    answer(1, right(1, 9));
    expect(kept()).toEqual(right(1, 2));
  });

  test('checks a few in one turn, and keeps them all at once', () => {
    ann.receive(log.batch(1, block));
    ann.slowDisk = true;
    answer(1, right(1, block));
    expect(ann.commits.map(({ signatures }) => signatures?.length)).toEqual([block]);
    expect(ann.turns).toBe(block / checkedAtOnce);
  });

  test('fetches that of a place that is whole again, whatever it was mended with', () => {
    ann.receive(log.entry(1), log.lost(2), log.entry(3));
    ann.fetchSignatures();
    ann.receive({ ...log.entry(2), sig: 'wrong' });
    expect(ann.store.read(2, 1)[0]?.message).toEqual(unsigned(log.entry(2)));
    ann.fetchSignatures();
    expect(kept()).toEqual(right(1, 3));
  });

  test('has nothing to ask in another log of what it read in the one before', () => {
    ann.receive(log.batch(1, 3));
    ann.meet(new Chain('new'));
    ann.tick(unsignedMs);
    expect(asked()).toEqual([]);
    log = ann.log;
    ann.receive(log.entry(1, { id: { dev: 'C', n: 1 } }));
    ann.fetchSignatures();
    expect(kept()).toEqual(right(1, 1));
  });
});

describe('a room', () => {
  let world: RoomWorld;
  beforeEach(() => {
    world = new RoomWorld({ flow: { ...defaultFlow, signatures: 4 } });
    world.joins('ann', 'bo', 'lea');
    world.talk(6);
    world.forget();
  });
  const sigs = (from: number, to: number) => range(from, to).map((n) => entry('ann', n).sig);

  test('gives the signatures of the rest of a block, as far as there are entries', () => {
    expect(world.ask('a', { sigs: 2 })).toEqual([{ sigs: 2, s: sigs(2, 4) }]);
    expect(world.ask('a', { sigs: 5 })).toEqual([{ sigs: 5, s: sigs(5, 6) }]);
    expect(world.ask('a', { sigs: 7 })).toEqual([{ sigs: 7, s: [] }]);
  });

  test('answers all who ask for the same in one turn together, and each for one block', () => {
    world.sent.length = 0;
    const ask = (from: string, seq: number) => RoomWorld.frame(from, { sigs: seq });
    world.turn(ask('a', 5), ask('a', 1), ask('b', 1));
    expect(world.sent.map(({ to, data }) => [to, JSON.parse(data).sigs])).toEqual([[['a', 'b'], 1]]);
  });

  test('has none for what is no longer kept: each other one stays where it belongs', () => {
    const hash = hashAt(world.log, 2);
    world.log.apply({ keep: { from: 3, hash } });
    expect(world.ask('a', { sigs: 1 })).toEqual([{ sigs: 1, s: ['', '', ...sigs(3, 4)] }]);
  });

  test('gives none to strangers, nor to clients of the original', () => {
    expect([world.ask('x', { sigs: 1 }), world.ask('l', { sigs: 1 })]).toEqual([[], []]);
  });
});
