import stringWidth from 'string-width';
import { graphemes } from '../text/graphemes.ts';

/** One character as a person counts them (a grapheme cluster). */
export type Cell = {
  text: string;
  /** What is printed for it. */
  shown: string;
  /** In columns. */
  width: number;
  /** The most columns any terminal gives it: they disagree about emoji, joined and new ones above all. */
  reach: number;
  /** Every terminal gives it its width. */
  steady: boolean;
};

const ascii = /^[ -~]*$/;
/** Its width is known to every terminal: one code point with marks on it, no emoji. */
const plain = /^[^\p{Extended_Pictographic}\p{Regional_Indicator}]\p{Mn}*$/u;

/** @param show what to print for a grapheme, safe for a terminal */
export const toCells = (text: string, show: (grapheme: string) => string): Cell[] =>
  graphemes(text).map((grapheme) => {
    const shown = show(grapheme);
    const width = stringWidth(shown);
    const widest = stringWidth(shown, { ambiguousIsNarrow: false });
    const isPlain = ascii.test(shown) || plain.test(shown);
    const reach = isPlain ? widest : Math.max(widest, 2 * [...shown].length);
    return { text: grapheme, shown, width, reach, steady: isPlain && reach === width };
  });

/** Breaks a line into rows that no terminal wraps by itself; `?` stands for a character wider than the terminal. */
export function wrap(cells: readonly Cell[], columns: number): Cell[][] {
  const rows: Cell[][] = [[]];
  let column = 0;
  for (const cell of cells) {
    const fitted = cell.reach <= columns ? cell : { ...cell, shown: '?', width: 1, reach: 1, steady: true };
    if (column > 0 && column + fitted.reach > columns) {
      rows.push([]);
      column = 0;
    }
    rows.at(-1)?.push(fitted);
    column += fitted.width;
  }
  return rows;
}

/** How many rows a narrower terminal makes of a row. Where terminals differ, the fewest: some break a joined emoji. */
export const rewrapped = (row: readonly Cell[], columns: number): number => wrap(row.flatMap(parts), columns).length;

/** What is printed for a hidden character, `<U+202E>`, may be broken anywhere. */
function parts(cell: Cell): Cell[] {
  const count = [...cell.shown].length > 1 ? cell.width : 1;
  const width = cell.width / count;
  return Array<Cell>(count).fill({ ...cell, width, reach: width });
}

export const widthOf = (row: readonly Cell[]): number => row.reduce((sum, { width }) => sum + width, 0);

/** A row as bytes for a terminal. What a cell of uncertain width took too much is taken back. */
export function draw(row: readonly Cell[], columns: number): string {
  let drawn = '';
  let column = 0;
  for (const { shown, width, steady } of row) {
    drawn += shown;
    column += width;
    if (!steady && column < columns) drawn += `\x1b[${column + 1}G\x1b[K`;
  }
  return drawn;
}
