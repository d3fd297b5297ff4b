import { Queue } from '../queue.ts';
import { Editor } from './editor.ts';

/** A draft of more lines, if some were pasted, is sent only when Enter is pressed twice. */
const unaskedLines = 5;

/** What keys do, without a terminal: they edit the draft, enter it, drop it, and end the program. */
export class Composer extends Editor {
  /** What was entered; ends when the person wants to leave. */
  readonly lines = new Queue<string>();
  /** What the last key led to, if it needs words. */
  hint = '';
  readonly #refusal: string;
  readonly #force: () => void;
  readonly #actions: Record<string, () => void>;
  #pastedLines = false;
  #isQuitting = false;

  /** @param force Ctrl-C while the program is quitting; @param more of the terminal, by key */
  constructor(maxBytes: number, force: () => void, more: Record<string, () => void>) {
    super(maxBytes);
    this.#refusal = `that does not fit: a message has at most ${maxBytes} bytes`;
    this.#force = force;
    this.#actions = {
      'meta-return': () => this.#put('\n'),
      'meta-enter': () => this.#put('\n'),
      'ctrl-c': () => this.#interrupt(),
      ...more,
    };
  }

  key(key: string, text: string): void {
    const hintBefore = this.hint;
    this.hint = '';
    const action = this.#actions[key];
    if (key === 'return' || key === 'enter') this.#enter(hintBefore);
    else if (key === 'ctrl-d' && this.draft.text === '') this.quit();
    else if (action) action();
    else if (!this.press(key) && text !== '') this.#put(text);
  }

  paste(text: string): void {
    const block = text.replace(/\n+$/, '');
    this.hint = '';
    if (this.#put(block)) this.#pastedLines ||= block.includes('\n');
  }

  /** Behind what was entered before: that is sent. */
  quit(): void {
    this.#isQuitting = true;
    this.lines.close();
  }

  override take(): string {
    this.#pastedLines = false;
    return super.take();
  }

  #put(text: string): boolean {
    const fits = this.insert(text);
    if (!fits) this.hint = this.#refusal;
    return fits;
  }

  #enter(hintBefore: string): void {
    const lines = this.draft.text.split('\n').length;
    const question = `${lines} lines as one message: Enter sends them, Ctrl-C drops them`;
    const isAsked = hintBefore === question;
    if (this.#pastedLines && lines > unaskedLines && !isAsked) this.hint = question;
    else {
      const text = this.take();
      if (text.trim() !== '') this.lines.push(text);
    }
  }

  #interrupt(): void {
    const text = this.take();
    if (this.#isQuitting) this.#force();
    else if (text === '') this.quit();
  }
}
