import { EventEmitter } from 'node:events';
import type { ReadStream, WriteStream } from 'node:tty';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import headless from '@xterm/headless';
import type { Rewrap } from '../../src/terminal/ability.ts';

/** A row as a person sees it, and whether the terminal itself continued it from the one above. */
export type ScreenRow = { text: string; wrapped: boolean };

/**
 * A terminal in this process, for what is written to a tty: bytes in, cells out. Nothing is read before `drained`
 * has resolved, so that no test waits for time to pass.
 */
export class Terminal {
  readonly input: ReadStream;
  readonly output: WriteStream;
  bells = 0;
  titles: string[] = [];
  raw = false;
  written = '';
  readonly #xterm: headless.Terminal;
  #pending: Promise<void> = Promise.resolve();

  /** @param rewrap what it does when it has become narrower; with 'none' it cuts the rows off */
  constructor(columns: number, rows: number, rewrap: Rewrap = 'all') {
    this.#xterm = new headless.Terminal({
      cols: columns,
      rows,
      scrollback: 5_000,
      allowProposedApi: true,
      reflowCursorLine: rewrap === 'all',
      // The only way to turn reflow off.
      ...(rewrap === 'none' && { windowsPty: { backend: 'winpty', buildNumber: 1 } }),
    });
    // As every terminal of today: an emoji takes two columns.
    this.#xterm.loadAddon(new Unicode11Addon() as unknown as headless.ITerminalAddon);
    this.#xterm.unicode.activeVersion = '11';
    this.#xterm.onBell(() => this.bells++);
    this.#xterm.onTitleChange((title) => this.titles.push(title));
    const input = { setRawMode: (raw: boolean) => void (this.raw = raw), resume: () => input, pause: () => input };
    this.input = Object.assign(new EventEmitter(), input) as unknown as ReadStream;
    const output = { columns, rows, write: (text: string) => this.#write(text) };
    this.output = Object.assign(new EventEmitter(), output) as unknown as WriteStream;
  }

  /** Bytes from the keyboard. */
  type(text: string): void {
    this.input.emit('data', Buffer.from(text));
  }

  paste(text: string): void {
    this.type(`\x1b[200~${text}\x1b[201~`);
  }

  /** Everything written so far is on the screen. */
  async drained(): Promise<void> {
    await new Promise((turned) => setImmediate(turned));
    await this.#pending;
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.resizeUntold(columns, rows);
    this.tell(columns, rows);
  }

  /** Only the window: the program hears of it later. */
  async resizeUntold(columns: number, rows: number): Promise<void> {
    await this.drained();
    this.#xterm.resize(columns, rows);
  }

  tell(columns: number, rows: number): void {
    Object.assign(this.output, { columns, rows });
    this.output.emit('resize');
  }

  /** All rows from the oldest kept to the last one that is not blank, or has the cursor. */
  get rows(): ScreenRow[] {
    return this.last(Number.POSITIVE_INFINITY);
  }

  /** The last `count` of all rows. */
  last(count: number): ScreenRow[] {
    const { cols, buffer } = this.#xterm;
    const { active } = buffer;
    const cursorRow = active.baseY + active.cursorY;
    const rows: ScreenRow[] = [];
    for (let y = active.length - 1; y >= 0 && rows.length < count; y--) {
      const line = active.getLine(y);
      // Where nothing is wrapped anew, what was cut off is still there, but nobody sees it.
      const text = line?.translateToString(false, 0, lengthOf(line, cols)) ?? '';
      const isBelowAll = rows.length === 0 && y > cursorRow && text === '';
      if (!isBelowAll) rows.push({ text, wrapped: line?.isWrapped ?? false });
    }
    return rows.reverse();
  }

  /** The lines a person would copy: rows the terminal wrapped are joined. */
  get lines(): string[] {
    const lines: string[] = [];
    for (const { text, wrapped } of this.rows)
      if (wrapped) lines.push((lines.pop() ?? '') + text);
      else lines.push(text);
    return lines;
  }

  /** The row is counted from the last of `rows` upwards. */
  get cursor(): { up: number; column: number } {
    const { active } = this.#xterm.buffer;
    return { up: this.rows.length - 1 - active.baseY - active.cursorY, column: active.cursorX };
  }

  get bracketedPaste(): boolean {
    return this.#xterm.modes.bracketedPasteMode;
  }

  #write(text: string): boolean {
    this.written += text;
    this.#pending = new Promise((resolve) => this.#xterm.write(text.replace(/(?<!\r)\n/g, '\r\n'), resolve));
    return true;
  }
}

/** The columns up to the last one that was written to. */
function lengthOf(line: headless.IBufferLine, columns: number): number {
  for (let x = Math.min(columns, line.length) - 1; x >= 0; x--) {
    const cell = line.getCell(x);
    if (cell?.getChars() !== '') return x + (cell?.getWidth() ?? 1);
  }
  return 0;
}
