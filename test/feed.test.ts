import { beforeEach, describe, expect, test, vi } from 'vitest';
import { defaultFlow, maxNotices, maxTail } from '../src/core/limits.ts';
import { Feed, framesOf, type Item } from '../src/core/log/feed.ts';
import { encode } from '../src/protocol/codec.ts';
import type { Entries } from '../src/protocol/frames.ts';
import { maxBatchEntries } from '../src/protocol/rows.ts';
import { rot } from './sim/rot.ts';
import { range } from './support/people.ts';
import { hashAt, Written } from './support/places.ts';

const signed = () => 'sig';

const { batchBytes } = defaultFlow;
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
    const most = (bytes: number) => read(start, 100, bytes).length;
    const all = range(1, 3_000).map(most);
    expect([all[0], all.at(-1)]).toEqual([1, 10]);
    expect(all).toEqual(all.toSorted((a, b) => a - b));
  });

  test('is given no more bytes than that, whatever was said', () => {
    const token = (length: number) => 'x'.repeat(length);
    const max = Number.MAX_SAFE_INTEGER;
    const most = {
      name: '\x01'.repeat(256),
      text: '',
      words: token(43),
      key: token(64),
      id: { dev: token(64), n: max },
      lc: max,
      ts: 0,
      in: 0,
      type: token(32),
      re: { dev: token(64), n: max },
      ext: '"'.repeat(1_024),
      ago: max,
      void: true,
      guest: true,
    } as const;
    const name = (i: number) => ({ name: `${i}`, id: { dev: `${i}`.padStart(64, 'd'), n: max } });
    for (let i = 0; i < 400; i++) {
      written.append(
        1,
        i % 3 === 0 ? most : i % 3 === 1 ? { ...most, ...name(i), ext: '' } : { ...most, lc: 0, ext: '' },
      );
      if (i % 50 < 5) announce('x'.repeat(50));
    }
    for (let at = start; at.seq < 400; ) {
      const { items, next } = feed.read(at, maxBatchEntries, batchBytes);
      expect(Buffer.byteLength(encode({ kind: 'batch', frames: framesOf(items, signed) }))).toBeLessThanOrEqual(
        batchBytes + 2,
      );
      at = next;
    }
  });

  test('is given places that follow each other in one frame, with the chain up to the last of them', () => {
    written.append(2);
    announce('a', 'b');
    written.append(1);
    const frames = framesOf(feed.read(start, 100, 1e6).items, signed);
    const places = frames.map((frame) =>
      frame.kind === 'entries' ? [frame.from, frame.rows.length, frame.hash] : frame.kind,
    );
    expect(places).toEqual([[1, 2, hashAt(written.store, 2)], 'notice', 'notice', [3, 1, hashAt(written.store, 3)]]);
  });

  test('whose frames have one line each is read no more long texts at once than its connection may take', () => {
    written.append(40, { text: 'x'.repeat(4_000) });
    expect(words(feed.read(start, 24).items)).toEqual([1, 2, 3, 4]);
    expect(words(feed.read({ seq: 36, notice: 0 }, 24).items)).toEqual([37, 38, 39, 40]);
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
    const [frame] = framesOf(feed.read(start, 9, 1e6).items, signed);
    expect(frame).toMatchObject({ rows: [{ seq: 1 }, {}, { seq: 3 }], hash: hashAt(written.store, 3) });
    expect((frame as Entries).rows[1]).toEqual({ kind: 'lost', seq: 2, hash: hashAt(written.store, 2), sig: 'sig' });
  });

  test('reads hardly more from the disk than it is given, be the texts short or long', () => {
    written.append(2_000);
    written.append(2_000, { text: 'x'.repeat(3_500) });
    written.append(maxTail.entries);
    feed = new Feed(new Written(written.store).log);
    const read = vi.spyOn(written.store, 'read');
    const readOn = (from: number, to: number) => {
      read.mockClear();
      for (let at = { seq: from, notice: 0 }; at.seq < to; ) at = feed.read(at, maxBatchEntries, batchBytes).next;
      return read.mock.calls.reduce((rows, [, limit]) => rows + limit, 0);
    };
    expect(readOn(0, 1_900)).toBeLessThan(1.6 * 1_900);
    expect(readOn(1_900, 3_900)).toBeLessThan(1.6 * 2_000);
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
