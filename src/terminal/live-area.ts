import type { WriteStream } from 'node:tty';
import type { Rewrap } from './ability.ts';
import { type Cell, draw, rewrapped, toCells, widthOf, wrap } from './cells.ts';
import type { Draft } from './draft.ts';
import type { Renderer } from './render.ts';

/** Where the area is painted, and who paints its asides. */
export type Surface = {
  output: WriteStream;
  rewrap: Rewrap;
  /** For so long after one resize the terminal may have been resized again without a word. */
  resizeMs?: number;
  renderer: Renderer;
};
type Row = readonly Cell[];
/** What stands on the screen now: the rows above the cursor, and what is before it in its own. */
type Painted = { above: readonly Row[]; before: Row; text: string };

export const prompt = '> ';
/** What the cursor stands on behind the draft. */
const end: Cell = { text: '', shown: '', width: 1, reach: 1, steady: true };

/**
 * The few rows below the log that are painted anew all the time. Unlike lines of the log they are not wrapped by the
 * terminal, so that it is known on which row everything is, whatever it thinks of the width of an emoji.
 *
 * MUST be the only writer to the terminal between `paint` and `erase`.
 */
export class LiveArea {
  readonly #surface: Surface;
  #painted: Painted | undefined;

  constructor(surface: Surface) {
    this.#surface = surface;
  }

  /** Writes `log`, whole lines, where the area was, and below it `asides`, a row or more each, and the draft. */
  paint(log: string, asides: readonly string[], draft: Draft): void {
    // A key may come before the signal of a resize. Not in Node's documentation, but in every version we run on.
    (this.#surface.output as { _refreshSize?: () => void })._refreshSize?.();
    const next = this.#layOut(asides, draft);
    if (log === '' && next.text === this.#painted?.text) return;
    // Without the cursor, which would be seen jumping.
    this.#surface.output.write(`\x1b[?25l${this.#erasure}${log}${next.text}\x1b[?25h`);
    this.#painted = next;
  }

  /** Leaves the cursor where the area began. */
  erase(): void {
    this.#surface.output.write(this.#erasure);
    this.forget();
  }

  /** The area is not on the screen any more, and the cursor is at the beginning of a row. */
  forget(): void {
    this.#painted = undefined;
  }

  get #columns(): number {
    return Math.max(this.#surface.output.columns || 80, 1);
  }

  /** As many rows as the screen has, but one for the log: the last asides, and of the draft those around the cursor. */
  #layOut(asides: readonly string[], { text: draft, cursor }: Draft): Painted {
    const { output, renderer } = this.#surface;
    const cellsOf = (text: string) => toCells(text, renderer.sign);
    const columns = this.#columns;
    const height = Math.max((output.rows || 24) - 1, 1);
    const above = asides.flatMap((line) => wrap(cellsOf(line), columns));
    const before = [...cellsOf(prompt), ...cellsOf(draft.slice(0, cursor))];
    const cells = [...before, ...(cursor === draft.length ? [end] : cellsOf(draft.slice(cursor)))];
    const below = wrap(cells, columns);
    const toCursor = wrap(cells.slice(0, before.length + 1), columns);
    const room = Math.min(above.length, Math.max(height - below.length, Math.floor(height / 2)));
    const first = Math.max(Math.min(toCursor.length - 1, below.length - (height - room)), 0);
    const rows = [...above.slice(above.length - room), ...below.slice(first, first + height - room)];
    const drawn = rows.map((row, n) => (n < room ? renderer.aside(draw(row, columns)) : draw(row, columns)));
    const cursorRow = room + toCursor.length - 1 - first;
    const inRow = toCursor.at(-1)?.slice(0, -1) ?? [];
    const text = `${drawn.join('\n')}${up(rows.length - 1 - cursorRow)}\r${right(widthOf(inRow))}`;
    return { above: rows.slice(0, cursorRow), before: inRow, text };
  }

  /** After a resize, in doubt one row too few: better a row of the area is left behind than one of the log is erased. */
  get #erasure(): string {
    if (!this.#painted) return '';
    const { above, before } = this.#painted;
    const { rewrap } = this.#surface;
    const rowsOf = (row: Row) => (rewrap === 'none' ? 1 : rewrapped(row, this.#columns));
    const wrapped = rewrap === 'all' ? rowsOf(before) - 1 : 0;
    return `${up(above.reduce((sum, row) => sum + rowsOf(row), wrapped))}\r\x1b[J`;
  }
}

const up = (rows: number) => (rows > 0 ? `\x1b[${rows}A` : '');
const right = (columns: number) => (columns > 0 ? `\x1b[${columns}C` : '');
