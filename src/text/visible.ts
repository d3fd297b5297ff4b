/**
 * The one choke point for what a peer wrote: whatever goes to a terminal or a text pipe passes here first.
 * Every character that could move the cursor, start a sequence, hide or reorder text becomes a picture.
 */

/** Arabic and Syriac marks that Unicode counts as format characters but that are seen. */
const seenFormat = '\\u0600-\\u0605\\u06DD\\u070F\\u0890\\u0891\\u08E2';
/** Unseen, but part of what is seen: a joiner between two pictures, and selectors of a form behind what has forms. */
const joiner = '(?<=\\p{Extended_Pictographic}[\\uFE0F\\u{1F3FB}-\\u{1F3FF}]?)\\u200D(?=\\p{Extended_Pictographic})';
const selectors = [
  '(?<=\\p{Emoji})[\\uFE0E\\uFE0F]',
  '(?<=\\p{Script=Han})[\\uFE00-\\uFE02\\u{E0100}-\\u{E01EF}]',
  '(?<=\\p{Script=Mongolian})[\\u180B-\\u180D\\u180F]',
];
const unseen = '[\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\u2800\\u{16FE4}]|\\p{Default_Ignorable_Code_Point}';
const hidden = new RegExp(`(?<seen>${[joiner, ...selectors].join('|')})|(?![${seenFormat}])\\p{Cf}|${unseen}`, 'gu');

/** More marks than any script puts on one letter; so many blanks that what follows looks like a line of somebody else. */
const tooMany = /(?<=\p{M}{8})\p{M}+|(?<=\p{Zs}{32})\p{Zs}{2,}/gu;

/** Makes one line safe to print; a newline is replaced like any control character, a tab by spaces. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(hidden, (found, seen) => seen ?? picture(found))
    .replace(tooMany, (more) => `<+${[...more].length}>`);
}

/** For a terminal without UTF-8, to which bytes of a character may be control codes: no bracket appears that was none. */
export const asciiOnly = (text: string): string =>
  text.replace(/[^ -~]/gu, (character) => {
    const plain = character.normalize('NFKD').replace(/\p{M}/gu, '');
    return /^[a-z\d.]*$/i.test(plain) ? plain : '?';
  });

/** JSON for a terminal or a pipe: what `visible` replaces is escaped, so that reading it back gives the original. */
export const visibleJson = (value: unknown): string => escapeHidden(JSON.stringify(value));

/** The same for a value that is JSON already. */
export function escapeHidden(json: string): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return json.replace(hidden, (found, seen) => seen ?? found.replace(/./gs, escaped));
}

function picture(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === '\t') return '    ';
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}
