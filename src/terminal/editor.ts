import { byKey, cut, type Draft, emptyDraft, erasures, insert, kills, moves, transpose } from './draft.ts';
import { Past } from './past.ts';

/** What could stand before the cursor instead, best first. */
export type Completer = (before: string) => string[];

const maxUndo = 100;

/** The line editor, without a terminal: keys in, a draft of one or more lines out. What does not fit changes nothing. */
export class Editor {
  /** Most UTF-8 bytes of the draft. */
  readonly maxBytes: number;
  /** Asked by Tab. */
  completer: Completer = () => [];
  readonly #past = new Past();
  #draft: Draft = emptyDraft;
  #undo: Draft[] = [];
  #killed = '';
  /** Kills one after the other are one. */
  #isKilling = false;
  #cycle: { texts: string[]; at: number; after: string } | undefined;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get draft(): Draft {
    return this.#draft;
  }

  /** Returns false if the key means nothing here. */
  press(key: string): boolean {
    const [move, erased, other] = [moves[key], erasures[key] ?? kills[key], this.#others[key]];
    if (!key.endsWith('tab')) this.#cycle = undefined;
    if (move) this.#draft = { ...this.#draft, cursor: move(this.#draft) };
    if (erased) this.#erase(erased(this.#draft), key in kills);
    other?.();
    this.#isKilling = key in kills;
    return (move ?? erased ?? other) !== undefined;
  }

  /** Returns false if it does not fit. */
  insert(text: string): boolean {
    this.#cycle = undefined;
    this.#isKilling = false;
    const bytes = Buffer.byteLength(this.#draft.text) + Buffer.byteLength(text);
    return bytes <= this.maxBytes && this.#change(insert(this.#draft, text));
  }

  /** Empties the draft, which Up brings back, and returns it. */
  take(): string {
    const { text } = this.#draft;
    this.#past.add(text);
    this.#cycle = undefined;
    this.#draft = emptyDraft;
    this.#undo = [];
    return text;
  }

  readonly #others = byKey<() => void>({
    tab: () => this.#complete(1),
    'shift-tab': () => this.#complete(-1),
    'up ctrl-p': () => this.#recall(-1),
    'down ctrl-n': () => this.#recall(1),
    'ctrl-y': () => this.insert(this.#killed),
    'ctrl-t': () => this.#change(transpose(this.#draft)),
    'ctrl-_': () => (this.#draft = this.#undo.pop() ?? this.#draft),
  });

  #recall(step: 1 | -1): void {
    const text = this.#past.go(step, this.#draft.text);
    if (text !== undefined) this.#change({ text, cursor: text.length });
  }

  #erase(to: number, isKill: boolean): void {
    const { draft, taken } = cut(this.#draft, to);
    const killed = this.#isKilling ? this.#killed : '';
    if (isKill && taken !== '') this.#killed = to < this.#draft.cursor ? taken + killed : killed + taken;
    this.#change(draft);
  }

  #change(draft: Draft): boolean {
    if (Buffer.byteLength(draft.text) > this.maxBytes) return false;
    if (draft.text !== this.#draft.text) this.#undo = [...this.#undo, this.#draft].slice(-maxUndo);
    this.#draft = draft;
    return true;
  }

  /** The first Tab takes the best completion, each further one the next, at last what was typed again. */
  #complete(step: 1 | -1): void {
    const { text, cursor } = this.#draft;
    const typed = text.slice(0, cursor);
    this.#cycle ??= { texts: [typed, ...this.completer(typed)], at: 0, after: text.slice(cursor) };
    const { texts, at, after } = this.#cycle;
    this.#cycle.at = (at + step + texts.length) % texts.length;
    const chosen = texts[this.#cycle.at] ?? typed;
    this.#change({ text: chosen + after, cursor: chosen.length });
  }
}
