import type { WriteStream } from 'node:tty';
import type { Rewrap } from './ability.ts';
import { type Cell, draw, rewrapped, widthOf, wrap } from './cells.ts';

/** A line of the live area: what it shows, and how it is painted. */
export type LiveLine = { cells: readonly Cell[]; paint?: (text: string) => string };
type Row = { cells: readonly Cell[]; paint: (text: string) => string };
/** What stands on the screen now, and in which row and before which cell of it the cursor is. */
type Painted = { rows: readonly Row[]; row: number; at: number; text: string };

const nothing: Painted = { rows: [], row: 0, at: 0, text: '' };
const plain = (text: string) => text;

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
  #painted = nothing;

  constructor(output: WriteStream, rewrap: Rewrap) {
    this.#output = output;
    this.#rewrap = rewrap;
  }

  /** Writes `log`, whole lines, where the area was, and paints the area below, with the cursor before `lines.at(-1).cells[at]`. */
  paint(log: string, lines: readonly LiveLine[], at: number): void {
    this.#refreshSize();
    const next = this.#layOut(lines, at);
    if (log === '' && next.text === this.#painted.text) return;
    // Without the cursor, which would be seen jumping.
    this.#output.write(`\x1b[?25l${this.#erasure}${log.replaceAll('\n', '\r\n')}${next.text}\x1b[?25h`);
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

  #layOut(lines: readonly LiveLine[], at: number): Painted {
    const columns = this.#columns;
    const rows = lines.flatMap(({ cells, paint = plain }) =>
      wrap(cells, columns).map((row) => ({ cells: row, paint })),
    );
    const last = wrap(lines.at(-1)?.cells ?? [], columns);
    const cursor = cursorIn(last, at, columns);
    const row = rows.length - last.length + cursor.row;
    if (row === rows.length) rows.push({ cells: [], paint: plain });
    return this.#clipped(rows, row, cursor.at);
  }

  /** As many rows as the screen has, but one for the log, around the cursor. */
  #clipped(all: readonly Row[], row: number, at: number): Painted {
    const height = Math.max((this.#output.rows || 24) - 1, 1);
    const first = Math.max(Math.min(row, all.length - height), 0);
    const rows = all.slice(first, first + height);
    const up = rows.length - 1 - (row - first);
    const column = widthOf(all[row]?.cells.slice(0, at) ?? []);
    const drawn = rows.map(({ cells, paint }) => paint(draw(cells, this.#columns))).join('\r\n');
    const text = `${drawn}${up > 0 ? `\x1b[${up}A` : ''}\r${column > 0 ? `\x1b[${column}C` : ''}`;
    return { rows, row: row - first, at, text };
  }

  get #erasure(): string {
    if (this.#painted.rows.length === 0) return '';
    const up = this.#rowsAboveCursor;
    return `${up > 0 ? `\x1b[${up}A` : ''}\r\x1b[J`;
  }

  /** In doubt one too few: better a row of the area is left behind than a row of the log is erased. */
  get #rowsAboveCursor(): number {
    const { rows, row, at } = this.#painted;
    if (this.#rewrap === 'none') return row;
    const columns = this.#columns;
    const above = rows.slice(0, row).reduce((sum, { cells }) => sum + rewrapped(cells, columns), 0);
    if (this.#rewrap === 'all but the cursor line') return above;
    return above + rewrapped(rows[row]?.cells.slice(0, at) ?? [], columns) - 1;
  }
}

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
