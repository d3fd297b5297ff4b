/** What a name may look like, and when two names are the same. */

/** Longest name in characters as a person counts them (grapheme clusters), and in UTF-8 bytes. */
export const maxNameCharacters = 32;
export const maxNameBytes = 128;

/** Characters that could forge a line or hide in one: control, format, separators, brackets, invisible ones. */
const refused = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800[\]<>]/u;
const isRefused = (text: string): boolean => refused.test(text) || refused.test(text.normalize('NFKC'));
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** NFC, trimmed, inner spaces collapsed. */
export const normalizeName = (raw: string): string => raw.toWellFormed().normalize('NFC').trim().replace(/\s+/gu, ' ');

/** Names with the same key count as one: NFKC and lower case. */
export const nameKey = (name: string): string => normalizeName(name).normalize('NFKC').toLowerCase();

/** Says in words why a normalized name is refused, or undefined if it is fine. */
export function whyNameRefused(name: string): string | undefined {
  if (name === '') return 'A name must not be empty.';
  if (name.startsWith('/')) return 'A name must not begin with a slash.';
  if (isRefused(name)) return 'A name must not contain control or invisible characters, nor [ ] < >.';
  if ([...segmenter.segment(name)].length > maxNameCharacters)
    return `A name has at most ${maxNameCharacters} characters.`;
  if (Buffer.byteLength(name) > maxNameBytes) return `A name has at most ${maxNameBytes} bytes.`;
  return undefined;
}

/** True for a name as it may stand on a screen. */
export const isName = (name: string | undefined): boolean =>
  name !== undefined && name === normalizeName(name) && whyNameRefused(name) === undefined;

/** Makes any string a name that may be shown, for clients that cannot be asked to choose another. */
export function safeName(raw: string): string {
  const allowed = [...raw.toWellFormed()].filter((character) => !isRefused(character)).join('');
  const name = normalizeName(allowed).replace(/^[/\s]+/, '');
  const characters = [...segmenter.segment(name)].slice(0, maxNameCharacters).map(({ segment }) => segment);
  while (Buffer.byteLength(characters.join('')) > maxNameBytes) characters.pop();
  return characters.join('').trim() || 'somebody';
}
