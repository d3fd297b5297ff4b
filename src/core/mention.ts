import { nameKey } from './names.ts';

/** What is a part of a word, or of the picture before it. */
const joined = '[\\p{L}\\p{N}\\p{M}\\p{Emoji_Modifier}\\u200D]';
const joinedBefore = new RegExp(`${joined}$`, 'u');
const joinedAfter = new RegExp(`^${joined}`, 'u');
/** They only choose how the character before them looks. */
const variations = /\p{Variation_Selector}/gu;

/** True if `text` names `name`: as a whole word, compared as names are. Takes time linear in the length of the text. */
export function mentions(text: string, name: string): boolean {
  const wanted = comparable(name);
  if (wanted === '') return false;
  const said = comparable(text);
  for (let at = said.indexOf(wanted); at !== -1; at = said.indexOf(wanted, at + 1))
    if (isWhole(said, at, at + wanted.length)) return true;
  return false;
}

/** A sigma looks different at the end of a word, and what follows decides where that is. */
const comparable = (text: string) => nameKey(text.replace(variations, '')).replaceAll('ς', 'σ');

const isWhole = (text: string, start: number, end: number) =>
  !joinedBefore.test(text.slice(Math.max(start - 2, 0), start)) && !joinedAfter.test(text.slice(end, end + 2));
