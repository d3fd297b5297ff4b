import { beforeEach, describe, expect, test } from 'vitest';
import { Copy, canBeKept } from '../src/core/log/copy.ts';
import { MemoryStore } from '../src/history/memory.ts';
import { type Message, maxTextBytes } from '../src/protocol/frames.ts';

let store: MemoryStore;
let copy: Copy;
beforeEach(() => {
  store = new MemoryStore();
  start();
});
const start = (limit = 1_000) => {
  copy = new Copy(store, limit);
};
const message = (n: number, more: Partial<Message> = {}): Message => ({
  kind: 'message',
  name: 'x',
  text: `text ${n}`,
  id: { dev: 'A', n },
  lc: n,
  key: 'kA',
  sig: 's',
  hash: `h${n}`,
  ...more,
});
const keep = (change = copy.takeChange()) => {
  if (!change) throw new Error('nothing to keep');
  store.apply(change);
  copy.settle(change);
};
const take = (...seqs: number[]) => seqs.map((seq) => copy.take(message(seq), seq, 7));

test('a new copy is of no log', () => {
  expect([copy.log, copy.cursor, copy.hash, copy.seen('A')]).toEqual(['', 0, '', 0]);
  expect(copy.takeChange()).toBeUndefined();
});

describe('taking entries', () => {
  beforeEach(() => {
    copy.restart('log', 0, '');
    keep();
  });

  test('moves the cursor and the hash at once, and the store with the change', () => {
    expect(take(1, 2)).toEqual([true, true]);
    expect([copy.cursor, copy.hash, copy.seen('A'), store.head]).toEqual([2, 'h2', 2, 0]);
    keep();
    expect([store.log, store.head, store.hashAt(2), store.mark('A')?.n]).toEqual(['log', 2, 'h2', 2]);
    expect(store.read(1, 9).map(({ atMs, message }) => [atMs, message.text])).toEqual([
      [7, 'text 1'],
      [7, 'text 2'],
    ]);
  });

  test('knows a message again, in memory, on disk and after a restart', () => {
    take(1, 2);
    expect(copy.take(message(2), 3, 7)).toBe(false);
    keep();
    expect(copy.take(message(1), 4, 7)).toBe(false);
    keep();
    start();
    expect(copy.take(message(2), 5, 7)).toBe(false);
    expect(copy.take(message(3), 6, 7)).toBe(true);
    expect(copy.take(message(1, { id: { dev: 'B', n: 1 } }), 7, 7)).toBe(true);
  });

  test('knows no message without an id', () => {
    const { id: _, ...plain } = message(1);
    expect([copy.take(plain, 1, 7), copy.take(plain, 2, 7)]).toEqual([true, true]);
  });

  test('is trimmed when it is a tenth too long', () => {
    start(10);
    take(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    keep();
    expect(store.first).toBe(1);
    take(12);
    keep();
    expect([store.first, store.head, store.hashAt(2)]).toEqual([3, 12, 'h2']);
  });
});

describe('the counter', () => {
  test('is above everything written and seen, also before a restart', () => {
    expect([copy.nextLc(), copy.nextLc()]).toEqual([1, 2]);
    copy.restart('log', 0, '');
    copy.take(message(1, { lc: 40 }), 1, 7);
    expect(copy.nextLc()).toBe(41);
    copy.take(message(2, { lc: 5 }), 2, 7);
    copy.keep([message(9, { lc: 60 })]);
    keep();
    start();
    expect(copy.nextLc()).toBe(61);
  });

  test('has an end, which only malice reaches: there it stays', () => {
    copy.take(message(1, { lc: Number.MAX_SAFE_INTEGER }), 1, 7);
    expect([copy.nextLc(), copy.nextLc()]).toEqual([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
  });
});

describe('another log', () => {
  beforeEach(() => {
    copy.restart('log', 4, 'h4');
    take(5, 6);
    keep();
    take(7);
  });

  test('takes the place of the old one, whose messages are given back, also those not on disk', () => {
    expect(copy.restart('new', 2, 'g2').map(({ text }) => text)).toEqual(['text 5', 'text 6', 'text 7']);
    expect([copy.log, copy.cursor, copy.hash]).toEqual(['new', 2, 'g2']);
    keep();
    expect([store.log, store.first, store.head, store.hashAt(2)]).toEqual(['new', 3, 2, 'g2']);
  });

  test('goes on at once, in the same change', () => {
    copy.restart('new', 0, '');
    expect(copy.take(message(8), 1, 7)).toBe(true);
    keep();
    expect([store.log, store.head, store.hashAt(1)]).toEqual(['new', 1, 'h8']);
  });

  test('does not make a message new again', () => {
    copy.restart('new', 0, '');
    expect(copy.take(message(7), 1, 7)).toBe(false);
    keep();
    start();
    expect(copy.seen('A')).toBe(7);
  });

  test('survives the answer to an older change', () => {
    const old = copy.takeChange();
    copy.restart('new', 0, '');
    copy.take(message(8), 1, 7);
    keep(old);
    expect(copy.restart('newer', 0, '').map(({ text }) => text)).toContain('text 8');
  });
});

test('what waits is kept and dropped with the next change', () => {
  copy.restart('log', 0, '');
  copy.keep([message(1), message(2)]);
  copy.keep([]);
  copy.drop([]);
  keep();
  expect(store.pending()).toHaveLength(2);
  copy.drop([message(1)]);
  expect(copy.takeChange()).toEqual({ dropped: [message(1)] });
});

describe('can be given back to a log that lost it', () => {
  const text = 'é'.repeat(maxTextBytes / 2);
  test('what its author signed', () => expect([message(1), message(1, { text })].map(canBeKept)).toEqual([true, true]));

  test.each<[string, Message]>([
    ['without an id', { kind: 'message', name: 'x', text: 'y', key: 'k', sig: 's' }],
    ['without a key', { kind: 'message', name: 'x', text: 'y', id: { dev: 'A', n: 1 }, sig: 's' }],
    ['without a signature', { kind: 'message', name: 'x', text: 'y', id: { dev: 'A', n: 1 }, key: 'k' }],
    ['void', message(1, { void: true })],
    ['too long', message(1, { text: `${text}x` })],
  ])('nothing %s', (_name, lost) => expect(canBeKept(lost)).toBe(false));
});
