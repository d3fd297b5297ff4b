import { Queue } from '../queue.ts';
import { byKey, cut, type Draft, emptyDraft, erasures, insert, kills, moves, transpose } from './draft.ts';
import { Past } from './past.ts';

/** Asked by Tab: what could stand before the cursor instead, best first. */
export type Completer = (before: string) => string[];
/** Asked by Up before anything is typed: true if a line that waits comes back, by `restore`. */
export type TakeBack = () => boolean;

const maxUndo = 100;
/** A draft of more lines, if some were pasted, is sent only when Enter is pressed twice. */
const unaskedLines = 5;

/** What keys do, without a terminal: they edit a draft of one or more lines, enter it, drop it, and end the program. */
export class Editor {
  /** What was entered; closed when the person wants to leave. */
  readonly lines = new Queue<string>();
  draft: Draft = emptyDraft;
  /** What the last key led to, if it needs words. */
  hint = '';
  completer: Completer = () => [];
  takeBack: TakeBack = () => false;
  readonly #maxBytes: number;
  readonly #past = new Past();
  #undo: Draft[] = [];
  #killed = '';
  /** Kills one after the other are one. */
  #isKilling = false;
  #cycle: { texts: string[]; at: number; after: string } | undefined;
  #pastedLines = false;
  /** What was pasted last did not fit, and the person may not have seen that. */
  #isPasteRefused = false;

  /** @param maxBytes most UTF-8 bytes of a draft; what does not fit changes nothing */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  key(key: string, text: string): void {
    const [hintBefore, wasRefused] = [this.hint, this.#isPasteRefused];
    this.hint = '';
    this.#isPasteRefused = false;
    if (key === 'return' || key === 'enter') this.#enter(hintBefore, wasRefused);
    else if (key === 'meta-return' || key === 'meta-enter') this.insert('\n');
    else if (key === 'ctrl-c') this.#interrupt(wasRefused);
    else if (key === 'ctrl-d' && this.draft.text === '') this.lines.close();
    else if (!this.press(key) && text !== '') this.insert(text);
  }

  paste(text: string): void {
    const block = text.replace(/\n+$/, '');
    this.hint = '';
    this.#isPasteRefused = !this.insert(block);
    if (!this.#isPasteRefused) this.#pastedLines ||= block.includes('\n');
  }

  /** It is under Up from now on, as what was dropped. */
  remember(text: string): void {
    this.#past.add(text);
  }

  /** What was sent, and nobody has got, is a draft again. */
  restore(text: string): void {
    const { draft } = this;
    this.#change({ text: text + draft.text, cursor: text.length + draft.cursor });
  }

  /** Edits; returns false if the key means nothing here. */
  press(key: string): boolean {
    if (!key.endsWith('tab')) this.#cycle = undefined;
    const [move, erased, other] = [moves[key], erasures[key] ?? kills[key], this.#others[key]];
    if (move) this.draft = { ...this.draft, cursor: move(this.draft) };
    if (erased) this.#erase(erased(this.draft), key in kills);
    other?.();
    this.#isKilling = key in kills;
    return (move ?? erased ?? other) !== undefined;
  }

  /** Returns false if it does not fit. */
  insert(text: string): boolean {
    this.#cycle = undefined;
    this.#isKilling = false;
    return this.#change(insert(this.draft, text));
  }

  /** Empties the draft, which Up brings back, and returns it. */
  take(): string {
    const { text } = this.draft;
    this.#past.add(text);
    this.#cycle = undefined;
    this.draft = emptyDraft;
    this.#undo = [];
    this.#pastedLines = false;
    return text;
  }

  readonly #others = byKey<() => void>({
    tab: () => this.#complete(1),
    'shift-tab': () => this.#complete(-1),
    'up ctrl-p': () => this.#recall(-1),
    'down ctrl-n': () => this.#recall(1),
    'ctrl-y': () => this.insert(this.#killed),
    'ctrl-t': () => this.#change(transpose(this.draft)),
    'ctrl-_': () => (this.draft = this.#undo.pop() ?? this.draft),
  });

  #enter(hintBefore: string, wasRefused: boolean): void {
    if (wasRefused) return this.#warn(hintBefore);
    const lines = this.draft.text.split('\n').length;
    const question = `${lines} lines as one message: Enter sends them, Ctrl-C drops them`;
    if (this.#pastedLines && lines > unaskedLines && hintBefore !== question) {
      this.hint = question;
      return;
    }
    const text = this.take();
    if (text.trim() !== '') this.lines.push(text);
  }

  /** Enter was meant for a draft with what is not in it: the first one sends nothing. */
  #warn(refusal: string): void {
    this.#isPasteRefused = this.draft.text === '';
    this.hint = this.#isPasteRefused ? refusal : `${refusal}; Enter sends the draft without it`;
  }

  /** Whoever wants to drop what did not fit does not want to leave. */
  #interrupt(wasRefused: boolean): void {
    if (this.take() === '' && !wasRefused) this.lines.close();
  }

  #recall(step: 1 | -1): void {
    if (step === -1 && this.draft.text === '' && this.#past.isLeft && this.takeBack()) return;
    const text = this.#past.go(step, this.draft.text);
    if (text !== undefined) this.#change({ text, cursor: text.length });
  }

  #erase(to: number, isKill: boolean): void {
    const { draft, taken } = cut(this.draft, to);
    const killed = this.#isKilling ? this.#killed : '';
    if (isKill && taken !== '') this.#killed = to < this.draft.cursor ? taken + killed : killed + taken;
    this.#change(draft);
  }

  #change(draft: Draft): boolean {
    const fits = Buffer.byteLength(draft.text) <= this.#maxBytes;
    if (!fits) this.hint = `that does not fit: a message has at most ${this.#maxBytes} bytes`;
    else if (draft.text !== this.draft.text) this.#undo = [...this.#undo, this.draft].slice(-maxUndo);
    if (fits) this.draft = draft;
    return fits;
  }

  /** The first Tab takes the best completion, each further one the next, at last what was typed again. */
  #complete(step: 1 | -1): void {
    const { text, cursor } = this.draft;
    const typed = text.slice(0, cursor);
    this.#cycle ??= { texts: [typed, ...this.completer(typed)], at: 0, after: text.slice(cursor) };
    const { texts, at, after } = this.#cycle;
    this.#cycle.at = (at + step + texts.length) % texts.length;
    const chosen = texts[this.#cycle.at] ?? typed;
    this.#change({ text: chosen + after, cursor: chosen.length });
  }
}
