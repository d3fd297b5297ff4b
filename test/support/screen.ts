import { Unicode11Addon } from '@xterm/addon-unicode11';
import type { IBufferCell, ITerminalAddon, Terminal } from '@xterm/headless';
import xterm from '@xterm/headless';
import { Pty, type PtyExit, settingsOfNew, withoutMark } from './pty.ts';
import { Transcript } from './transcript.ts';

export type ScreenOptions = {
  columns?: number;
  rows?: number;
  env?: Record<string, string>;
  cwd?: string;
  /** Whether the row of the cursor is wrapped anew on a resize: terminals differ. */
  reflowCursorLine?: boolean;
};
/** A palette index, `#rrggbb`, or the terminal's own colour. */
export type Color = number | `#${string}` | 'default';
/** `width` 2: a wide character; 0: the place behind one. */
export type Cell = { chars: string; width: number; fg: Color; bg: Color } & Record<Attribute, boolean>;
type Attribute = 'bold' | 'dim' | 'italic' | 'underline' | 'inverse';
export type Cursor = { row: number; column: number; visible: boolean };
/** A string is contained in a line, a RegExp matches one, a function accepts the screen. */
export type Wanted = string | RegExp | ((screen: Screen) => boolean);
export type Key = keyof typeof keys | `ctrl-${Letter}` | `alt-${Letter}`;
type Letter = (typeof letters)[number];

const letters = [...'abcdefghijklmnopqrstuvwxyz'] as const;
const keys = {
  enter: '\r',
  'alt-enter': '\x1b\r',
  tab: '\t',
  'shift-tab': '\x1b[Z',
  escape: '\x1b',
  backspace: '\x7f',
  'alt-backspace': '\x1b\x7f',
  delete: '\x1b[3~',
  up: '\x1b[A',
  down: '\x1b[B',
  right: '\x1b[C',
  left: '\x1b[D',
  'ctrl-right': '\x1b[1;5C',
  'ctrl-left': '\x1b[1;5D',
  home: '\x1b[H',
  end: '\x1b[F',
  'page-up': '\x1b[5~',
  'page-down': '\x1b[6~',
};
/** One narrow letter of no alphabet anybody types here. */
const marker = 'ǂ';
const timeoutMs = 15_000;

/**
 * A real program in a real pseudo-terminal, and the terminal it draws on. All that is read here is what the terminal
 * shows after everything parsed so far; whatever is awaited fails with the picture of the screen and the transcript.
 */
export class Screen {
  bells = 0;
  readonly titles: string[] = [];
  /** The terminal's settings before the program came, as `stty -a` says them. */
  readonly settingsAtStart: string;
  /** Resolves when the program is gone and all its output is on the screen. */
  readonly exit: Promise<PtyExit>;
  readonly #terminal: Terminal;
  readonly #pty: Pty;
  readonly #transcript = new Transcript();
  readonly #chunks: Buffer[] = [];
  readonly #watchers = new Set<() => void>();
  #cursorVisible = true;
  #ended: PtyExit | undefined;

  /** @param env the whole environment of the program */
  constructor(command: string[], env: Record<string, string>, options: ScreenOptions = {}) {
    const { columns = 80, rows = 24, cwd = process.cwd(), reflowCursorLine = true } = options;
    const size = { cols: columns, rows };
    this.#terminal = new xterm.Terminal({ ...size, reflowCursorLine, allowProposedApi: true, scrollback: 10_000 });
    // As every terminal of today: an emoji takes two columns.
    this.#terminal.loadAddon(new Unicode11Addon() as unknown as ITerminalAddon);
    this.#terminal.unicode.activeVersion = '11';
    this.#listen();
    this.#transcript.say('run', command.join(' '));
    let ended: (exit: PtyExit) => void;
    this.exit = new Promise((resolve) => (ended = resolve));
    const end = (exit: PtyExit) =>
      this.#terminal.write('', () => {
        this.#ended = exit;
        this.#transcript.say('end', `code ${exit.code} signal ${exit.signal}`);
        ended(exit);
        this.#changed();
      });
    this.#pty = new Pty(command, { columns, rows, cwd, env }, { data: (bytes) => this.#read(bytes), end });
    this.settingsAtStart = settingsOfNew();
  }

  get pid(): number {
    return this.#pty.pid;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Awaits the end and insists on its exit code. */
  async ends(code: number): Promise<void> {
    await this.until(({ ended }) => ended, 'the end of the program');
    if (this.#ended?.code !== code) this.#fail(`ended with ${this.#ended?.code ?? this.#ended?.signal}, not ${code}`);
  }

  /** All bytes since the start, as text. */
  get raw(): string {
    return withoutMark(Buffer.concat(this.#chunks).toString());
  }

  /** Scrollback and screen without the blank rows at the end; what the terminal wrapped is one line. */
  get lines(): string[] {
    const lines: string[] = [];
    for (const { text, wrapped } of this.#buffer()) {
      if (wrapped) lines.push(`${lines.pop() ?? ''}${text}`);
      else lines.push(text);
    }
    const trimmed = lines.map((line) => line.trimEnd());
    return trimmed.slice(0, trimmed.findLastIndex((line) => line !== '') + 1);
  }

  /** What is visible now, row by row. */
  get rows(): string[] {
    const { viewportY, length } = this.#terminal.buffer.active;
    const visible = this.#buffer().slice(viewportY, Math.min(length, viewportY + this.#terminal.rows));
    return visible.map(({ text }) => text.trimEnd());
  }

  /** Scrollback and screen row by row, as the terminal wrapped them. */
  get history(): string[] {
    return this.#buffer().map(({ text }) => text.trimEnd());
  }

  /** Counted from 0, in what is visible. */
  get cursor(): Cursor {
    const { cursorX, cursorY } = this.#terminal.buffer.active;
    return { row: cursorY, column: cursorX, visible: this.#cursorVisible };
  }

  /** Counted from 0, in what is visible. */
  cell(row: number, column: number): Cell {
    const { viewportY } = this.#terminal.buffer.active;
    const cell = this.#terminal.buffer.active.getLine(viewportY + row)?.getCell(column);
    if (!cell) throw new Error(`no cell in row ${row}, column ${column}`);
    return describe(cell);
  }

  /** All visible cells. */
  get cells(): Cell[][] {
    const { cols, rows } = this.#terminal;
    return upTo(rows).map((row) => upTo(cols).map((column) => this.cell(row, column)));
  }

  /** Whether a program gets pasted text with marks around it. */
  get bracketedPaste(): boolean {
    return this.#terminal.modes.bracketedPasteMode;
  }

  /** `stty -a` without the size: now, or as the program left it. */
  get settings(): string {
    return this.#pty.settings;
  }

  has(wanted: Wanted): boolean {
    return typeof wanted === 'function' ? wanted(this) : this.count(wanted) > 0;
  }

  /** How many lines contain or match this. */
  count(wanted: string | RegExp): number {
    const is = (line: string) => (typeof wanted === 'string' ? line.includes(wanted) : wanted.test(line));
    return this.lines.filter(is).length;
  }

  /** Types characters, as they are. */
  type(text: string): void {
    this.#transcript.say('in', JSON.stringify(text));
    this.#pty.write(text);
  }

  press(...pressed: Key[]): void {
    for (const key of pressed) this.type(bytesOf(key));
  }

  /** Types a text and Enter. */
  enter(text: string): void {
    this.type(text);
    this.press('enter');
  }

  /** Pastes like a terminal: newlines become returns, and marks stand around it if the program asked for them. */
  paste(text: string): void {
    const typed = text.replaceAll(/\r?\n/g, '\r');
    this.type(this.bracketedPaste ? `\x1b[200~${typed}\x1b[201~` : typed);
  }

  /** Resizes the window, once everything printed so far is on it. `settled` then waits for the program, too. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#parsed();
    this.#transcript.say('size', `${columns} x ${rows}`);
    this.#terminal.resize(columns, rows);
    this.#pty.resize(columns, rows);
    this.#changed();
  }

  /** Resolves as soon as the screen is as wanted, which may be at once. */
  async until(wanted: Wanted, what = String(wanted), ms = timeoutMs): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const finish = (done: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        done();
      };
      const give = (why: string) => finish(() => reject(this.#error(`waited for ${what}: ${why}`)));
      const look = () => {
        if (this.has(wanted)) finish(resolve);
        else if (this.ended) give('the program ended');
      };
      const timer = setTimeout(() => give(`not within ${ms} ms`), ms);
      this.#watchers.add(look);
      look();
    });
  }

  /**
   * Resolves when the program has drawn what was typed, pasted or resized before: a letter typed behind it has appeared
   * and was taken back. For programs that edit a line themselves; the draft is as it was.
   */
  async settled(): Promise<void> {
    const before = this.#markers;
    this.type(marker);
    await this.until(() => this.#markers > before, 'a typed letter to appear');
    this.press('backspace');
    await this.until(() => this.#markers === before && this.#cursorVisible, 'the letter to be gone, and all painted');
  }

  kill(signal: NodeJS.Signals): void {
    this.#transcript.say('kill', signal);
    this.#pty.kill(signal);
  }

  /** Closes the window: SIGHUP, and errors wherever the program reads or writes. Only for who started nothing since. */
  hangUp(): void {
    this.#transcript.say('hup', '(window closed)');
    this.#pty.hangUp();
  }

  /** The visible screen in a frame, with the cursor. */
  get picture(): string {
    const { cols } = this.#terminal;
    const { row, column } = this.cursor;
    const edge = `+${'-'.repeat(cols)}+`;
    const rows = this.rows.map((text, at) => `|${text.padEnd(cols)}|${at === row ? ` <- cursor ${column}` : ''}`);
    return [edge, ...rows, edge].join('\n');
  }

  get transcript(): string {
    return this.#transcript.text;
  }

  /** Ends the program and those it started. */
  async destroy(): Promise<void> {
    if (!this.ended) {
      this.hangUp();
      killGroup(this.pid);
      await this.exit;
    }
    this.#terminal.dispose();
  }

  get #markers(): number {
    return this.rows.join('').split(marker).length - 1;
  }

  #listen(): void {
    this.#terminal.onBell(() => this.bells++);
    this.#terminal.onTitleChange((title) => this.titles.push(title));
    const cursor = (visible: boolean) => (params: (number | number[])[]) => {
      if (params.includes(25)) this.#cursorVisible = visible;
      return false;
    };
    this.#terminal.parser.registerCsiHandler({ prefix: '?', final: 'h' }, cursor(true));
    this.#terminal.parser.registerCsiHandler({ prefix: '?', final: 'l' }, cursor(false));
  }

  #read(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#transcript.say('out', JSON.stringify(bytes.toString()).slice(0, 1_000));
    this.#terminal.write(bytes, () => this.#changed());
  }

  #parsed(): Promise<void> {
    return new Promise((resolve) => this.#terminal.write('', resolve));
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look();
  }

  #buffer(): { text: string; wrapped: boolean }[] {
    const { active } = this.#terminal.buffer;
    return upTo(active.length).flatMap((at) => {
      const line = active.getLine(at);
      if (!line) return [];
      const continued = active.getLine(at + 1)?.isWrapped ?? false;
      const text = line.translateToString(!continued);
      // A wide character that found no room at the end of the row has left one cell empty.
      const last = line.getCell(this.#terminal.cols - 1);
      const short = continued && last?.getChars() === '' && last.getWidth() === 1;
      return [{ text: short ? text.slice(0, -1) : text, wrapped: line.isWrapped }];
    });
  }

  #error(message: string): Error {
    return new Error(`${message}\n${this.picture}\n${this.transcript}`);
  }

  #fail(message: string): never {
    throw this.#error(message);
  }
}

function bytesOf(key: Key): string {
  if (key in keys) return keys[key as keyof typeof keys];
  const letter = key.slice(-1);
  return key.startsWith('ctrl-') ? String.fromCharCode(letter.charCodeAt(0) & 0x1f) : `\x1b${letter}`;
}

function describe(cell: IBufferCell): Cell {
  return {
    chars: cell.getChars(),
    width: cell.getWidth(),
    fg: color(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor()),
    bg: color(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor()),
    bold: cell.isBold() !== 0,
    dim: cell.isDim() !== 0,
    italic: cell.isItalic() !== 0,
    underline: cell.isUnderline() !== 0,
    inverse: cell.isInverse() !== 0,
  };
}

function color(isDefault: boolean, isRgb: boolean, value: number): Color {
  if (isDefault) return 'default';
  return isRgb ? `#${value.toString(16).padStart(6, '0')}` : value;
}

/** The group may be gone already. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
