import { beforeEach, describe, expect, test } from 'vitest';
import { Copy } from '../src/core/log/copy.ts';
import { Log } from '../src/core/log/log.ts';
import type { Change } from '../src/core/log/store.ts';
import { canBeKept } from '../src/core/member/giving-back.ts';
import { MemoryStore } from '../src/history/memory.ts';
import { type Message, maxTextBytes } from '../src/protocol/frames.ts';
import { chainHash } from '../src/protocol/signed.ts';
import { fakeCrypto } from './support/fake-crypto.ts';
import { Chain } from './support/member-world.ts';

const now = { ms: 0, wallMs: 7 };
let store: MemoryStore;
let copy: Copy;
let log: Chain;
/** Places count as shown in the order they were taken: this is the number of the last one. */
let shows: number;
beforeEach(() => {
  store = new MemoryStore();
  log = new Chain();
  start();
});
const start = (limit = 1_000) => {
  copy = new Copy(new Log(store, fakeCrypto), fakeCrypto, limit, store.pending());
  shows = 0;
};
const settle = (change: Change) => {
  store.apply(change);
  copy.settle(change);
};
/** What is shown so far is on disk. */
const keep = () => {
  copy.buffer.release(shows);
  for (let change = copy.takeChange(); change; change = copy.takeChange()) settle(change);
};
const take = (entry: Message) => {
  const taken = copy.take(entry.seq ?? 0, entry.hash ?? '', entry, now);
  copy.buffer.awaits(++shows);
  return taken;
};
const takeTo = (from: number, to: number) => {
  for (let seq = from; seq <= to; seq++) take(log.entry(seq));
};
const begin = (chain = log) => {
  log = chain;
  return copy.restart(chain.id, chain.base, chain.hashAt(chain.base));
};
const texts = (messages: Message[]) => messages.map(({ text }) => text);

test('a new copy is of no log', () => {
  expect([copy.log, copy.cursor, copy.hash, copy.buffer.seen('B')]).toEqual(['', 0, '', 0]);
  expect(copy.takeChange()).toBeUndefined();
});

describe('reading', () => {
  beforeEach(() => {
    begin();
    keep();
  });

  test('moves the cursor and the hash at once, the shown place when that was shown, the store with the change', () => {
    takeTo(1, 2);
    expect([copy.cursor, copy.hash, copy.buffer.seen('B'), copy.buffer.shown, copy.buffer.behind]).toEqual([
      2,
      log.hashAt(2),
      2,
      0,
      2,
    ]);
    expect(copy.takeChange()).toBeUndefined();
    copy.buffer.release(shows);
    expect([copy.buffer.shown, copy.buffer.behind, store.head]).toEqual([2, 0, 0]);
    keep();
    expect([store.log, store.head, store.headHash, store.mark('B')?.n]).toEqual(['log', 2, log.hashAt(2), 2]);
    expect(store.read(1, 9).map(({ atMs, message }) => [atMs, message?.text])).toEqual([
      [7, 'text 1'],
      [7, 'text 2'],
    ]);
  });

  test('knows a message again, read, shown, on disk and after a restart', () => {
    const again = (seq: number) => take(log.entry(seq, { id: { dev: 'B', n: 2 } }));
    takeTo(1, 2);
    expect(again(3)).toBeUndefined();
    copy.buffer.release(shows);
    expect(again(4)).toBeUndefined();
    keep();
    expect(again(5)).toBeUndefined();
    keep();
    start();
    expect(again(6)).toBeUndefined();
    expect(take(log.entry(7, { id: { dev: 'B', n: 3 } }))).toMatchObject({ text: 'text 7' });
    expect(take(log.entry(8, { id: { dev: 'C', n: 1 } }))).toMatchObject({ text: 'text 8' });
  });

  test('takes every message without an id for a new one', () => {
    const message: Message = { kind: 'message', name: 'lea', text: 'hi' };
    const hash = chainHash(fakeCrypto, '', message);
    expect(copy.take(1, hash, message, now)).toEqual({ ...message, seq: 1, hash });
  });

  test('is trimmed when it is a tenth too long', () => {
    start(10);
    takeTo(1, 11);
    keep();
    expect(store.first).toBe(1);
    takeTo(12, 12);
    keep();
    expect([store.first, store.head, store.baseHash]).toEqual([3, 12, log.hashAt(2)]);
  });

  test('trims nothing of a log that takes the place of another, before that is on disk', () => {
    start(10);
    takeTo(1, 11);
    keep();
    const other = new Chain();
    other.entry(1, { id: { dev: 'C', n: 1 } });
    begin(other);
    takeTo(1, 12);
    copy.buffer.release(shows);
    expect(copy.takeChange()).not.toHaveProperty('keep');
  });
});

describe('the counter', () => {
  test('is above everything written and seen, also before a restart', () => {
    expect([copy.nextLc(), copy.nextLc()]).toEqual([1, 2]);
    begin();
    take(log.entry(1, { lc: 40 }));
    expect(copy.nextLc()).toBe(41);
    take(log.entry(2, { lc: 5 }));
    copy.buffer.keep([log.entry(9, { lc: 60 })]);
    keep();
    start();
    expect(copy.nextLc()).toBe(61);
  });

  test('has an end, which only malice reaches: there it stays', () => {
    begin();
    take(log.entry(1, { lc: Number.MAX_SAFE_INTEGER }));
    expect([copy.nextLc(), copy.nextLc()]).toEqual([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
  });
});

describe('another log', () => {
  beforeEach(() => {
    begin(new Chain('log', 4));
    takeTo(5, 5);
    keep();
    takeTo(6, 6);
    copy.buffer.release(shows);
    takeTo(7, 7);
  });

  test('takes the place of the old one, whose messages are given back: kept, shown, and only read', () => {
    expect(texts(begin(new Chain('new', 2)))).toEqual(['text 5', 'text 6', 'text 7']);
    expect([copy.log, copy.cursor, copy.buffer.shown, copy.hash]).toEqual(['new', 2, 2, 'h2']);
    keep();
    expect([store.log, store.first, store.head, store.headHash]).toEqual(['new', 3, 2, 'h2']);
  });

  test('goes on at once, in the same change', () => {
    begin(new Chain('new'));
    takeTo(1, 1);
    keep();
    expect([store.log, store.head, store.headHash]).toEqual(['new', 1, log.hashAt(1)]);
  });

  test('does not make a message new again', () => {
    begin(new Chain('new'));
    expect(take(log.entry(1, { id: { dev: 'B', n: 7 } }))).toBeUndefined();
    keep();
    start();
    expect(copy.buffer.seen('B')).toBe(7);
  });

  test('survives the answer to an older change', () => {
    const old = copy.takeChange() as Change;
    begin(new Chain('new'));
    takeTo(1, 1);
    settle(old);
    expect(texts(begin(new Chain('newer')))).toContain('text 1');
  });

  test('mends no place of the old one', () => {
    begin(new Chain('log', 8));
    copy.take(9, log.hashAt(9), undefined, now);
    copy.buffer.awaits(++shows);
    keep();
    expect(copy.mend(log.entry(9))).toBe(true);
    begin(new Chain('new'));
    expect(copy.takeChange()).toEqual({ restart: { log: 'new', seq: 0, hash: '' }, marks: [expect.anything()] });
  });

  test('leaves nothing waiting of what was accepted in a place that was never kept, unless it is kept again', () => {
    copy.buffer.keep([log.entry(7), log.entry(8)]);
    copy.buffer.drop([log.entry(7), log.entry(8)]);
    begin(new Chain('new'));
    copy.buffer.keep([log.entry(8)]);
    copy.buffer.release(1_000);
    keep();
    expect(store.pending()).toEqual([log.entry(8)]);
  });

  test('from a later place: what was accepted before the gap needs no keeping', () => {
    copy.buffer.keep([log.entry(7)]);
    copy.buffer.drop([log.entry(7)]);
    copy.restart(log.id, 20, 'h20');
    copy.buffer.release(1_000);
    keep();
    expect(store.pending()).toEqual([]);
  });
});

describe('what waits', () => {
  beforeEach(() => {
    begin();
    copy.buffer.keep([log.entry(1), log.entry(2)]);
    copy.buffer.keep([]);
    copy.buffer.drop([]);
    keep();
  });

  test('is kept, and dropped with the next change', () => {
    expect(store.pending()).toHaveLength(2);
    copy.buffer.drop([log.entry(1)]);
    expect(copy.takeChange()).toEqual({ dropped: [{ dev: 'B', n: 1 }] });
  });

  test('is dropped together with the place that was read last, not before', () => {
    take(log.entry(1));
    copy.buffer.drop([log.entry(1)]);
    expect(copy.takeChange()).toBeUndefined();
    copy.buffer.release(shows);
    expect(copy.takeChange()).toMatchObject({ entries: [{ seq: 1 }], dropped: [{ dev: 'B', n: 1 }] });
  });
});

describe('can be given back to a log that lost it', () => {
  const message: Message = { kind: 'message', name: 'x', text: 'y', id: { dev: 'A', n: 1 }, key: 'k', sig: 's' };
  const text = 'é'.repeat(maxTextBytes / 2);
  test('what its author signed', () => expect([message, { ...message, text }].map(canBeKept)).toEqual([true, true]));

  test.each<[string, Message]>([
    ['without an id', { kind: 'message', name: 'x', text: 'y', key: 'k', sig: 's' }],
    ['without a key', { kind: 'message', name: 'x', text: 'y', id: { dev: 'A', n: 1 }, sig: 's' }],
    ['without a signature', { kind: 'message', name: 'x', text: 'y', id: { dev: 'A', n: 1 }, key: 'k' }],
    ['void', { ...message, void: true }],
    ['too long', { ...message, text: `${text}x` }],
  ])('nothing %s', (_name, lost) => expect(canBeKept(lost)).toBe(false));
});
