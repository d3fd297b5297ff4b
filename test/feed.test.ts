import { beforeEach, describe, expect, test } from 'vitest';
import { maxNotices } from '../src/core/limits.ts';
import { Feed, type Item } from '../src/core/log/feed.ts';
import { rot } from './sim/rot.ts';
import { hashAt, Written } from './support/places.ts';

let written: Written;
let feed: Feed;
beforeEach(() => {
  written = new Written();
  feed = new Feed(written.log);
});
const announce = (...names: string[]) => {
  for (const who of names) feed.announce({ kind: 'notice', name: 'server', text: '', notice: 'info', who });
};
const start = { seq: 0, notice: 0 };
const words = (items: Item[]) => items.map(({ place, notice }) => place?.seq ?? notice?.who);
const read = (at = start, max = 100, bytes = 100_000) => words(feed.read(at, max, bytes).items);

describe('a reader', () => {
  test('meets entries and notices as they happened', () => {
    announce('a');
    written.append(2);
    announce('b', 'c');
    written.append(1);
    expect(read()).toEqual(['a', 1, 2, 'b', 'c', 3]);
    expect(feed.end).toEqual({ seq: 3, notice: 3 });
  });

  test('reads on where it was, one by one or all at once', () => {
    for (const who of ['a', 'b', 'c']) {
      announce(who);
      written.append(2);
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
    written.append(10);
    const { items } = feed.read(start, 3, 1e6);
    const bytes = items.reduce((sum, { wire }) => sum + wire.length + 1, 0);
    expect(read(start, 100, bytes)).toEqual([1, 2, 3]);
    expect(read(start, 100, bytes - 1)).toEqual([1, 2]);
    expect(read(start, 100, 1)).toEqual([1]);
  });

  test('that begins now hears the notices from now on', () => {
    announce('before');
    const at = feed.end;
    announce('after');
    expect(read(at)).toEqual(['after']);
  });

  test('is given a lost place as the chain going on over it', () => {
    written.append(3);
    rot(written.store, 2, 'another text');
    feed = new Feed(new Written(written.store).log);
    const wires = feed.read(start, 9, 1e6).items.map(({ wire }) => JSON.parse(wire));
    expect(wires).toMatchObject([{ seq: 1 }, {}, { seq: 3 }]);
    expect(wires[1]).toEqual({ lost: 2, h: hashAt(written.store, 2) });
  });

  test('skips what is no longer kept', () => {
    written.append(10);
    announce('a');
    written.commit({ keep: { from: 8, hash: hashAt(written.store, 7) } });
    expect(read()).toEqual([8, 9, 10, 'a']);
    expect(feed.read(start, 1, 1e6).next).toEqual({ seq: 8, notice: 0 });
  });
});

test('of very many notices the oldest are forgotten, and readers behind skip them', () => {
  written.append(1);
  for (let i = 1; i <= maxNotices + 200; i++) announce(`${i}`);
  const { items, next } = feed.read(start, 2_000, 1e6);
  expect(words(items).slice(0, 2)).toEqual([1, '201']);
  expect([items.length, next]).toEqual([maxNotices + 1, feed.end]);
  expect(feed.end).toEqual({ seq: 1, notice: maxNotices + 200 });
});
