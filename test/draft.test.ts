import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cut, type Draft, erasures, insert, kills, moves, transpose } from '../src/terminal/draft.ts';
import { graphemes } from '../src/text/graphemes.ts';

const family = '👨‍👩‍👧‍👦';
/** `he|llo`: the bar is the cursor. */
const drawn = ({ text, cursor }: Draft) => `${text.slice(0, cursor)}|${text.slice(cursor)}`;
const read = (picture: string): Draft => ({ text: picture.replace('|', ''), cursor: picture.indexOf('|') });

describe('a move', () => {
  const goes = (picture: string, key: string) => {
    const draft = read(picture);
    return drawn({ ...draft, cursor: moves[key]?.(draft) ?? Number.NaN });
  };

  test.each([
    ['ab|', 'left', 'a|b'],
    ['|ab', 'left', '|ab'],
    [`a${family}|b`, 'left', `a|${family}b`],
    ['e\u0301|', 'left', '|e\u0301'],
    ['🇪🇸🇩🇪|', 'left', '🇪🇸|🇩🇪'],
    ['a\n|b', 'left', 'a|\nb'],
    ['|ab', 'right', 'a|b'],
    ['ab|', 'right', 'ab|'],
    [`|${family}b`, 'right', `${family}|b`],
    ['|e\u0301x', 'right', 'e\u0301|x'],
    ['漢|字', 'right', '漢字|'],
    ['a|b\nc', 'home', '|ab\nc'],
    ['a|b\nc', 'end', 'ab\nc|'],
  ])('in %j by %s gives %j', (from, key, to) => expect(goes(from, key)).toBe(to));

  test.each([
    ['foo bar|', 'foo |bar'],
    ['foo ba|r', 'foo |bar'],
    ['foo |bar', '|foo bar'],
    ['foo   |', '|foo   '],
    ['foo, (bar)|', 'foo, (|bar)'],
    ['a_b2|', '|a_b2'],
    ['|foo', '|foo'],
    ['...|', '|...'],
    ['foo\nbar|', 'foo\n|bar'],
    ['años|', '|años'],
    ['an\u0303os|', '|an\u0303os'],
    ['你好 世界|', '你好 |世界'],
    ['a 👍|', '|a 👍'],
  ])('a word to the left in %j gives %j', (from, to) => {
    for (const key of ['meta-b', 'ctrl-left', 'meta-left']) expect(goes(from, key)).toBe(to);
  });

  test.each([
    ['|foo bar', 'foo| bar'],
    ['f|oo bar', 'foo| bar'],
    ['foo| bar', 'foo bar|'],
    ['|   foo', '   foo|'],
    ['|(bar), x', '(bar|), x'],
    ['|a_b2 c', 'a_b2| c'],
    ['foo|', 'foo|'],
    ['|...', '...|'],
    ['foo|\nbar', 'foo\nbar|'],
    ['|an\u0303os x', 'an\u0303os| x'],
    ['|世界 a', '世界| a'],
    ['|❤️ a', '❤️ a|'],
  ])('a word to the right in %j gives %j', (from, to) => {
    for (const key of ['meta-f', 'ctrl-right', 'meta-right']) expect(goes(from, key)).toBe(to);
  });
});

describe('what a key takes out', () => {
  test.each([
    ['backspace', 'ab|c', 'a|c', 'b'],
    ['backspace', '|abc', '|abc', ''],
    ['backspace', `${family}|`, '|', family],
    ['backspace', 'e\u0301|x', '|x', 'e\u0301'],
    ['delete', 'a|bc', 'a|c', 'b'],
    ['delete', 'abc|', 'abc|', ''],
    ['delete', '|🇪🇸🇩🇪', '|🇩🇪', '🇪🇸'],
    ['ctrl-d', 'a|\nb', 'a|b', '\n'],
    ['ctrl-w', 'foo bar|', 'foo |', 'bar'],
    ['ctrl-w', 'foo bar  |', 'foo |', 'bar  '],
    ['ctrl-w', 'see http://a.b/c?d|', 'see |', 'http://a.b/c?d'],
    ['ctrl-w', 'fo|o', '|o', 'fo'],
    ['ctrl-w', '|foo', '|foo', ''],
    ['ctrl-w', '   |', '|', '   '],
    ['ctrl-w', 'a\nb|', 'a\n|', 'b'],
    ['meta-backspace', 'see http://a.b/c|', 'see http://a.b/|', 'c'],
    ['meta-backspace', 'foo, |x', '|x', 'foo, '],
    ['meta-d', 'a |foo bar', 'a | bar', 'foo'],
    ['meta-d', 'a|, foo bar', 'a| bar', ', foo'],
    ['meta-d', 'foo|', 'foo|', ''],
    ['ctrl-delete', '|foo bar', '| bar', 'foo'],
    ['ctrl-u', 'foo b|ar', '|ar', 'foo b'],
    ['ctrl-k', 'foo b|ar\nx', 'foo b|', 'ar\nx'],
  ])('%s in %j', (key, from, to, expected) => {
    const { draft, taken } = cut(read(from), (erasures[key] ?? kills[key])?.(read(from)) ?? Number.NaN);
    expect([drawn(draft), taken]).toEqual([to, expected]);
  });

  test('makes one character of what then stands together, and the cursor is behind it', () =>
    expect(drawn(cut(read('🇪x|🇸'), 2).draft)).toBe('🇪🇸|'));
});

test.each([
  ['|', '|'],
  ['a|', 'a|'],
  ['|ab', '|ab'],
  ['a|b', 'ba|'],
  ['ab|', 'ba|'],
  ['ab|cd', 'acb|d'],
  ['abc|d', 'abdc|'],
  [`a${family}|`, `${family}a|`],
  [`${family}|漢x`, `漢${family}|x`],
  ['a|\nb', '\na|b'],
])('Ctrl-T in %j gives %j', (from, to) => expect(drawn(transpose(read(from)))).toBe(to));

test.each([
  ['a|b', 'x', 'ax|b'],
  ['|', 'a\nb', 'a\nb|'],
  ['e|x', '\u0301', 'e\u0301|x'],
  ['👨|', '\u200d👩', '👨\u200d👩|'],
  // What comes joins what follows: one character now, and nobody can stand in it.
  ['|\u0301x', 'e', 'e\u0301|x'],
  ['|🇸', '🇪', '🇪🇸|'],
])('in %j %j becomes %j', (from, more, to) => expect(drawn(insert(read(from), more))).toBe(to));

test('no key leaves the cursor inside a character, whatever the text', () => {
  const text = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          'a',
          ' ',
          '_',
          '\n',
          '\t',
          '漢',
          'é',
          'e\u0301',
          family,
          '❤️',
          '1️⃣',
          '👍🏽',
          '🏳️‍🌈',
          '🇪',
          '\u200d',
        ),
        fc.string({ unit: 'grapheme', maxLength: 2 }),
        fc.string({ unit: 'binary', maxLength: 2 }),
      ),
      { maxLength: 10 },
    )
    .map((parts) => parts.join('').toWellFormed());
  const boundaries = (text: string) => {
    let at = 0;
    return [0, ...graphemes(text).map((grapheme) => (at += grapheme.length))];
  };
  const keys = Object.entries({ ...moves, ...erasures, ...kills });
  fc.assert(
    fc.property(text, fc.nat(), fc.constantFrom(...keys), text, (text, place, [key, move], more) => {
      const all = boundaries(text);
      const draft = { text, cursor: all[place % all.length] ?? 0 };
      expect(all, key).toContain(move(draft));
      for (const changed of [insert(draft, more), transpose(draft), cut(draft, move(draft)).draft])
        expect(boundaries(changed.text)).toContain(changed.cursor);
    }),
    { numRuns: 2_000 },
  );
});
