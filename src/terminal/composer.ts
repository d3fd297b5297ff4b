import { Queue } from '../queue.ts';
import { Editor } from './editor.ts';

/** A draft of more lines, if some were pasted, is sent only when Enter is pressed twice. */
const unaskedLines = 5;

/** What keys do, without a terminal: they edit the draft, enter it, drop it, and end the program. */
export class Composer extends Editor {
  /** What was entered; closed when the person wants to leave. */
  readonly lines = new Queue<string>();
  /** What the last key led to, if it needs words. */
  hint = '';
  #pastedLines = false;

  key(key: string, text: string): void {
    const hintBefore = this.hint;
    this.hint = '';
    if (key === 'return' || key === 'enter') this.#enter(hintBefore);
    else if (key === 'meta-return' || key === 'meta-enter') this.#put('\n');
    else if (key === 'ctrl-c') this.#interrupt();
    else if (key === 'ctrl-d' && this.draft.text === '') this.lines.close();
    else if (!this.press(key) && text !== '') this.#put(text);
  }

  paste(text: string): void {
    const block = text.replace(/\n+$/, '');
    this.hint = '';
    if (this.#put(block)) this.#pastedLines ||= block.includes('\n');
  }

  override take(): string {
    this.#pastedLines = false;
    return super.take();
  }

  #put(text: string): boolean {
    const fits = this.insert(text);
    if (!fits) this.hint = `that does not fit: a message has at most ${this.maxBytes} bytes`;
    return fits;
  }

  #enter(hintBefore: string): void {
    const lines = this.draft.text.split('\n').length;
    const question = `${lines} lines as one message: Enter sends them, Ctrl-C drops them`;
    if (this.#pastedLines && lines > unaskedLines && hintBefore !== question) {
      this.hint = question;
      return;
    }
    const text = this.take();
    if (text.trim() !== '') this.lines.push(text);
  }

  #interrupt(): void {
    if (this.take() === '') this.lines.close();
  }
}
