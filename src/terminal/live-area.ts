import type { WriteStream } from 'node:tty';
import type { Rewrap } from './ability.ts';
import { type Cell, draw, rewrapped, widthOf, wrap } from './cells.ts';

/** What the live area shows: short lines, and below them the draft with the cursor before its cell `at`. */
export type Live = { asides: readonly (readonly Cell[])[]; draft: readonly Cell[]; at: number };
type Row = readonly Cell[];
/** What stands on the screen now, and in which row and before which cell of it the cursor is. */
type Painted = { rows: readonly Row[]; row: number; at: number; text: string };

const nothing: Painted = { rows: [], row: 0, at: 0, text: '' };

/**
 * The few rows below the log that are painted anew all the time. Lines of the log are never wrapped here, the terminal
 * does that; those of the live area are, so that it is known on which row everything is, whatever the terminal thinks
 * of the width of an emoji. After a resize the rows are counted as a terminal rewraps them.
 *
 * MUST be the only writer to the terminal between `paint` and `erase`.
 */
export class LiveArea {
  readonly #output: WriteStream;
  readonly #rewrap: Rewrap;
  /** How asides are painted. */
  readonly #paintAside: (text: string) => string;
  #painted = nothing;

  constructor(output: WriteStream, rewrap: Rewrap, paintAside: (text: string) => string) {
    this.#output = output;
    this.#rewrap = rewrap;
    this.#paintAside = paintAside;
  }

  /** Writes `log`, whole lines, where the area was, and paints the area below. */
  paint(log: string, live: Live): void {
    this.#refreshSize();
    const next = this.#layOut(live);
    if (log === '' && next.text === this.#painted.text) return;
    // Without the cursor, which would be seen jumping.
    this.#output.write(`\x1b[?25l${this.#erasure}${log}${next.text}\x1b[?25h`);
    this.#painted = next;
  }

  /** Takes the area away; the cursor is left where it began. */
  erase(): void {
    this.#output.write(this.#erasure);
    this.#painted = nothing;
  }

  /** The area is not on the screen any more, and the cursor is at the beginning of a row. */
  forget(): void {
    this.#painted = nothing;
  }

  /** A key may come before the signal of a resize. Not in Node's documentation, but in every version we run on. */
  #refreshSize(): void {
    (this.#output as { _refreshSize?: () => void })._refreshSize?.();
  }

  get #columns(): number {
    return Math.max(this.#output.columns || 80, 1);
  }

  /** As many rows as the screen has, but one for the log: the last asides, and of the draft those around the cursor. */
  #layOut({ asides, draft, at }: Live): Painted {
    const columns = this.#columns;
    const height = Math.max((this.#output.rows || 24) - 1, 1);
    const above = asides.flatMap((cells) => wrap(cells, columns));
    const below = wrap(draft, columns);
    const cursor = cursorIn(below, at, columns);
    if (cursor.row === below.length) below.push([]);
    const room = Math.min(above.length, Math.max(height - below.length, Math.floor(height / 2)));
    const first = Math.max(Math.min(cursor.row, below.length - (height - room)), 0);
    const shown = { above: above.slice(above.length - room), below: below.slice(first, first + height - room) };
    const drawn = [
      ...shown.above.map((row) => this.#paintAside(draw(row, columns))),
      ...shown.below.map((row) => draw(row, columns)),
    ];
    const row = room + cursor.row - first;
    const column = widthOf(below[cursor.row]?.slice(0, cursor.at) ?? []);
    const text = `${drawn.join('\n')}${up(drawn.length - 1 - row)}\r${right(column)}`;
    return { rows: [...shown.above, ...shown.below], row, at: cursor.at, text };
  }

  get #erasure(): string {
    if (this.#painted.rows.length === 0) return '';
    return `${up(this.#rowsAboveCursor)}\r\x1b[J`;
  }

  /** In doubt one too few: better a row of the area is left behind than a row of the log is erased. */
  get #rowsAboveCursor(): number {
    const { rows, row, at } = this.#painted;
    if (this.#rewrap === 'none') return row;
    const columns = this.#columns;
    const above = rows.slice(0, row).reduce((sum, cells) => sum + rewrapped(cells, columns), 0);
    if (this.#rewrap === 'all but the cursor line') return above;
    return above + rewrapped(rows[row]?.slice(0, at) ?? [], columns) - 1;
  }
}

const up = (rows: number) => (rows > 0 ? `\x1b[${rows}A` : '');
const right = (columns: number) => (columns > 0 ? `\x1b[${columns}C` : '');

/** The row and the place in it of the cell at `at`; behind a full row that is the next one. */
function cursorIn(rows: readonly (readonly Cell[])[], at: number, columns: number): { row: number; at: number } {
  let passed = 0;
  for (const [row, cells] of rows.entries()) {
    const isLast = row === rows.length - 1;
    if (at < passed + cells.length || (isLast && widthOf(cells) < columns)) return { row, at: at - passed };
    passed += cells.length;
  }
  return { row: rows.length, at: 0 };
}
