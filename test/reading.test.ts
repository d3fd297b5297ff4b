import { beforeEach, describe, expect, test } from 'vitest';
import { rereadMs } from '../src/core/limits.ts';
import type { MemberOptions } from '../src/core/member/member.ts';
import type { Lost, Message, Received } from '../src/protocol/frames.ts';
import type { Row } from '../src/protocol/rows.ts';
import { lostText } from '../src/protocol/signed.ts';
import { rot } from './sim/rot.ts';
import { signature } from './support/fake-crypto.ts';
import { Chain, connected, disconnected, frame, MemberWorld, nothing, unsigned } from './support/member-world.ts';

let ann: MemberWorld;
let log: Chain;
beforeEach(() => {
  ann = new MemberWorld();
  log = ann.log;
});
const broken = {
  type: 'error',
  code: 'CHAIN_BROKEN',
  message: 'what the server sent does not follow from what it sent before: it is read again.',
};
/** Asked for: after every welcome, lost places of the own copy. */
const questions = () => ann.sent.filter(({ kind }) => kind === 'lost');

describe('the log', () => {
  beforeEach(() => {
    log = ann.log = new Chain('log', 10);
    ann.goOnline();
  });

  test('is shown in order; what stood in it before is a replay', () => {
    ann.comeBack({ head: 12 });
    ann.receive(log.batch(11, 13));
    const message = (seq: number) => ({
      type: 'message',
      seq,
      id: `B.${seq}`,
      from: { name: 'bo', id: 'kB' },
      text: `text ${seq}`,
      own: false,
      replay: seq <= 12,
      sentMs: 5,
      acceptedMs: 7,
    });
    const replay = { type: 'replay', count: 2, total: 2, sinceMs: 7 };
    expect(ann.shown).toEqual([replay, message(11), message(12), { type: 'replayed' }, message(13)]);
  });

  test('begins a replay with what was not shown before: only of a long one is it said that some is left out', () => {
    ann.comeBack({ head: 13 });
    log.entry(11, { void: true });
    ann.receive(log.batch(11, 13));
    expect(ann.shown[0]).toEqual({ type: 'replay', count: 2, total: 2, sinceMs: 7 });
  });

  test('may hold a message twice, when the server forgot it had it: shown once', () => {
    ann.receive(log.entry(11, { id: { dev: 'B', n: 4 } }));
    ann.receive(log.entry(12, { id: { dev: 'B', n: 4 } }), { kind: 'heartbeat', seq: 12 });
    expect(ann.did).toEqual(nothing);
    ann.receive(log.entry(13, { id: { dev: 'B', n: 5 } }));
    expect(ann.texts).toEqual(['text 13']);
  });

  const gap = (seq: number, prev: string, more: Partial<Lost> = {}): Lost => {
    const hash = log.hashAt(seq);
    const sig = signature('server', lostText('server', 'log', { seq, prev, hash }));
    return { kind: 'lost', seq, hash, sig, ...more };
  };
  const frameOf = (...rows: Row[]): Received => ({ kind: 'entries', from: 11, rows, hash: rows.at(-1)?.hash ?? '' });
  const entry = (text?: string): Row => {
    const { hash: _, ...row } = unsigned(log.entry(11));
    return { ...row, ...(text !== undefined && { text }) };
  };

  test('goes on over a lost place on the word of the room, also if that does not know the chain before it', () => {
    ann.receive(frameOf(entry(), gap(12, log.hashAt(11))), log.entry(13));
    expect(ann.texts).toEqual(['text 11', 'lost', 'text 13']);
    ann = new MemberWorld();
    ann.log = log;
    ann.goOnline();
    ann.receive(frameOf(entry(), gap(12, '')));
    expect(ann.texts).toEqual(['text 11', 'lost']);
  });

  test.each([
    ['hides that what stands before it was changed', () => [entry('rotten'), gap(12, log.hashAt(11))]],
    ['nobody has signed', () => [entry(), gap(12, log.hashAt(11), { sig: 'x' })]],
    ['the room has signed with another chain behind it', () => [entry(), gap(12, log.hashAt(11), { hash: 'other' })]],
    [
      'the room has signed for another place',
      () => [entry(), gap(12, log.hashAt(11), { sig: gap(13, log.hashAt(11)).sig ?? '' })],
    ],
  ])('does not go on over a lost place that %s', (_, rows) => {
    ann.receive({ ...frameOf(...rows()), from: 11 } as Received);
    const isTaken = ann.member.copy.cursor >= 12;
    expect(isTaken).toBe(false);
    expect(ann.shown).toEqual([broken]);
  });

  test('with a gap is read again from the cursor, and nobody sees it', () => {
    ann.receive(log.entry(11));
    ann.receive(log.entry(13));
    expect(ann.did).toEqual({ ...nothing, sent: [ann.joinAt(11)] });
    ann.receive(log.entry(14));
    expect(ann.did).toEqual(nothing);
    ann.open({ head: 14 });
    expect(ann.shown).toEqual([]);
    ann.receive(log.batch(12, 14));
    expect(ann.texts).toEqual(['text 12', 'text 13', 'text 14']);
    expect(ann.shown).toMatchObject([{ replay: false }, { replay: false }, { replay: false }]);
  });

  test('whose entries are no longer kept says which are missing', () => {
    ann.step(disconnected);
    log = ann.log = new Chain('log', 30);
    ann.goOnline({ head: 40, firstMs: 7 });
    expect(ann.shown[0]).toEqual({ type: 'gap', from: 11, to: 30, firstMs: 7 });
    ann.receive(log.entry(31));
    expect(ann.texts).toEqual(['replay', 'text 31']);
    ann.step(connected);
    expect(ann.sent).toEqual([ann.joinAt(31)]);
  });
});

describe('what was read', () => {
  beforeEach(() => {
    ann.goOnline();
    ann.isHeld = true;
  });

  test('is kept when it was shown, place by place', () => {
    ann.receive(log.batch(1, 4));
    expect(ann.store.head).toBe(0);
    ann.print(2);
    expect(ann.store.head).toBe(2);
    ann.print();
    expect(ann.store.head).toBe(4);
  });

  test('and was not shown is shown by the program that is started next', () => {
    ann.receive(log.batch(1, 4));
    ann.print(2);
    ann.isHeld = false;
    ann.start();
    ann.step(connected);
    expect(ann.sent).toEqual([ann.joinAt(2)]);
    ann.open({ head: 4 });
    ann.receive(log.batch(3, 4));
    expect(ann.texts).toEqual(['replay', 'text 3', 'text 4', 'replayed']);
  });

  test('without anything to show is kept when what was before it was shown', () => {
    ann.receive(log.entry(1), log.entry(2, { void: true }), log.entry(3));
    expect(ann.store.head).toBe(0);
    ann.print(1);
    expect(ann.store.head).toBe(2);
    ann.print(1);
    ann.receive(log.entry(4, { void: true }));
    expect(ann.store.head).toBe(4);
  });

  test('is kept with the marks of a replay that stand with it', () => {
    ann.isHeld = false;
    ann.comeBack({ head: 1 });
    ann.isHeld = true;
    ann.receive(log.entry(1));
    expect(ann.texts).toEqual(['replay', 'text 1', 'replayed']);
    ann.print(1);
    expect(ann.store.head).toBe(1);
  });
});

describe('a place whose message is lost', () => {
  const lost = (seq: number) => ({ type: 'lost', seq });
  const mended = (seq: number) => expect.objectContaining({ type: 'message', seq, text: `text ${seq}`, mended: true });
  beforeEach(() => ann.goOnline());

  test('is said, and the reading goes on behind it', () => {
    ann.receive(log.entry(1), log.lost(2), log.entry(3));
    expect(ann.texts).toEqual(['text 1', 'lost', 'text 3']);
    expect(ann.shown).toContainEqual(lost(2));
    expect([ann.store.head, ann.store.headHash]).toEqual([3, log.hashAt(3)]);
  });

  test.each<[string, Partial<Message>]>([
    ['another text', { text: 'rotten' }],
    ['another author', { key: 'kC' }],
    ['another name', { name: 'cy' }],
    ['another id', { id: { dev: 'C', n: 1 } }],
    ['another time', { ts: 6 }],
    ['another time of acceptance', { at: 8 }],
    ['another age', { ago: 70_000 }],
    ['no text', { text: '', words: 'w'.repeat(43) }],
    ['another answer', { re: { dev: 'C', n: 1 } }],
  ])('is none whose message has %s than the chain says: of what came with it, nothing is taken', (_name, more) => {
    ann.receive(log.entry(1), { ...log.entry(2), ...more }, log.entry(3));
    expect(ann.shown).toEqual([broken]);
    expect([ann.store.head, ann.member.copy.cursor]).toEqual([0, 0]);
  });

  test('is none whose chain is another one than the reader comes to', () => {
    ann.receive(log.entry(1), { ...log.entry(2), hash: log.hashAt(1) });
    expect([ann.shown, ann.store.head]).toEqual([[broken], 0]);
    ann.tick(rereadMs);
    ann.open();
    ann.step(frame({ kind: 'entries', from: 1, rows: [log.entry(1)] }));
    expect([ann.texts, ann.store.head]).toEqual([[], 0]);
  });

  test('is none if its entry does not follow what was read', () => {
    const other = new Chain('log', 1);
    ann.receive(log.entry(1));
    ann.receive(other.entry(2));
    expect([ann.shown, ann.store.head]).toEqual([[broken], 1]);
  });

  test('does not take an own message out of those that wait', () => {
    ann.type('own 1');
    ann.receive({ ...log.own(1, 1), text: 'rotten' });
    expect(ann.waiting).toEqual(['own 1']);
  });

  test('at the end of a batch may be one of which nothing is known', () => {
    ann.receive(log.entry(1), { kind: 'lost', seq: 2 });
    expect(ann.texts).toEqual(['text 1', 'lost']);
    expect([ann.store.head, ann.store.headHash]).toEqual([2, '']);
  });

  test('is asked for after each welcome, also by a program that is started next', () => {
    ann.receive(log.entry(1), log.lost(2), log.entry(3));
    ann.comeBack();
    expect(questions()).toEqual([log.lost(2)]);
    ann.start();
    ann.goOnline();
    expect(questions()).toEqual([log.lost(2)]);
    ann.receive(log.entry(2));
    ann.comeBack();
    expect(questions()).toEqual([]);
  });

  test('in the own copy alone is found when the program starts, and asked for', () => {
    ann.receive(log.batch(1, 3));
    rot(ann.store, 2, 'another text');
    ann.start();
    ann.goOnline();
    expect(questions()).toEqual([log.lost(2)]);
    ann.receive(log.entry(2));
    expect(ann.did).toEqual(nothing);
    expect(ann.store.read(2, 1)).toMatchObject([{ message: { text: 'text 2' } }]);
  });

  test('is shown once when its entry comes, whoever had it', () => {
    ann.receive(log.entry(1), log.lost(2), log.entry(3));
    ann.receive(log.entry(2));
    expect(ann.shown).toEqual([mended(2)]);
    expect(ann.store.read(2, 1)).toMatchObject([{ message: { text: 'text 2' } }]);
    ann.receive(log.entry(2));
    expect(ann.did).toEqual(nothing);
  });

  test('is no place for anything else than its entry', () => {
    ann.receive(log.entry(1), log.lost(2), log.entry(3));
    ann.receive({ ...log.entry(2), text: 'rotten' }, { ...log.entry(3), seq: 2 });
    expect(ann.did).toEqual(nothing);
    ann.receive(log.entry(2));
    expect(ann.shown).toEqual([mended(2)]);
  });

  test('that held own words ends the waiting for them when it is mended', () => {
    const own = new MemberWorld();
    own.goOnline();
    own.type('one');
    const entry = own.log.own(1, 1);
    own.receive(own.log.lost(1));
    own.receive({ kind: 'heartbeat', seq: 1, kept: 1 });
    expect(own.waiting).toEqual(['one']);
    own.receive(entry);
    expect([own.waiting, own.store.pending()]).toEqual([[], []]);
  });

  test('that held a void entry is mended without a word', () => {
    log.entry(2, { void: true });
    ann.receive(log.entry(1), log.lost(2), log.entry(3));
    ann.receive(log.entry(2));
    expect(ann.did).toEqual(nothing);
    ann.comeBack();
    expect(questions()).toEqual([]);
  });

  test('may be mended while it is not shown', () => {
    ann.isHeld = true;
    ann.receive(log.entry(1), log.lost(2), log.entry(3));
    ann.receive(log.entry(2));
    expect(ann.shown).toEqual([mended(2)]);
    ann.isHeld = false;
    ann.print();
    expect(ann.store.read(2, 2)).toMatchObject([{ message: { text: 'text 2' } }, { message: { text: 'text 3' } }]);
    ann.comeBack();
    expect(questions()).toEqual([]);
  });

  test('of a log that was rolled back is no place of what it is now', () => {
    const rolledBack = new Chain();
    for (const at of [1, 2]) rolledBack.entry(at, { id: { dev: 'C', n: at } });
    ann.receive(log.entry(1), log.lost(2), log.entry(3));
    ann.meet(rolledBack);
    expect(questions()).toEqual([]);
    ann.receive(rolledBack.batch(1, 2), log.entry(2));
    expect(ann.store.read(1, 9)).toMatchObject([{ hash: rolledBack.hashAt(1) }, { hash: rolledBack.hashAt(2) }]);
  });
});

describe('what does not follow', () => {
  beforeEach(() => {
    ann.goOnline();
    ann.receive(log.entry(1));
    ann.receive({ ...log.entry(2), text: 'rotten' });
  });

  test('is read again after a second, whatever comes until then', () => {
    ann.receive(log.entry(3), { kind: 'heartbeat', seq: 9 }, log.entry(2));
    ann.tick(rereadMs - 1);
    expect([ann.sent, ann.texts]).toEqual([[], []]);
    ann.tick(1);
    expect(ann.sent).toEqual([ann.joinAt(1)]);
    ann.open({ head: 3 });
    ann.receive(log.batch(2, 3));
    expect(ann.texts).toEqual(['text 2', 'text 3']);
  });

  test('is said once, until something follows', () => {
    const again = (seq: number) => {
      ann.tick(rereadMs);
      ann.open();
      ann.receive({ ...log.entry(seq), text: 'rotten' });
      return ann.texts;
    };
    expect([again(2), again(2)]).toEqual([[], []]);
    ann.tick(rereadMs);
    ann.open();
    ann.receive(log.entry(2));
    ann.receive({ ...log.entry(3), text: 'rotten' });
    expect(ann.shown).toEqual([broken]);
  });

  test('before what is known already is not looked at', () => {
    ann.tick(rereadMs);
    ann.open();
    ann.step(
      frame({ kind: 'entries', from: 1, rows: [{ ...log.entry(1), text: 'x' }, log.entry(2)], hash: log.hashAt(2) }),
    );
    expect(ann.texts).toEqual(['text 2']);
  });
});

describe('a question for an entry behind the cursor', () => {
  beforeEach(() => {
    ann.goOnline();
    ann.receive(log.batch(1, 3));
  });

  test('is answered with the whole entry', () => {
    ann.fetchSignatures();
    ann.receive(log.lost(2));
    expect(ann.sent).toEqual([log.entry(2)]);
  });

  test('is not answered before its signature is known, nor if that is wrong: nobody would take it', () => {
    ann.receive(log.lost(2));
    ann.fetchSignatures({ 2: 'wrong' });
    ann.receive(log.lost(2));
    expect(ann.sent).toEqual([]);
  });

  test('is not answered if another one stands there, or none, or it is damaged', () => {
    ann.receive({ ...log.lost(2), hash: 'other' }, { kind: 'lost', seq: 2 });
    expect(ann.did).toEqual(nothing);
    rot(ann.store, 2, 'another text');
    ann.start();
    ann.goOnline();
    ann.receive(log.lost(2));
    expect(ann.did).toEqual(nothing);
  });
});

describe('what only a later version understands', () => {
  beforeEach(() => ann.goOnline());

  test.each(['nothing', 'later'])('of type %s takes its place, is kept, and is shown to nobody', (type) => {
    ann.receive(log.entry(1, { type, re: { dev: 'C', n: 1 }, ext: 'more' }), log.entry(2));
    expect(ann.texts).toEqual(['text 2']);
    expect([ann.store.head, ann.store.read(1, 1)[0]?.message]).toEqual([2, unsigned(log.entry(1))]);
  });

  test('is not shown either when it mends a lost place', () => {
    const hidden = log.entry(1, { type: 'later' });
    ann.receive(log.lost(1));
    ann.receive(hidden);
    expect([ann.texts, ann.store.read(1, 1)[0]?.message]).toEqual([[], unsigned(hidden)]);
  });
});

describe('the room’s clock', () => {
  const day = 86_400_000;
  const at = (seq: number, ms: number) => log.entry(seq, { at: ms });
  const steps = () => ann.shown.filter(({ type }) => type === 'clock');
  beforeEach(() => ann.goOnline());

  test('that was set back is said once, where it happened', () => {
    ann.receive(at(1, 3 * day), at(2, 2 * day), at(3, 2 * day + 1));
    expect(ann.texts).toEqual(['text 1', 'clock', 'text 2', 'text 3']);
    expect(steps()).toEqual([{ type: 'clock', setBackMs: day }]);
    ann.comeBack({ head: 3 });
    expect(steps()).toEqual([]);
  });

  test('is also compared with what was read by the program before this one', () => {
    ann.receive(at(1, 3 * day));
    ann.start();
    ann.goOnline({ head: 2 });
    ann.receive(at(2, 2 * day));
    expect(steps()).toEqual([{ type: 'clock', setBackMs: day }]);
  });

  test('that goes on, or is an other room’s, is no news', () => {
    ann.receive(at(1, 3 * day), at(2, 9 * day), at(3, 9 * day));
    expect(steps()).toEqual([]);
    ann.meet(new Chain('new'), { head: 1 });
    ann.receive(ann.log.entry(1, { id: { dev: 'C', n: 1 } }));
    expect(steps()).toEqual([]);
  });
});

describe('what was written while away', () => {
  const replay = { type: 'replay', count: 3, total: 3, sinceMs: 7 };
  const messages = ['text 3', 'text 4', 'text 5'];
  const restart = (options: Partial<MemberOptions> = {}) => {
    ann.goOnline();
    ann.receive(log.batch(1, 2));
    ann.start(options);
    ann.goOnline({ head: 5 });
    ann.receive(log.batch(3, 5));
  };

  test('is shown between two lines, and what comes then is not', () => {
    restart();
    expect(ann.shown[0]).toEqual(replay);
    expect(ann.texts).toEqual(['replay', ...messages, 'replayed']);
    expect(ann.shown.slice(1, 4)).toMatchObject([{ replay: true }, { replay: true }, { replay: true }]);
    ann.receive(log.entry(6));
    expect(ann.shown).toMatchObject([{ text: 'text 6', replay: false }]);
  });

  test('before the first join is marked as such', () => {
    ann.start({ replay: false, history: 3 });
    ann.log = new Chain('log', 2);
    ann.goOnline({ head: 5 });
    ann.receive(ann.log.batch(3, 5));
    expect(ann.texts).toEqual(['replay', ...messages, 'replayed']);
    expect([ann.shown[0], ann.shown.at(-1)]).toEqual([
      { ...replay, first: true },
      { type: 'replayed', first: true },
    ]);
  });

  test('in several batches is one replay', () => {
    ann.goOnline({ head: 3 });
    const all = [1, 2, 3].flatMap((seq) => {
      ann.receive(log.entry(seq));
      return ann.texts;
    });
    expect(all).toEqual(['replay', 'text 1', 'text 2', 'text 3', 'replayed']);
  });

  test('is marked anew in another log: what was left open there does not count here', () => {
    ann.goOnline({ head: 3 });
    ann.receive(log.batch(1, 2));
    ann.meet(new Chain('new'), { head: 2 });
    ann.receive(ann.log.entry(1, { id: { dev: 'C', n: 1 } }), ann.log.entry(2, { id: { dev: 'C', n: 2 } }));
    expect(ann.texts.filter((text) => text !== 'status')).toEqual(['replay', 'text 1', 'text 2', 'replayed']);
    expect(ann.shown[0]).toEqual({ type: 'replay', count: 2, total: 2, sinceMs: 7 });
  });

  test('is marked anew when the log changes while this one was not offline', () => {
    ann.goOnline();
    ann.receive({ kind: 'rejoin', delayMs: 0 });
    ann.log = new Chain('new');
    ann.open({ fork: true, head: 1 });
    ann.receive(ann.log.entry(1));
    expect(ann.texts.slice(0, 3)).toEqual(['replay', 'text 1', 'replayed']);
  });

  test('is not shown to a program that does not want it, but what comes then is', () => {
    restart({ replay: false });
    expect(ann.shown).toEqual([]);
    expect(ann.store.head).toBe(5);
    ann.receive(log.entry(6));
    expect(ann.texts).toEqual(['text 6']);
  });

  test('is shown all the same when the program was running: it was only cut off', () => {
    ann.start({ replay: false });
    ann.goOnline();
    ann.receive(log.batch(1, 2));
    ann.comeBack({ head: 5 });
    ann.receive(log.batch(3, 5));
    expect(ann.texts).toEqual(['replay', ...messages, 'replayed']);
  });

  test('is shown up to a limit, the newest', () => {
    restart({ maxReplay: 2 });
    expect(ann.shown[0]).toEqual({ type: 'replay', count: 2, total: 3, sinceMs: 7 });
    expect(ann.texts.slice(1)).toEqual(['text 4', 'text 5', 'replayed']);
    expect(ann.store.head).toBe(5);
  });

  test('ends also when its last entry is not shown', () => {
    ann.goOnline({ head: 2 });
    ann.receive(log.entry(1), log.entry(2, { void: true }));
    expect(ann.texts).toEqual(['replay', 'text 1', 'replayed']);
  });

  test('on a first join is no gap, on a later one of which a part is missing it is', () => {
    ann.log = new Chain('log', 40);
    ann.goOnline({ head: 50 });
    expect(ann.shown).toMatchObject([{ state: 'online' }]);
    ann.start();
    ann.goOnline({ since: 45, head: 50, firstMs: 9 });
    expect(ann.shown).toMatchObject([{ type: 'gap', from: 41, to: 45, firstMs: 9 }, { state: 'online' }]);
  });
});
