import { createRequire } from 'node:module';

/** The mapping of UTS 39, as one object: each character, and what it looks like. */
const confusables: Record<string, string> = createRequire(import.meta.url)('unhomoglyph/data.json');
/** The data takes the small palochka for an i; it is an l in every font. */
const corrections = { '\u04cf': 'l' };
const refused = /[\p{Default_Ignorable_Code_Point}\u2800[\]<>]/u;

/**
 * What a name can have in it after NFKC and NFD, and looks like Latin letters, digits or signs. Letters that only look like
 * each other in another script stay two: most of these differ to those who read it.
 */
export const table: [character: string, looks: string][] = Object.entries({ ...confusables, ...corrections })
  .map(([character, looks]): [string, string] => [character, looks.normalize('NFD')])
  .filter(([character, looks]) => canBeInName(character) && character !== looks && isLatin(looks));

function canBeInName(character: string): boolean {
  const isStable = character.normalize('NFKC') === character && character.normalize('NFD') === character;
  return isStable && /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) && !refused.test(character);
}

function isLatin(looks: string): boolean {
  return /^[!-~\p{Script=Latin}][!-~\p{Script=Latin}\p{M}]*$/u.test(looks);
}

/** The source of `src/core/look-alikes.ts`, before it is formatted: a row for each look, with the characters in hexadecimal. */
export function source(): string {
  const targets = [...new Set(table.map(([, looks]) => looks))].sort();
  const rows = targets.map((target) => [target, codes(table.filter(([, looks]) => looks === target))]);
  return `${head}const rows: [looks: string, characters: string][] = ${JSON.stringify(rows)};\n${foot}`;
}

const codes = (all: [string, string][]) =>
  all
    .map(([character]) => character.codePointAt(0) ?? 0)
    .sort((a, b) => a - b)
    .map((code) => code.toString(16))
    .join(' ');

const head = `// Made by \`npm run look-alikes\`; do not edit. From confusables.txt 13.0.0 (UTS 39), copyright Unicode, Inc.: see
// LICENSE.unicode.

`;
const foot = `
/** What a character of a name looks like, if that is something else, in Latin. */
export const lookAlikes: ReadonlyMap<string, string> = new Map(
  rows.flatMap(([looks, characters]) =>
    characters.split(' ').map((code) => [String.fromCodePoint(Number.parseInt(code, 16)), looks] as const),
  ),
);
`;
