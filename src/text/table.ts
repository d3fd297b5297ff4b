/** Below this the text stands under what it is about, not beside it. */
const narrowestText = 24;

export type Row = [left: string, right: string];

/** Rows of two columns as lines of this width; the second column begins behind the widest first one, or `least`. */
export function table(rows: readonly Row[], width: number, least = 0): string[] {
  const beside = Math.max(least, ...rows.map(([left]) => left.length)) + 2;
  if (width - beside >= narrowestText)
    return rows.flatMap(([left, right]) => wrapWords(`${left.padEnd(beside)}${right}`, width, beside));
  const indent = width > narrowestText ? 8 : 2;
  return rows.flatMap(([left, right]) => [
    ...wrapWords(left, width, indent),
    ...wrapWords(`${' '.repeat(indent)}${right}`, width, indent),
  ]);
}

/** As many as a terminal takes for it, or more: below U+1100 no character is wide. */
const mostColumns = (text: string): number => [...text].length + (text.match(/[\u1100-\u{10FFFF}]/gu)?.length ?? 0);

/** Breaks at spaces; further lines are indented. A word that is too long stays whole, to be copied. */
export function wrapWords(text: string, width: number, indent: number): string[] {
  const [first = '', ...words] = text.split(/(?<=\S)(?=\s)/);
  const lines = [first];
  for (const word of words) {
    const line = lines.at(-1) + word;
    if (mostColumns(line) <= width) lines.splice(-1, 1, line);
    else lines.push(' '.repeat(indent) + word.trimStart());
  }
  return lines;
}
