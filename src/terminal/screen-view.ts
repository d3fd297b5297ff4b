import type { ReadStream } from 'node:tty';
import type { ChatEvent } from '../core/events.ts';
import type { Waiting } from '../core/turn.ts';
import { graphemes } from './cells.ts';
import { Crowd, isPassage, maxHoldMs, type Passage } from './crowd.ts';
import type { Completer, Editor } from './editor.ts';
import { Keyboard } from './keyboard.ts';
import { LiveArea, prompt, type Surface } from './live-area.ts';
import type { Settings, View } from './view.ts';

export type ScreenOptions = Surface & {
  input: ReadStream;
  settings: Settings;
  editor: Editor;
  now: () => number;
  /** Ctrl-C while the program is quitting. */
  force: () => void;
  /** Ctrl-Z: returns when the program goes on. */
  suspend: () => void;
};

const clockMs = 1_000;
/** Lines of the log that Ctrl-L can paint again. */
const keptLines = 200;

/** A terminal: the log, and below it what waits and the draft. All of one turn of the event loop is painted at once. */
export class ScreenView implements View {
  readonly #options: ScreenOptions;
  readonly #keyboard: Keyboard;
  readonly #area: LiveArea;
  readonly #crowd = new Crowd();
  readonly #clock: NodeJS.Timeout;
  #crowdTimer: NodeJS.Timeout | undefined;
  #log: string[] = [];
  #unpainted = '';
  /** Whom to tell of the next painting. */
  #told: (() => void)[] = [];
  #waiting: readonly Waiting[] = [];
  #offlineSinceMs: number | undefined;
  #isDue = false;
  #isClosed = false;
  /** Since Ctrl-Z, so that the signal that tells of it is no news. */
  #hasContinued = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
    const { input, output, editor } = options;
    this.#area = new LiveArea(options);
    this.#keyboard = new Keyboard(input, output, {
      key: (key, text) => this.#typed(() => this.#key(key, text)),
      paste: (text) => this.#typed(() => editor.paste(text)),
      end: () => editor.lines.close(),
    });
    this.#clock = setInterval(this.#paintSoon, clockMs).unref();
    output.on('resize', this.#paintSoon);
    this.#keyboard.open();
    this.#paintSoon();
  }

  set completer(completer: Completer) {
    this.#options.editor.completer = completer;
  }

  get isBehind(): boolean {
    return this.#isDue;
  }

  show(event: ChatEvent, taken?: () => void): void {
    this.#show(event);
    if (taken) this.#told.push(taken);
    this.#paintSoon();
  }

  waiting(messages: readonly Waiting[]): void {
    this.#waiting = messages;
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
    const { output, renderer, editor } = this.#options;
    this.#showCrowd();
    this.#paint();
    this.#isClosed = true;
    clearTimeout(this.#crowdTimer);
    clearInterval(this.#clock);
    output.off('resize', this.#paintSoon);
    this.#area.erase();
    const left = graphemes(editor.draft.text).map(renderer.sign);
    if (left.length > 0) output.write(`${prompt}${left.join('')}\n`);
    this.#keyboard.close();
    editor.lines.close();
  }

  #show(event: ChatEvent): void {
    const { settings, renderer, now } = this.#options;
    // Between two people the leave has said it.
    if (event.type === 'state')
      this.#offlineSinceMs = event.state === 'offline' && event.peer === undefined ? now() : undefined;
    if (isPassage(event) && settings.joins === 'none') return;
    if (isPassage(event) && settings.joins === 'auto') return this.#hold(event);
    // A message may pass who comes or goes, unless it is theirs: joins and leaves are no part of the order.
    if (event.type !== 'message' || this.#crowd.isPassedBy(event.from.name)) this.#showCrowd();
    const rendered = renderer.render(event, now());
    if (rendered) this.#print(rendered.text, this.#rings(event));
  }

  #hold(passage: Passage): void {
    this.#crowd.add(passage, this.#options.now());
    this.#waitForCrowd();
  }

  #waitForCrowd(): void {
    clearTimeout(this.#crowdTimer);
    const nowMs = this.#options.now();
    const { dueMs } = this.#crowd;
    // The clock of the machine may have been set back.
    if (dueMs !== undefined) this.#crowdTimer = setTimeout(() => this.#showCrowd(), Math.min(dueMs - nowMs, maxHoldMs));
  }

  #showCrowd(): void {
    const { renderer, now } = this.#options;
    for (const group of this.#crowd.take(now())) this.#print(renderer.group(group, now()).text);
    this.#waitForCrowd();
  }

  #rings(event: ChatEvent): boolean {
    const { bell } = this.#options.settings;
    if (event.type !== 'message' || event.own || event.replay || event.mended) return false;
    return bell === 'all' || (bell === 'mention' && event.mention === true);
  }

  #print(text: string, rings = false): void {
    this.#log = [...this.#log, text].slice(-keptLines);
    this.#unpainted += `${rings ? '\x07' : ''}${text}\n`;
    this.#paintSoon();
  }

  readonly #paintSoon = () => {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    setImmediate(() => this.#paint());
  };

  #paint(): void {
    this.#isDue = false;
    if (this.#isClosed) return;
    const { output, renderer, now, editor } = this.#options;
    const asides = renderer.asides(this.#offlineSinceMs, this.#waiting, editor.hint, now());
    this.#area.paint(this.#unpainted, asides, editor.draft);
    this.#unpainted = '';
    // A terminal has taken what was written when `write` returns, or has failed then.
    if (!output.errored) for (const taken of this.#told.splice(0)) taken();
  }

  #key(key: string, text: string): void {
    const isForced = key === 'ctrl-c' && this.#options.editor.lines.isClosed;
    if (key === 'ctrl-l') this.#redraw();
    else if (key === 'ctrl-z') this.#suspend();
    else this.#options.editor.key(key, text);
    if (isForced) this.#options.force();
  }

  #typed(act: () => void): void {
    this.#hasContinued = false;
    act();
    this.#paintSoon();
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
