import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joined, readAll, readLines } from '../src/cli/lines.ts';

async function* chunks(parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}
const lines = async (parts: readonly (string | Uint8Array)[], maxBytes = 100) => {
  const all: string[] = [];
  for await (const line of readLines(chunks(parts), maxBytes)) all.push(line);
  return all;
};

describe('lines', () => {
  test.each([
    ['end with LF', ['a\nb\n'], ['a', 'b']],
    ['end with CRLF', ['a\r\nb\r\n'], ['a', 'b']],
    ['end with CRLF in two reads', ['a\r', '\nb\n'], ['a', 'b']],
    ['need no end when they are the last', ['a\nb'], ['a', 'b']],
    ['lose one CR only', ['a\r\r\n'], ['a\r']],
    ['keep a CR inside', ['a\rb\n'], ['a\rb']],
    ['may be empty', ['a\n\n\r\nb\n'], ['a', '', '', 'b']],
    ['come together from several reads', ['he', 'l', 'lo\nwor', 'ld'], ['hello', 'world']],
    ['come apart from one read', ['a\nb\nc'], ['a', 'b', 'c']],
    [
      'do not end at U+2028, U+2029, NEL, VT or FF',
      ['a\u2028b\u2029c\u0085d\u000be\u000cf\n'],
      ['a\u2028b\u2029c\u0085d\u000be\u000cf'],
    ],
    ['are none when nothing comes', [], []],
    ['are none when reads are empty', ['', ''], []],
  ])('%s', async (_name, parts, expected) => expect(await lines(parts)).toEqual(expected));

  test('keep a character that is split over reads', async () => {
    const bytes = Buffer.from('añ👍\n');
    expect(await lines([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(['añ👍']);
  });

  test('show half a character at the end as a replacement', async () =>
    expect(await lines([Uint8Array.of(0x61, 0xf0, 0x9f)])).toEqual(['a\ufffd']));

  test('lose a byte order mark in front of the first, however it comes, and no other', async () => {
    const bytes = [...Buffer.from('\ufeffa\ufeff\n\ufeffb')].map((byte) => Uint8Array.of(byte));
    for (const parts of [bytes, ['\ufeffa\ufeff\n\ufeffb']]) expect(await lines(parts)).toEqual(['a\ufeff', '\ufeffb']);
  });

  test.each([
    ['nothing', ['a\nñ👍\ufffd\n'], []],
    ['the line of the first', ['good\nse', Uint8Array.of(0xf1), 'or\nse', Uint8Array.of(0xf1), '\n'], [2]],
    ['half a character at a line end', [Uint8Array.of(0xc3, 0x0a)], [1]],
    ['half a character at the end', ['a\nb', Uint8Array.of(0xf0, 0x9f)], [2]],
  ])('that are not UTF-8 are told once: %s', async (_name, parts, expected) => {
    const bytes = parts.flatMap((part) => [...Buffer.from(part)]);
    const inOne = [Uint8Array.from(bytes)];
    for (const reads of [parts, inOne, bytes.map((byte) => Uint8Array.of(byte))]) {
      const told: number[] = [];
      for await (const _ of readLines(chunks(reads), 100, (line) => told.push(line)));
      expect(told).toEqual(expected);
    }
  });

  test('are handed over before the input ends', async () => {
    let ended = false;
    async function* source() {
      yield Buffer.from('a\nb');
      ended = true;
    }
    const reader = readLines(source(), 100);
    expect(await reader.next()).toEqual({ done: false, value: 'a' });
    expect(ended).toBe(false);
  });
});

describe('a line that is too long', () => {
  test('is cut, but not below the limit, and the next one is whole', async () => {
    const [long, next] = await lines([...Array(1_000).fill('x'.repeat(1_000)), '\nshort\n'], 10);
    expect(long?.length).toBeGreaterThan(10);
    expect(long?.length).toBeLessThanOrEqual(12);
    expect(next).toBe('short');
  });

  test('is told from one that just fits', async () => {
    expect(await lines(['x'.repeat(10), '\r\n'], 10)).toEqual(['x'.repeat(10)]);
    expect((await lines(['x'.repeat(11), '\r\n'], 10))[0]?.length).toBe(11);
  });

  test('is seen to be too long although the read ended at a CR', async () => {
    const [line] = await lines([`${'x'.repeat(10)}\r`, 'and more\n'], 10);
    expect(line?.length).toBeGreaterThan(10);
  });
});

test('how the bytes are cut into reads makes no difference', async () => {
  const text = fc.array(fc.constantFrom('a', 'b', '\r', '\n', '\r\n', 'ñ', '👍', '\u2028'), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat({ max: 40 })), async (parts, cuts) => {
      const bytes = Buffer.from(parts.join(''));
      const ends = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const reads = ends.slice(1).map((end, i) => bytes.subarray(ends[i], end));
      expect(await lines(reads, 5)).toEqual(await lines([bytes], 5));
      expect(await lines(reads)).toEqual(
        parts
          .join('')
          .match(/[^\n]*\n|[^\n]+$/g)
          ?.map((line) => line.replace(/\n$/, '').replace(/\r$/, '')) ?? [],
      );
    }),
    { numRuns: 1_000 },
  );
});

describe('all of the input as one text', () => {
  const all = (parts: readonly (string | Uint8Array)[], maxBytes = 100) => readAll(chunks(parts), maxBytes);

  test.each([
    ['keeps its lines', ['a\nb\n'], 'a\nb'],
    ['loses one final newline only', ['a\n\n'], 'a\n'],
    ['has LF for CRLF', ['a\r\nb\r', '\n'], 'a\nb'],
    ['needs no final newline', ['a'], 'a'],
    ['may be empty', [], ''],
  ])('%s', async (_name, parts, expected) => expect(await all(parts)).toBe(expected));

  test('is bounded, and still seen to be too long', async () => {
    const text = await all(Array(1_000).fill('x'.repeat(1_000)), 10);
    expect(text.length).toBeGreaterThan(10);
    expect(text.length).toBeLessThan(100);
  });

  test('just fits with a final CRLF', async () =>
    expect(await all([`${'x'.repeat(10)}\r\n`], 10)).toBe('x'.repeat(10)));

  test('is seen to be too long although CRLF makes it shorter', async () => {
    const text = await all(['a\r\n'.repeat(50)], 10);
    expect(text.length).toBeGreaterThan(10);
  });
});

test('a line that ends in ESC, as Alt-Enter makes one, goes on in the next', async () => {
  async function* given() {
    yield* ['one', 'two\x1b', 'three\x1b', '', 'fo\x1bur', 'five\x1b'];
  }
  const lines: string[] = [];
  for await (const line of joined(given())) lines.push(line);
  expect(lines).toEqual(['one', 'two\nthree\n', 'fo\x1bur', 'five\n']);
});
