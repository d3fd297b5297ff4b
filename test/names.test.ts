import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxNameBytes, nameKey, normalizeName, safeName, whyNameRefused } from '../src/core/names.ts';

describe('a name is normalized', () => {
  test.each([
    ['  Ann  ', 'Ann'],
    ['John \t  Doe', 'John Doe'],
    ['Ann\n', 'Ann'],
    ['e\u0301va', '\u00e9va'],
    ['\u3000Ann\u00a0Lee', 'Ann Lee'],
    ['a\ud800', 'a\ufffd'],
    ['   ', ''],
  ])('%j becomes %j', (raw, name) => expect(normalizeName(raw)).toBe(name));
});

describe('a name is taken', () => {
  test.each([
    'Ann',
    'John Doe',
    'Jürgen',
    'Ольга',
    '小明',
    "O'Neil-Smith_2",
    '👍',
    'x'.repeat(32),
    'e\u0301'.repeat(32),
    'Thế Mỹ',
    'မှို့',
    'ᾨδή',
    'guest (Bo)',
  ])('%s', (name) => expect(whyNameRefused(normalizeName(name))).toBeUndefined());
});

describe('a name is refused', () => {
  test.each([
    ['that is empty', '', /must not be empty/],
    ['with an escape sequence', 'a\u001b[2Jb', /must not contain/],
    ['with a C1 control', 'a\u009bb', /must not contain/],
    ['with DEL', 'a\u007fb', /must not contain/],
    ['that turns the text around', 'a\u202eb', /must not contain/],
    ['with a zero-width space', 'An\u200bn', /must not contain/],
    ['with a line separator', 'a\u2028b', /must not contain/],
    ['with a paragraph separator', 'a\u2029b', /must not contain/],
    ['with a soft hyphen', 'a\u00adb', /must not contain/],
    ['with a Hangul filler', '\u3164', /must not contain/],
    ['with a private character', '\ue000', /must not contain/],
    ['with [', '[bob', /must not contain/],
    ['with ]', 'bob]', /must not contain/],
    ['with <', '<bob', /must not contain/],
    ['with >', 'bob>', /must not contain/],
    ['that would be a command', '/quit', /must not begin with a slash/],
    ['with a bracket of another width', 'bob\uff3d hi', /must not contain/],
    ['with five marks on a letter', 'a\u0300\u0301\u0302\u0303\u0304', /must not pile up marks/],
    ['with the same mark twice', 'e\u0301\u0301', /must not pile up marks/],
    ['with words of the room', 'Ana left the room. 1 online. B', /must not have "left the room" in it/],
    ['that is a guest’s', 'Ana (guest)', /must not end in "\(guest\)"/],
    ['that looks like a guest’s', 'Ana\u00a0(GUEST\uff09', /must not end in "\(guest\)"/],
    ['of 33 characters', 'x'.repeat(33), /at most 32 characters/],
    ['of 32 characters with too many bytes', '\u{1f600}\u{1f3fd}'.repeat(17), /at most 128 bytes/],
  ])('%s', (_why, name, words) => expect(whyNameRefused(name)).toMatch(words));
});

describe('two names are the same', () => {
  test.each([
    ['Server', 'server'],
    ['ＳＥＲＶＥＲ', 'server'],
    [' ser  ver ', 'ser ver'],
    ['\u212bsa', '\u00e5sa'],
    ['ﬁn', 'fin'],
  ])('%s and %s', (a, b) => expect(nameKey(a)).toBe(nameKey(b)));

  test('but not when a letter differs', () => expect(nameKey('Ann')).not.toBe(nameKey('Anna')));
});

describe('a safe name', () => {
  test.each([
    ['John Doe', 'John Doe'],
    ['[server] <x>', 'server x'],
    ['\u001b[31mred', '31mred'],
    ['', 'somebody'],
    ['\u200b\u202e', 'somebody'],
    ['x'.repeat(50), 'x'.repeat(32)],
    [`${'x'.repeat(31)} y`, 'x'.repeat(31)],
    [`a${'\u0301'.repeat(200)}`, 'á'],
    [`a${'\u0300\u0301'.repeat(63)}`, 'a\u0300\u0301\u0300\u0301'.normalize('NFC')],
    ['Ana (guest)', 'Ana'],
    ['Ana (guest) (GU\u0415ST)', 'Ana'],
    [`${'x'.repeat(24)} (guest)xx`, 'x'.repeat(24)],
    ['Ana left the room. 1 online. B', 'Ana-left-the-room.-1-online.-B'],
  ])('of %j is %j', (raw, name) => expect(safeName(raw)).toBe(name));

  test('is always a name that may be shown, and stays itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.string({ unit: 'grapheme' })), (raw) => {
        const name = safeName(raw);
        expect(whyNameRefused(name)).toBeUndefined();
        expect(normalizeName(name)).toBe(name);
        expect(safeName(name)).toBe(name);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(maxNameBytes);
      }),
      { numRuns: 2_000 },
    );
  });

  test('leaves a name alone that needs no help', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 32 }), (raw) => {
        const name = normalizeName(raw);
        if (whyNameRefused(name) === undefined) expect(safeName(name)).toBe(name);
      }),
    );
  });
});
