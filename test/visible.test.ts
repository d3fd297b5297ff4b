import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { visible, visibleJson, visibleLines } from '../src/terminal/visible.ts';

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

test('lines are split at LF only, and each is safe', () =>
  expect(visibleLines('a\nb\r\nc\u2028d')).toEqual(['a', 'b␍', 'c<U+2028>d']));

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
