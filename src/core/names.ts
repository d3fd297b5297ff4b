import { graphemes } from '../text/graphemes.ts';
import { looksOf, sayingIn } from './looks.ts';
import { remembering } from './remembering.ts';

/** Longest name in characters as a person counts them (grapheme clusters), and in UTF-8 bytes. */
export const maxNameCharacters = 32;
export const maxNameBytes = 128;

/** Characters that could forge a line or hide in one: control, format, separators, brackets, invisible ones. */
const refused = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800[\]<>]/u;
const isRefused = (text: string): boolean => refused.test(text) || refused.test(text.normalize('NFKC'));

/** More marks on one letter than any script needs (UTS 39), or the same one twice, which looks like one. */
const piled = /[\p{Mn}\p{Me}]{5}|([\p{Mn}\p{Me}])\1/u;
const isPiled = (text: string): boolean => piled.test(text.normalize('NFD'));
const unpiled = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/([\p{Mn}\p{Me}])\1+/gu, '$1')
    .replace(/([\p{Mn}\p{Me}]{4})[\p{Mn}\p{Me}]+/gu, '$1');

/** NFC, trimmed, inner spaces collapsed. */
export const normalizeName = (raw: string): string => raw.toWellFormed().normalize('NFC').trim().replace(/\s+/gu, ' ');

/** Names with the same key count as one: NFKC and lower case. */
export const nameKey = (name: string): string => normalizeName(name).normalize('NFKC').toLowerCase();

/** Says in words why nobody may choose a normalized name, or undefined if it is fine. */
export function whyNameRefused(name: string): string | undefined {
  return isGuestName(name) ? `A name must not end in "${guestMark.trim()}".` : whyNotShown(name);
}

const whyNotShown = remembering((name): string | undefined => {
  if (name === '') return 'A name must not be empty.';
  if (name.startsWith('/')) return 'A name must not begin with a slash.';
  if (isRefused(name)) return 'A name must not contain control or invisible characters, nor [ ] < >.';
  if (isPiled(name)) return 'A name must not pile up marks on a letter.';
  const saying = sayingIn(name);
  if (saying) return `A name must not have "${saying}" in it, which is what the room says.`;
  if (graphemes(name).length > maxNameCharacters) return `A name has at most ${maxNameCharacters} characters.`;
  return Buffer.byteLength(name) > maxNameBytes ? `A name has at most ${maxNameBytes} bytes.` : undefined;
});

/** What may be shown as a name, also a guest's. */
export const isName = (name: string | undefined): boolean =>
  name !== undefined && name === normalizeName(name) && whyNotShown(name) === undefined;

/** Makes any string a name that may be shown, for clients that cannot be asked to choose another. */
export function safeName(raw: string): string {
  const allowed = [...raw.toWellFormed()].filter((character) => !isRefused(character)).join('');
  const name = normalizeName(unpiled(allowed)).replace(/^[/\s]+/, '');
  const quiet = sayingIn(name) ? name.replaceAll(' ', '-') : name;
  return bareName(cut(quiet, maxNameCharacters, maxNameBytes)) || 'somebody';
}

function cut(name: string, most: number, mostBytes: number): string {
  const characters = graphemes(name).slice(0, most);
  while (Buffer.byteLength(characters.join('')) > mostBytes) characters.pop();
  return characters.join('').trim();
}

/** Stands behind a name that its bearer has not proven to be its own. */
const guestMark = ' (guest)';
export const isGuestName = remembering((name): boolean =>
  looksOf(name).some((look) => look.endsWith(guestMark.trim())),
);

/** The name before the mark, however often it stands there. */
export function bareName(name: string): string {
  if (!isGuestName(name)) return name;
  const characters = [...name];
  const mark = characters.findLastIndex((character) => looksOf(character).some((look) => look.includes('(')));
  return bareName(characters.slice(0, mark).join('').trim());
}

/** Of who may not bear the name itself. */
export const guestName = (name: string): string =>
  `${cut(name, maxNameCharacters - guestMark.length, maxNameBytes - guestMark.length)}${guestMark}`;

/** What is a part of a word, or of the picture before it. */
const joined = '[\\p{L}\\p{N}\\p{M}\\p{Emoji_Modifier}\\u200D]';
const joinedBefore = new RegExp(`${joined}$`, 'u');
const joinedAfter = new RegExp(`^${joined}`, 'u');
/** They only choose how the character before them looks. */
const variations = /\p{Variation_Selector}/gu;
/** A sigma looks different at the end of a word, and what follows decides where that is. */
const comparable = (text: string) => nameKey(text.replace(variations, '')).replaceAll('ς', 'σ');

/** True if `text` names `name`: as a whole word, compared as names are. Takes time linear in the length of the text. */
export function mentions(text: string, name: string): boolean {
  const wanted = comparable(name);
  if (wanted === '') return false;
  const said = comparable(text);
  const isWhole = (at: number, end: number) =>
    !joinedBefore.test(said.slice(Math.max(at - 2, 0), at)) && !joinedAfter.test(said.slice(end, end + 2));
  for (let at = said.indexOf(wanted); at !== -1; at = said.indexOf(wanted, at + 1))
    if (isWhole(at, at + wanted.length)) return true;
  return false;
}
