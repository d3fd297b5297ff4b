import { beforeEach, describe, expect, test } from 'vitest';
import { Feed, type Item } from '../src/core/log/feed.ts';
import { makeEntry } from '../src/core/log/store.ts';
import { MemoryStore } from '../src/history/memory.ts';
import type { Notice } from '../src/protocol/frames.ts';

let store: MemoryStore;
let feed: Feed;
beforeEach(() => {
  store = new MemoryStore('log');
  feed = new Feed(store);
});
const append = (count: number) => {
  for (let i = 0; i < count; i++) {
    const seq = store.head + 1;
    store.apply({ entries: [makeEntry({ kind: 'message', name: 'x', text: `${seq}` }, seq, `h${seq}`, 0)] });
  }
};
const announce = (who: string, afterSeq = store.head) => {
  const notice: Notice = { kind: 'notice', name: 'server', text: '', notice: 'info', who };
  feed.announce(notice, afterSeq);
};
const start = { seq: 0, notice: 0 };
const words = (items: Item[]) => items.map(({ entry, notice, wire }) => entry?.seq ?? notice?.who ?? JSON.parse(wire));
const read = (at = start, max = 100, bytes = 100_000) => words(feed.read(at, max, bytes).items);

describe('a reader', () => {
  test('meets entries and notices as they happened', () => {
    announce('a');
    append(2);
    announce('b');
    announce('c');
    append(1);
    expect(read()).toEqual(['a', 1, 2, 'b', 'c', 3]);
    expect(feed.end).toEqual({ seq: 3, notice: 3 });
  });

  test('reads on where it was, one by one or all at once', () => {
    for (const who of ['a', 'b', 'c']) {
      announce(who);
      append(2);
    }
    const all = read();
    const pieces: unknown[] = [];
    for (let at = start; pieces.length < all.length; ) {
      const { items, next } = feed.read(at, 1, 100_000);
      expect(items).toHaveLength(1);
      pieces.push(...words(items));
      at = next;
    }
    expect(pieces).toEqual(all);
    expect(feed.read(feed.end, 9, 999)).toEqual({ items: [], next: feed.end });
  });

  test('is given as many bytes as it wants, but always one item', () => {
    append(10);
    const bytes = store.read(1, 1)[0]?.wire.length ?? 0;
    expect(read(start, 100, 3 * (bytes + 1))).toEqual([1, 2, 3]);
    expect(read(start, 100, 3 * (bytes + 1) - 1)).toEqual([1, 2]);
    expect(read(start, 100, 1)).toEqual([1]);
  });

  test('who begins now hears the notices from now on', () => {
    announce('before');
    const at = { seq: store.head, notice: feed.nextNotice };
    announce('after');
    expect(read(at)).toEqual(['after']);
  });
});

describe('what is not on disk', () => {
  test('holds up the notices behind it', () => {
    append(1);
    announce('early');
    announce('late', 3);
    expect(feed.end).toEqual({ seq: 1, notice: 1 });
    expect(read()).toEqual([1, 'early']);
    append(1);
    expect(feed.end).toEqual({ seq: 2, notice: 1 });
    append(1);
    expect(feed.end).toEqual({ seq: 3, notice: 2 });
    expect(read()).toEqual([1, 'early', 2, 3, 'late']);
  });
});

test('of very many notices the oldest are forgotten, and readers behind skip them', () => {
  append(1);
  for (let i = 1; i <= 1_200; i++) {
    announce(`${i}`);
    expect(feed.end.notice).toBe(i);
  }
  const items = read(start, 2_000);
  expect(items).toHaveLength(1_001);
  expect(items.slice(0, 2)).toEqual([1, '201']);
  expect(feed.end).toEqual({ seq: 1, notice: 1_200 });
  expect(feed.nextNotice).toBe(1_200);
  expect(feed.read(start, 2_000, 1e6).next).toEqual(feed.end);
});

test('of very many notices none is heard before the entries in front of it', () => {
  append(1);
  for (let i = 1; i <= 500; i++) announce(`${i}`);
  expect(feed.end.notice).toBe(500);
  for (let i = 501; i <= 1_200; i++) {
    announce(`${i}`, 2);
    expect(feed.end.notice).toBe(500);
  }
  append(1);
  expect(feed.end.notice).toBe(1_200);
});

test('what is no longer kept is skipped', () => {
  append(10);
  store.apply({ keepFrom: 8 });
  expect(read()).toEqual([8, 9, 10]);
});
