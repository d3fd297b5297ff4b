import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asciiOnly, visible, visibleJson } from '../src/text/visible.ts';

/** C0, DEL, C1, soft hyphen, Arabic letter mark, Mongolian separator, zero-width, bidi, separators, BOM; not the joiner. */
const dangerous =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
/** A joiner anywhere but between two pictures. */
const looseJoiner =
  /(?<!\p{Extended_Pictographic}[\ufe0f\u{1f3fb}-\u{1f3ff}]?)\u200d|\u200d(?!\p{Extended_Pictographic})/u;

/** Mostly what an attacker would use, so that a run of a few thousand strings tries every pair. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\u001b',
        '[31m',
        ']0;title\u0007',
        ']52;c;AAAA\u0007',
        '\u009b',
        '\u0090',
        '\r',
        '\n',
        '\t',
        '\b',
      ),
      fc.constantFrom(
        '\u200b',
        '\u200d',
        '\u200f',
        '\u202e',
        '\u2066',
        '\u2069',
        '\u2028',
        '\u2029',
        '\ufeff',
        '\u007f',
      ),
      fc.constantFrom('👩', '👧', '❤', '\ufe0f', '\u{1f3fd}', '\u{e0067}', '\ud83d', '\udc69', 'a', '[bob]'),
      fc.integer({ min: 0, max: 0x2100 }).map((code) => String.fromCharCode(code)),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

describe('a line becomes safe:', () => {
  test.each([
    ['plain text stays', 'hello, world', 'hello, world'],
    ['letters of any script stay', 'Привет 你好 שלום مرحبا', 'Привет 你好 שלום مرحبا'],
    ['an escape sequence shows', '\u001b[31mred', '␛[31mred'],
    ['a nested sequence does not come alive', '\u001b\u001b[31m[31mx', '␛␛[31m[31mx'],
    ['a title sequence shows', '\u001b]0;pwned\u0007', '␛]0;pwned␇'],
    ['a C1 sequence shows', '\u009b31m', '<U+009B>31m'],
    ['a carriage return cannot overwrite', 'me\r[you]', 'me␍[you]'],
    ['a newline cannot start a line', 'a\n[bob] b', 'a␊[bob] b'],
    ['a tab is four spaces', 'a\tb', 'a    b'],
    ['DEL shows', 'a\u007f', 'a␡'],
    ['a selector of no form shows', 'a\ufe0f x\u{e0101}', 'a<U+FE0F> x<U+E0101>'],
    ['a selector of a form stays', '\u2764\ufe0f \u845b\u{e0100}', '\u2764\ufe0f \u845b\u{e0100}'],
    ['a filler among the marks shows', 'a\u17b4', 'a<U+17B4>'],
    ['blanks are counted beyond 32', `a${' '.repeat(40)}b`, `a${' '.repeat(32)}<+8>b`],
    ['tabs are blanks', `a${'\t'.repeat(20)}b`, `a${' '.repeat(32)}<+48>b`],
    ['bidi shows', 'a\u202eb', 'a<U+202E>b'],
    ['an isolate shows', '\u2066a\u2069', '<U+2066>a<U+2069>'],
    ['a zero-width space shows', 'a\u200bb', 'a<U+200B>b'],
    ['a joiner between letters shows', 'a\u200db', 'a<U+200D>b'],
    ['a line separator shows', 'a\u2028b', 'a<U+2028>b'],
    ['an invisible character without a meaning yet shows', 'a\u2065b', 'a<U+2065>b'],
    ['a byte order mark shows', '\ufeffa', '<U+FEFF>a'],
    ['a tag character shows', '\u{e0041}', '<U+E0041>'],
    ['an empty Braille cell shows', '\u2800', '<U+2800>'],
    ['a lone surrogate is repaired', 'a\ud800', 'a\ufffd'],
    ['Arabic number signs stay', '\u0600\u06dd', '\u0600\u06dd'],
  ])('%s', (_name, text, expected) => expect(visible(text)).toBe(expected));
});

test.each(['👩‍👩‍👧', '❤️', '👩🏽‍🚀', '🏳️‍🌈', '👁️‍🗨️', '👍🏿', '🇩🇪', '1️⃣', '👨‍👩‍👧‍👦'])('the picture %s survives', (emoji) =>
  expect(visible(`a ${emoji} b`)).toBe(`a ${emoji} b`),
);

describe('marks on a letter', () => {
  test.each([
    ['are all seen up to eight', `a${'\u0301'.repeat(8)}b`, `a${'\u0301'.repeat(8)}b`],
    ['are counted above', `a${'\u0301'.repeat(9)}b`, `a${'\u0301'.repeat(8)}<+1>b`],
    ['are counted each for itself', `${'\u0301\u0316'.repeat(50)}`, `${'\u0301\u0316'.repeat(4)}<+92>`],
    [
      'count for every letter',
      `a${'\u0301'.repeat(9)}b${'\u0316'.repeat(10)}`,
      `a${'\u0301'.repeat(8)}<+1>b${'\u0316'.repeat(8)}<+2>`,
    ],
    ['count beyond the first plane, too', `a${'\u{1d165}'.repeat(10)}`, `a${'\u{1d165}'.repeat(8)}<+2>`],
  ])('%s', (_name, text, shown) => expect(visible(text)).toBe(shown));

  test('are never more than eight, whatever is written', () => {
    const mark = fc.constantFrom(
      '\u0301',
      '\u0316',
      '\u20dd',
      '\ufe0f',
      '\u{1d165}',
      '\u{e0100}',
      '\u0903',
      '\u200d',
      '\u200b',
      'a',
      '👩',
    );
    fc.assert(
      fc.property(fc.array(mark, { maxLength: 60, size: 'max' }), (marks) => {
        expect(visible(marks.join(''))).not.toMatch(/\p{M}{9}/u);
      }),
      { numRuns: 2_000 },
    );
  });
});

test('every character that is ignored when it is not known is shown, but the selectors of an emoji', () => {
  for (let code = 0; code < 0x110000; code++) {
    const character = String.fromCodePoint(code);
    if (/(?!\p{M})\p{Default_Ignorable_Code_Point}/u.test(character))
      expect(visible(character), code.toString(16)).toBe(`<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`);
  }
});

describe('in ASCII', () => {
  test.each([
    ['ASCII stays', ' hello ~!', ' hello ~!'],
    ['letters lose their marks', 'Año e\u0301 Å', 'Ano e A'],
    ['letters come apart', 'ﬁ Ⅳ …', 'fi IV ...'],
    ['what would become a sign is a question mark', '½ ［bob］', '? ?bob?'],
    ['others are a question mark each', 'Привет', '??????'],
    ['others beyond the first plane, too', '👍𝄞', '??'],
    ['control characters are none', '\u001b[31m\n\t\u007f', '?[31m???'],
  ])('%s', (_name, text, expected) => expect(asciiOnly(text)).toBe(expected));

  test('nothing else comes out, and what is safe stays', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
        expect(asciiOnly(text)).toMatch(/^[ -~]*$/);
        expect(asciiOnly(asciiOnly(text))).toBe(asciiOnly(text));
      }),
      { numRuns: 3_000 },
    );
  });
});

test('no string comes out with a character that moves, hides or reorders', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const shown = visible(text);
      expect(shown).not.toMatch(dangerous);
      expect(shown).not.toMatch(looseJoiner);
      expect(shown.isWellFormed()).toBe(true);
      expect(visible(shown)).toBe(shown);
    }),
    { numRuns: 5_000 },
  );
});

test('JSON comes out safe too, and reads back as the same value', () => {
  const value = fc.oneof(fc.jsonValue(), fc.dictionary(hostile, hostile), fc.array(hostile));
  fc.assert(
    fc.property(value, (value) => {
      const line = visibleJson(value);
      expect(line).not.toMatch(dangerous);
      expect(line).not.toMatch(looseJoiner);
      expect(line.isWellFormed()).toBe(true);
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 3_000 },
  );
});

test('JSON escapes what is hidden and keeps pictures', () =>
  expect(visibleJson({ text: '\u202e\u009b\u{e0041} 👩‍👩‍👧' })).toBe('{"text":"\\u202e\\u009b\\udb40\\udc41 👩‍👩‍👧"}'));
