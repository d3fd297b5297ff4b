import type { ReadStream } from 'node:tty';
import type { ChatEvent } from '../core/events.ts';
import type { Waiting, Work } from '../core/turn.ts';
import { formatId } from '../protocol/signed.ts';
import { graphemes } from '../text/graphemes.ts';
import { Crowd, isPassage, maxHoldMs, type Passage } from './crowd.ts';
import { Cut, type Shown } from './cut.ts';
import { lineOf } from './draft.ts';
import type { Completer, Editor, TakeBack } from './editor.ts';
import { Keyboard } from './keyboard.ts';
import { LiveArea, prompt, type Surface } from './live-area.ts';
import type { Near } from './render.ts';
import type { Settings, View } from './view.ts';

export type ScreenOptions = Surface & {
  input: ReadStream;
  settings: Settings;
  editor: Editor;
  now: () => number;
  /** What makes the desktop tell of a message, if that is wanted. */
  notification?: string | undefined;
  /** Ctrl-C while the program is quitting. */
  force: () => void;
  /** Ctrl-Z: returns when the program goes on. */
  suspend: () => void;
};

const clockMs = 1_000;
/** What is handed over rings once in so long. */
const ringMs = 1_000;
/** The signal that the program goes on comes this soon after it was stopped by a key and goes on. */
const continuedMs = 1_000;
/** What lasts longer than this says how far it is. */
const longMs = 1_000;
/** Lines of the log that Ctrl-L can paint again. */
const keptLines = 200;

/** A terminal: the log, and below it what waits and the draft. All of one turn of the event loop is painted at once. */
export class ScreenView implements View {
  readonly #options: ScreenOptions;
  readonly #keyboard: Keyboard;
  readonly #area: LiveArea;
  readonly #crowd = new Crowd();
  readonly #cut: Cut;
  readonly #clock: NodeJS.Timeout;
  #crowdTimer: NodeJS.Timeout | undefined;
  #cutTimer: NodeJS.Timeout | undefined;
  #log: string[] = [];
  #unpainted = '';
  /** Whom to tell of the next painting. */
  #told: (() => void)[] = [];
  #waiting: readonly Waiting[] = [];
  #work: (Work & { sinceMs: number }) | undefined;
  #isOnline = false;
  #offlineSinceMs: number | undefined;
  /** Who is near while there is no server. */
  #near: Near = { names: [], through: [] };
  #rangAtMs = Number.NEGATIVE_INFINITY;
  #isDue = false;
  #isClosed = false;
  /** A while since Ctrl-Z, so that the signal that tells of it is no news. */
  #hasContinued: NodeJS.Timeout | undefined;
  /** While the window is being resized nothing is painted. */
  #resizing: NodeJS.Timeout | undefined;

  constructor(options: ScreenOptions) {
    this.#options = options;
    const { input, output, editor } = options;
    this.#area = new LiveArea(options);
    this.#cut = new Cut((line) => editor.remember(line));
    this.#keyboard = new Keyboard(input, output, {
      key: (key, text) => this.#typed(() => this.#key(key, text)),
      paste: (text) => this.#typed(() => editor.paste(text)),
      end: () => editor.lines.close(),
    });
    this.#clock = setInterval(this.#paintSoon, clockMs).unref();
    output.on('resize', this.#resized);
    this.#keyboard.open();
    this.#paintSoon();
  }

  set completer(completer: Completer) {
    this.#options.editor.completer = completer;
  }

  set takeBack(takeBack: TakeBack) {
    this.#options.editor.takeBack = takeBack;
  }

  get columns(): number {
    return this.#options.output.columns || 80;
  }

  get isBehind(): boolean {
    return this.#isDue || this.#cut.isHolding;
  }

  show(event: ChatEvent, taken?: () => void): void {
    if (event.type === 'near') this.#meet(event);
    if (event.type === 'state') this.#stand(event);
    // It stands above from now on, whenever this turn ends.
    if (event.type === 'message' && event.own)
      this.#waiting = this.#waiting.filter(({ id }) => id === undefined || formatId(id) !== event.id);
    this.#showAll(this.#cut.take(event, taken, this.#options.now()));
  }

  /** Somebody may be near before the server was met. */
  #meet({ names, through = [] }: ChatEvent & { type: 'near' }): void {
    this.#near = { names, through };
    if (!this.#isOnline && names.length > 0) this.#offlineSinceMs ??= this.#options.now();
  }

  #stand(event: ChatEvent & { type: 'state' }): void {
    this.#isOnline = event.state === 'online';
    // Between two people the leave has said it.
    const isSaid = event.state === 'offline' && event.peer === undefined;
    this.#offlineSinceMs = isSaid ? this.#options.now() - (event.forMs ?? 0) : undefined;
  }

  #showAll(shown: readonly Shown[]): void {
    for (const { event, taken } of shown) {
      if (event) this.#show(event);
      if (taken) this.#told.push(taken);
    }
    this.#paintSoon();
    clearTimeout(this.#cutTimer);
    const waitMs = this.#cut.waitMs(this.#options.now());
    const look = () => this.#showAll(this.#cut.look(this.#options.now()));
    if (waitMs !== undefined) this.#cutTimer = setTimeout(look, waitMs);
  }

  waiting(messages: readonly Waiting[]): void {
    this.#waiting = messages;
    this.#paintSoon();
  }

  work(work: Work | undefined): void {
    if (!work && !this.#work) return;
    this.#work = work && { ...work, sinceMs: this.#work?.sinceMs ?? this.#options.now() };
    this.#paintSoon();
  }

  clear(): void {
    this.#log = [];
    this.#redraw();
  }

  /** The program was stopped and goes on: the shell has used the terminal meanwhile. */
  continued(): void {
    if (!this.#hasContinued) this.#reopen();
  }

  /** A draft that was not sent stays on the screen. */
  close(): void {
    if (this.#isClosed) return;
    const { output, renderer, editor } = this.#options;
    this.#showCrowd();
    this.#paint();
    this.#isClosed = true;
    clearTimeout(this.#crowdTimer);
    clearTimeout(this.#cutTimer);
    clearInterval(this.#clock);
    for (const timer of [this.#resizing, this.#hasContinued]) clearTimeout(timer);
    output.off('resize', this.#resized);
    this.#area.erase();
    const left = graphemes(editor.draft.text).map(renderer.sign);
    if (left.length > 0) output.write(`${prompt}${left.join('')}\n`);
    this.#keyboard.close();
    editor.lines.close();
  }

  #show(event: ChatEvent): void {
    const { settings, renderer, now } = this.#options;
    if (event.type === 'takenBack') return this.#options.editor.restore(lineOf(event));
    if (isPassage(event) && settings.joins === 'none') return;
    if (isPassage(event) && settings.joins === 'auto') return this.#hold(event);
    // A message may pass who comes or goes, unless it is theirs: joins and leaves are no part of the order.
    if (event.type !== 'message' || this.#crowd.isPassedBy(event.from.name)) this.#showCrowd();
    const rendered = renderer.render(event, now());
    if (rendered) this.#print(rendered.text, this.#signals(event));
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

  /** What rings, and what makes the desktop tell of it: the bell may be off, but whoever is named is told. */
  #signals(event: ChatEvent): string {
    const { settings, notification = '' } = this.#options;
    if (event.type !== 'message' || event.own || event.replay || event.mended) return '';
    const isMeant = settings.bell === 'all' || event.mention === true;
    if (isMeant && event.provisional && this.#hasJustRung()) return '';
    return isMeant ? `${settings.bell === 'off' ? '' : '\x07'}${notification}` : '';
  }

  /** What somebody near hands over comes all at once: it rings once. */
  #hasJustRung(): boolean {
    const nowMs = this.#options.now();
    const hasRung = Math.abs(nowMs - this.#rangAtMs) < ringMs;
    this.#rangAtMs = nowMs;
    return hasRung;
  }

  #print(text: string, signals = ''): void {
    this.#log = [...this.#log, text].slice(-keptLines);
    this.#unpainted += `${signals}${text}\n`;
    this.#paintSoon();
  }

  readonly #paintSoon = () => {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    if (!this.#resizing) setImmediate(() => this.#resizing ?? this.#paint());
  };

  /** Some terminals say late that they were resized: what is painted meanwhile is painted for another width. */
  readonly #resized = () => {
    const { resizeMs = 0 } = this.#options;
    clearTimeout(this.#resizing);
    this.#resizing = resizeMs > 0 ? setTimeout(() => this.#settle(), resizeMs).unref() : undefined;
    this.#paintSoon();
  };

  #settle(): void {
    this.#resizing = undefined;
    this.#paint();
  }

  #paint(): void {
    if (this.#isClosed) return;
    this.#isDue = false;
    const { output, renderer, now, editor } = this.#options;
    const isLong = this.#work && now() - this.#work.sinceMs >= longMs;
    const work = isLong ? this.#work : undefined;
    const offline = this.#offlineSinceMs === undefined ? undefined : { sinceMs: this.#offlineSinceMs, ...this.#near };
    const waiting = [...this.#cut.ownHeld, ...this.#waiting];
    const asides = renderer.asides(offline, waiting, editor.hint, now(), work);
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
    clearTimeout(this.#hasContinued);
    this.#hasContinued = setTimeout(() => (this.#hasContinued = undefined), continuedMs).unref();
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
