import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../src/protocol/codec.ts';
import type { Entries, Message } from '../src/protocol/frames.ts';
import { maxBatchEntries, type Row } from '../src/protocol/rows.ts';

const over = (wire: unknown) => decode(Buffer.from(JSON.stringify(wire)));
const [dev, key, salt, words] = ['d'.repeat(32), 'k'.repeat(43), 's'.repeat(22), 'w'.repeat(43)];
const plain: Message = {
  kind: 'message',
  name: 'bo',
  key,
  id: { dev, n: 7 },
  lc: 30,
  at: 1_000,
  ts: 990,
  in: 5,
  text: 'hi',
  salt,
  seq: 4,
};
const frame = (rows: Row[], from = rows[0]?.seq ?? 1): Entries => ({ kind: 'entries', from, rows, hash: 'h' });
const wire = (rows: Row[]) => JSON.parse(encode(frame(rows))).e;

describe('a batch of entries', () => {
  test('says a name, a device and a key once, and numbers as differences', () => {
    const next = { ...plain, id: { dev, n: 8 }, lc: 31, at: 1_002, ts: 1_002, in: 7, text: 'there', seq: 5 };
    expect(wire([plain, next])).toEqual([
      [['bo', dev, key]],
      [0, 7, 30, 1_000, 10, 2, 'hi', salt],
      [0, 1, 1, 2, 0, 1, 'there', salt],
    ]);
  });

  test('gives an author with two names, or who is a guest under one, two lines', () => {
    const rows: Row[] = [
      plain,
      { ...plain, id: { dev, n: 8 }, name: 'bob', seq: 5 },
      { ...plain, guest: true, seq: 6 },
    ];
    expect(wire(rows)[0]).toEqual([
      ['bo', dev, key],
      ['bob', dev, key],
      ['bo', dev, key, 1],
    ]);
  });

  test('of which a text is gone, or a place is lost, keeps the digest and the chain', () => {
    const { salt: _, ...rest } = plain;
    const gone: Message = { ...rest, text: '', words, void: true };
    expect(wire([gone, { kind: 'lost', seq: 5, hash: 'h5', sig: 's5' }]).slice(1)).toEqual([
      [0, 7, 30, 1_000, 10, 2, 0, words, { void: 1 }],
      ['h5', 's5'],
    ]);
  });

  test.each([
    [100, 140],
    [40, 160],
  ])('of %i short texts by 10 authors takes at most %i bytes an entry, the signed head included', (count, most) => {
    const rows = Array.from({ length: count }, (_, i): Message => {
      const n = 5_000 + Math.floor(i / 10);
      const of = { name: `c${i % 10}`, id: { dev: `${i % 10}`.padEnd(32, 'd'), n }, in: n - 3 };
      return { ...plain, ...of, lc: 50_000 + i, at: 1.7e12 + i, ts: 1.7e12 + i - 15, text: 'x'.repeat(80), seq: 1 + i };
    });
    const signed = { ...frame(rows, 1_000_000), hash: 'h'.repeat(22), sig: 's'.repeat(86) };
    expect(Buffer.byteLength(encode(signed)) / count).toBeLessThanOrEqual(most);
  });

  const count = fc.maxSafeNat();
  const token = (length: number) => fc.stringMatching(new RegExp(`^[A-Za-z0-9_-]{${length}}$`));
  const id = fc.record({ dev: token(32), n: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) });
  const author = fc.record(
    {
      name: fc.string({ unit: 'binary', maxLength: 20 }).map((name) => name.toWellFormed()),
      key: token(43),
      guest: fc.constant(true as const),
    },
    { requiredKeys: ['name'] },
  );
  const text = fc.string({ unit: 'binary' }).map((words) => words.toWellFormed());
  const said = fc.oneof(
    fc.record({ text, salt: token(22) }, { requiredKeys: ['text'] }),
    fc.record({ text: fc.constant(''), words: token(43), void: fc.constant(true as const) }),
  );
  const more = fc.record(
    { type: fc.constantFrom('action', 'later-9'), re: id, ext: text, ago: count },
    { requiredKeys: [] },
  );
  const numbers = fc.record({ lc: count, at: count, ts: count, in: count });
  const message = fc
    .tuple(author, id, numbers, said, more)
    .map(([by, id, when, said, more]): Message => ({ kind: 'message', ...by, id, ...when, ...said, ...more }));
  const lost = fc.record({ kind: fc.constant('lost' as const), seq: count, hash: token(22), sig: token(86) });

  test('comes as it was sent, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: message }, lost), { minLength: 1 }), (all) => {
        const rows = all.map((row, i) => ({ ...row, seq: 10 + i }) as Row);
        expect(decode(Buffer.from(encode(frame(rows, 10))))).toEqual(frame(rows, 10));
      }),
    );
  });

  const who = ['bo', dev, key];
  const row = [0, 7, 30, 1_000, 10, 2, 'hi', salt];
  const wrong: [name: string, e: unknown][] = [
    ['no list', {}],
    ['no table', []],
    ['a table that is none', [7, row]],
    ['a line that is none', [[7], row]],
    ['a name that is none', [[[7, dev, key]], row]],
    ['a name that is too long', [[['x'.repeat(257), dev, key]], row]],
    ['a device that is none', [[['bo', 'd d', key]], row]],
    ['a key that is none', [[['bo', dev, 'k k']], row]],
    ['a guest that is none', [[[...who, 2]], row]],
    ['an author who is not in the table', [[who], row.with(0, 1)]],
    ['an author who is no number', [[who], row.with(0, 'length')]],
    ['an n below 1', [[who], row.with(1, 0)]],
    ['an n below the one before', [[who], row, row.with(1, -7)]],
    ['an n above what is exact', [[who], row, row.with(1, Number.MAX_SAFE_INTEGER)]],
    ['a time below 0', [[who], row.with(3, -1)]],
    ['a number with a fraction', [[who], row.with(2, 1.5)]],
    ['a number that is a text', [[who], row.with(5, '2')]],
    ['a text that is none', [[who], row.with(6, 7)]],
    ['half a character', [[who], row.with(6, '\ud800')]],
    ['a salt that is too short', [[who], row.with(7, 'salt')]],
    ['a digest that is too short', [[who], row.with(6, 0)]],
    ['a type in capitals', [[who], [...row, { type: 'Action' }]]],
    ['a span below 0', [[who], [...row, { ago: -1 }]]],
    ['an answer to nobody', [[who], [...row, { re: 'x' }]]],
    ['more that is a list', [[who], [...row, []]]],
    ['a lost place whose hash is none', [[who], [7, 's']]],
    ['a lost place without the word of the room', [[who], ['h']]],
    ['an empty row', [[who], []]],
  ];
  test.each(wrong)('with %s is malformed', (_, e) => {
    expect(over({ from: 1, e: [[who], row], h: 'h' })).toMatchObject({ kind: 'entries' });
    expect(over({ from: 1, e, h: 'h' })).toMatchObject({ kind: 'malformed' });
  });

  test('of more entries than a frame may have is malformed', () => {
    const rows = (count: number) => Array.from({ length: count }, () => [0, 1, 1, 1, 0, 0, '', salt]);
    expect(over({ from: 1, e: [[who], ...rows(maxBatchEntries)], h: 'h' })).toMatchObject({ kind: 'entries' });
    expect(over({ from: 1, e: [[who], ...rows(maxBatchEntries + 1)], h: 'h' })).toMatchObject({ kind: 'malformed' });
  });

  test.each([-1, 1.5, '1', null, undefined])('from place %s is malformed', (from) => {
    expect(over({ from, e: [[who], row], h: 'h' })).toMatchObject({ kind: 'malformed' });
  });
});
