import { Queue } from '../queue.ts';
import { Editor } from './editor.ts';

/** What a key does besides editing. */
export type Actions = Record<string, () => void>;

/** A draft of more lines, if some were pasted, is sent only when Enter is pressed twice. */
const unaskedLines = 5;

/** What keys do, without a terminal: they edit the draft, enter it, drop it, and end the program. */
export class Composer {
  readonly editor: Editor;
  /** What was entered; ends when the person wants to leave. */
  readonly lines = new Queue<string>();
  /** What the last key led to, if it needs words. */
  hint = '';
  readonly #maxBytes: number;
  readonly #force: () => void;
  readonly #actions: Actions;
  #pastedLines = false;
  #isAsked = false;
  #isQuitting = false;

  /** @param force Ctrl-C while the program is quitting; @param more of the terminal */
  constructor(maxBytes: number, force: () => void, more: Actions) {
    this.editor = new Editor(maxBytes);
    this.#maxBytes = maxBytes;
    this.#force = force;
    this.#actions = {
      'meta-return': () => this.#insert('\n'),
      'meta-enter': () => this.#insert('\n'),
      'ctrl-c': () => this.#interrupt(),
      'ctrl-d': () => this.quit(),
      ...more,
    };
  }

  key(key: string, text: string): void {
    const isAsked = this.#isAsked;
    this.#forgetQuestion();
    const action = this.#actions[key];
    if (key === 'return' || key === 'enter') this.#enter(isAsked);
    else if (action && !(key === 'ctrl-d' && this.editor.draft.text !== '')) action();
    else if (!this.editor.press(key) && text !== '') this.#insert(text);
  }

  paste(text: string): void {
    const block = text.replace(/\n+$/, '');
    this.#forgetQuestion();
    if (this.#insert(block)) this.#pastedLines ||= block.includes('\n');
  }

  /** Behind what was entered before: that is sent. */
  quit(): void {
    this.#isQuitting = true;
    this.lines.close();
  }

  #forgetQuestion(): void {
    this.hint = '';
    this.#isAsked = false;
  }

  #insert(text: string): boolean {
    const fits = this.editor.insert(text);
    if (!fits) this.hint = `that does not fit: a message has at most ${this.#maxBytes} bytes`;
    return fits;
  }

  #enter(isAsked: boolean): void {
    const lines = this.editor.draft.text.split('\n').length;
    if (this.#pastedLines && lines > unaskedLines && !isAsked) {
      this.#isAsked = true;
      this.hint = `${lines} lines as one message: Enter sends them, Ctrl-C drops them`;
      return;
    }
    const text = this.#take();
    if (text.trim() !== '') this.lines.push(text);
  }

  #interrupt(): void {
    const text = this.#take();
    if (this.#isQuitting) this.#force();
    else if (text === '') this.quit();
  }

  #take(): string {
    this.#pastedLines = false;
    return this.editor.take();
  }
}
