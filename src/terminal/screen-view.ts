import type { ReadStream, WriteStream } from 'node:tty';
import type { ChatEvent } from '../core/events.ts';
import type { Waiting } from '../core/turn.ts';
import { Queue } from '../queue.ts';
import type { Rewrap } from './ability.ts';
import { type Asides, asideLines } from './asides.ts';
import { type Cell, graphemes, toCells } from './cells.ts';
import { Crowd, maxHoldMs } from './crowd.ts';
import type { Draft } from './draft.ts';
import { type Completer, Editor } from './editor.ts';
import { Keyboard } from './keyboard.ts';
import { LiveArea } from './live-area.ts';
import type { Renderer } from './render.ts';
import type { Settings } from './settings.ts';
import type { View } from './view.ts';

export type ScreenOptions = {
  input: ReadStream;
  output: WriteStream;
  renderer: Renderer;
  rewrap: Rewrap;
  settings: Settings;
  /** Most UTF-8 bytes of one message. */
  maxBytes: number;
  now: () => number;
  /** Ctrl-C while the program is quitting. */
  force: () => void;
  /** Ctrl-Z: returns when the program goes on. */
  suspend: () => void;
};

/** Between two people the leave has said it. */
const isOffline = (event: ChatEvent & { type: 'state' }) => event.state === 'offline' && event.peer === undefined;
const prompt = '> ';
const clockMs = 1_000;
/** A draft of more lines, if some were pasted, is sent only when Enter is pressed twice. */
const unaskedLines = 5;
/** Lines of the log that Ctrl-L can paint again. */
const keptLines = 200;

/**
 * A terminal: lines scroll up, and below them a small live area shows what waits and the draft. What has happened in one
 * turn of the event loop is painted at once.
 */
export class ScreenView implements View {
  readonly lines = new Queue<string>();
  readonly #options: ScreenOptions;
  readonly #editor: Editor;
  readonly #keyboard: Keyboard;
  readonly #area: LiveArea;
  readonly #crowd = new Crowd();
  readonly #clock: NodeJS.Timeout;
  readonly #repaint = () => this.#paintSoon();
  #crowdTimer: NodeJS.Timeout | undefined;
  #log: string[] = [];
  #unpainted = '';
  readonly #asides: Asides = { waiting: [], hint: '' };
  #pastedLines = false;
  #isAsked = false;
  #isDue = false;
  /** The draft as it was last painted. */
  #painted: { text: string | undefined; cells: Cell[] } = { text: undefined, cells: [] };
  #isClosed = false;
  #isQuitting = false;
  /** Since Ctrl-Z, so that the signal that tells of it is no news. */
  #hasContinued = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
    const { input, output, renderer, rewrap, maxBytes } = options;
    this.#editor = new Editor(maxBytes);
    this.#area = new LiveArea(output, rewrap, (text) => renderer.aside(text));
    this.#keyboard = new Keyboard(input, output, {
      key: (key, text) => this.#key(key, text),
      paste: (text) => this.#paste(text),
      end: () => this.#quit(),
    });
    this.#clock = setInterval(this.#repaint, clockMs).unref();
    output.on('resize', this.#repaint);
    this.#keyboard.open();
    this.#paintSoon();
  }

  /** What is being written. */
  get draft(): Draft {
    return this.#editor.draft;
  }

  set completer(completer: Completer) {
    this.#editor.completer = completer;
  }

  show(event: ChatEvent): void {
    const { settings, now } = this.#options;
    if (event.type === 'state') this.#asides.offlineSinceMs = isOffline(event) ? now() : undefined;
    if ((event.type === 'join' || event.type === 'leave') && event.server !== undefined) {
      if (settings.joins === 'none') return;
      if (settings.joins === 'auto') return this.#hold(event);
    }
    // A message may pass who comes or goes, unless it is theirs: joins and leaves are no part of the order.
    if (event.type !== 'message' || this.#crowd.has(event.from.name)) this.#showCrowd();
    const rendered = this.#options.renderer.render(event, now());
    if (rendered) this.#print(rendered.text, this.#rings(event));
  }

  waiting(messages: readonly Waiting[]): void {
    this.#asides.waiting = messages;
    this.#paintSoon();
  }

  clear(): void {
    this.#log = [];
    this.#redraw();
  }

  /** The program was stopped and goes on: the shell has used the terminal meanwhile. */
  continued(): void {
    if (!this.#hasContinued) this.#reopen();
    this.#hasContinued = false;
  }

  /** A draft that was not sent stays on the screen. */
  close(): void {
    if (this.#isClosed) return;
    this.#showCrowd();
    this.#paint();
    this.#isClosed = true;
    clearInterval(this.#clock);
    clearTimeout(this.#crowdTimer);
    this.#options.output.off('resize', this.#repaint);
    this.#area.erase();
    const left = this.#cells(this.#editor.draft.text).map(({ shown }) => shown);
    if (left.length > 0) this.#options.output.write(`${prompt}${left.join('')}\n`);
    this.#keyboard.close();
    this.lines.close();
  }

  #hold(event: ChatEvent & { type: 'join' | 'leave' }): void {
    const { now } = this.#options;
    this.#crowd.add(event, now());
    clearTimeout(this.#crowdTimer);
    const dueMs = this.#crowd.dueMs;
    if (dueMs === undefined) return;
    // The clock of the machine may have been set back.
    const waitMs = Math.min(Math.max(dueMs - now(), 0), maxHoldMs);
    this.#crowdTimer = setTimeout(() => this.#showCrowd(), waitMs);
  }

  #showCrowd(): void {
    clearTimeout(this.#crowdTimer);
    const { renderer, now } = this.#options;
    for (const group of this.#crowd.take(now())) this.#print(renderer.group(group, now()).text);
  }

  #rings(event: ChatEvent): boolean {
    const { bell } = this.#options.settings;
    if (event.type !== 'message' || event.own || event.replay) return false;
    return bell === 'all' || (bell === 'mention' && event.mention === true);
  }

  #print(text: string, rings = false): void {
    this.#log = [...this.#log, text].slice(-keptLines);
    this.#unpainted += `${rings ? '\x07' : ''}${text}\n`;
    this.#paintSoon();
  }

  #paintSoon(): void {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    queueMicrotask(() => this.#paint());
  }

  #paint(): void {
    this.#isDue = false;
    if (this.#isClosed) return;
    const { renderer, now } = this.#options;
    const { text, cursor } = this.#editor.draft;
    const before = graphemes(text.slice(0, cursor)).length;
    const asides = asideLines(this.#asides, renderer.marks.more, now()).map((line) => this.#cells(line));
    const log = this.#unpainted;
    this.#unpainted = '';
    this.#area.paint(log, { asides, draft: this.#draftCells(text), at: prompt.length + before });
  }

  /** Kept from one painting to the next: most of them are because of a line of the log. */
  #draftCells(text: string): Cell[] {
    if (text !== this.#painted.text) this.#painted = { text, cells: [...this.#cells(prompt), ...this.#cells(text)] };
    return this.#painted.cells;
  }

  #cells(text: string): Cell[] {
    const { renderer } = this.#options;
    return toCells(text, (grapheme) => (grapheme === '\n' ? renderer.marks.newline : renderer.safe(grapheme)));
  }

  #key(key: string, text: string): void {
    const isAsked = this.#isAsked;
    this.#forgetQuestion();
    const action = this.#actions[key];
    if (key === 'return' || key === 'enter') this.#enter(isAsked);
    else if (action && !(key === 'ctrl-d' && this.#editor.draft.text !== '')) action();
    else if (!this.#editor.press(key) && text !== '') this.#insert(text);
    this.#paintSoon();
  }

  readonly #actions: Record<string, () => void> = {
    'meta-return': () => this.#insert('\n'),
    'meta-enter': () => this.#insert('\n'),
    'ctrl-c': () => this.#interrupt(),
    'ctrl-d': () => this.#quit(),
    'ctrl-l': () => this.#redraw(),
    'ctrl-z': () => this.#suspend(),
  };

  #paste(text: string): void {
    const block = text.replace(/\n+$/, '');
    this.#forgetQuestion();
    if (this.#insert(block)) this.#pastedLines ||= block.includes('\n');
    this.#paintSoon();
  }

  #forgetQuestion(): void {
    this.#asides.hint = '';
    this.#isAsked = false;
    this.#hasContinued = false;
  }

  #insert(text: string): boolean {
    const fits = this.#editor.insert(text);
    if (!fits) this.#asides.hint = `that does not fit: a message has at most ${this.#options.maxBytes} bytes`;
    return fits;
  }

  #enter(isAsked: boolean): void {
    const lines = this.#editor.draft.text.split('\n').length;
    if (this.#pastedLines && lines > unaskedLines && !isAsked) {
      this.#isAsked = true;
      this.#asides.hint = `${lines} lines as one message: Enter sends them, Ctrl-C drops them`;
      return;
    }
    const text = this.#take();
    if (text.trim() !== '') this.lines.push(text);
  }

  #interrupt(): void {
    const text = this.#take();
    if (this.#isQuitting) this.#options.force();
    else if (text === '') this.#quit();
  }

  /** Behind what was entered before: that is sent. */
  #quit(): void {
    this.#isQuitting = true;
    this.lines.close();
  }

  #take(): string {
    this.#pastedLines = false;
    return this.#editor.take();
  }

  #redraw(): void {
    this.#area.forget();
    const log = this.#log.slice(-(this.#options.output.rows || 24));
    this.#unpainted = `\x1b[H\x1b[J${log.map((text) => `${text}\n`).join('')}`;
    this.#paintSoon();
  }

  #suspend(): void {
    this.#area.erase();
    this.#keyboard.close();
    this.#options.suspend();
    this.#hasContinued = true;
    this.#reopen();
  }

  #reopen(): void {
    this.#keyboard.close();
    this.#keyboard.open();
    this.#area.forget();
    // Without a shell between, the draft still stands there.
    this.#options.output.write('\r\x1b[J');
    this.#paintSoon();
  }
}
