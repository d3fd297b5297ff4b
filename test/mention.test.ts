import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mentions, nameKey, safeName } from '../src/core/names.ts';
import { maxTextBytes } from '../src/protocol/frames.ts';

describe('a text names', () => {
  test.each([
    ['Ann', 'ann'],
    ['Ann', 'hi Ann!'],
    ['Ann', '@ANN: come'],
    ['Ann', 'annann ann'],
    ['Ann', 'ａｎｎ?'],
    ['Ann', "ann's"],
    ['Ann', 'ann_ and _ann'],
    ['John Doe', 'ask john   doe'],
    ['John Doe', 'ask John\nDoe'],
    ['Jürgen', 'hallo ju\u0308rgen'],
    ['Ольга', 'привет, ОЛЬГА'],
    ['小明', '「小明」'],
    ['Νίκος', 'ΝΊΚΟΣ'],
    ['ΝΙΚΟΣ', 'ΝΙΚΟΣ.Α'],
    ['👍', 'hey 👍!'],
    ['❤', 'hey ❤\ufe0f'],
    ['C++', 'who, c++?'],
    ['.*', 'is it .*?'],
    ['a|b', 'a|b'],
    ['$&', '$&'],
    ['(x', 'here (x'],
  ])('%s: %j', (name, text) => expect(mentions(text, name)).toBe(true));
});

describe('a text does not name', () => {
  test.each([
    ['Ann', ''],
    ['Ann', 'annoying'],
    ['Ann', 'Joann'],
    ['Ann', 'Ann2'],
    ['Ann', '7ann'],
    ['Ann', 'ann\u0301a'],
    ['Ann', 'änn'],
    ['a', 'a\u0301'],
    ['John Doe', 'John Doeson'],
    ['John Doe', 'JohnDoe'],
    ['小明', '小明天'],
    ['👍', '👍\u{1f3fd}'],
    ['👨', '👨\u200d👩'],
    ['1', '1\ufe0f\u20e3'],
    ['.*', 'anything'],
    ['a|b', 'a'],
    ['', ' '],
  ])('%s: %j', (name, text) => expect(mentions(text, name)).toBe(false));
});

const name = fc
  .oneof(fc.string({ unit: 'grapheme', maxLength: 32 }), fc.string({ unit: 'binary', maxLength: 40 }))
  .map(safeName);

test('any name is found between spaces and marks, in any form of writing it', () => {
  const around = fc.constantFrom('', ' ', ', ', '!', '@', '"', '\n', '…');
  const form = fc.constantFrom<(text: string) => string>(
    (text) => text,
    (text) => text.normalize('NFD'),
    (text) => text.replaceAll(' ', ' \t'),
  );
  fc.assert(
    fc.property(name, around, around, form, (who, before, after, write) => {
      expect(mentions(`${before}${write(who)}${after}`, who)).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

test('no name is found in a longer word', () => {
  const letter = fc.constantFrom('q', 'Ж', '7', '明', 'e\u0301');
  fc.assert(
    fc.property(name, letter, (who, more) => {
      expect(mentions(`${more}${who}`, who)).toBe(false);
      expect(mentions(`${who}${more}`, who)).toBe(false);
    }),
    { numRuns: 3_000 },
  );
});

test('any text and any name give an answer, and it is no when the name is nowhere in the text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ unit: 'binary', maxLength: 3 }),
      (text, who) => {
        const fold = (raw: string) => nameKey(raw.replace(/\p{Variation_Selector}/gu, '')).replaceAll('ς', 'σ');
        const found = mentions(text, who);
        if (found) expect(fold(text)).toContain(fold(who));
      },
    ),
  );
});

test.each([
  ['of one letter', 'a'.repeat(maxTextBytes), 'a'.repeat(32)],
  ['of words that nearly match', 'aaab '.repeat(maxTextBytes / 5), 'a'.repeat(32)],
  ['of names inside words', 'annb'.repeat(maxTextBytes / 4), 'ann'],
  ['of combining marks', '\u0301\u0327'.repeat(maxTextBytes / 4), '\u0301'],
  ['of letters that grow', '\ufdfa'.repeat(maxTextBytes / 3), 'صلى'],
  ['of spaces', ' '.repeat(maxTextBytes), 'a b'],
])('the longest text %s is read in no time', (_what, text, who) => {
  mentions(text, who);
  const start = performance.now();
  for (let i = 0; i < 5; i++) mentions(text, who);
  expect((performance.now() - start) / 5).toBeLessThan(50);
});
