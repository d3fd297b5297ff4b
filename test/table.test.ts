import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { wrapWords } from '../src/text/table.ts';
import { visible } from '../src/text/visible.ts';

const pictures = fc.constantFrom(
  '👨‍👩‍👧‍👦',
  '🇪🇸',
  '1️⃣',
  '❤️',
  '👍🏽',
  '©️',
  'ﾊﾞ',
  '\u1100\u1161\u11a8',
  'คำ',
  'क्ष',
  '…',
  '①',
);
const word = fc.oneof(
  pictures,
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
);

test('a terminal has enough columns for a line of several words', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.integer({ min: 8, max: 80 }), (words, width) => {
      for (const line of wrapWords(visible(words.join(' ')), width, 2))
        if (/\S\s+\S/.test(line)) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['José', 4],
  ['Ана', 3],
  ['Νίκος', 5],
  ['שלום', 4],
  ['漢字', 4],
  ['한국어', 6],
])('a line goes on with %s where that fits', (name, columns) => {
  const line = `a ${name}`;
  expect(wrapWords(line, 2 + columns, 0)).toEqual([line]);
  expect(wrapWords(line, 1 + columns, 0)).toEqual(['a', name]);
});
