import type { Writable } from 'node:stream';
import type { ChatEvent } from '../core/events.ts';

/** With `leftOut`, the line stands for so many notices: lines without `taken`. */
type Line = { text: string; taken?: (() => void) | undefined; leftOut?: number };

const maxNotices = 100;

/** Streams that still had a line when their outlet was closed: whoever ends the process MUST NOT wait for them. */
export const abandoned = new WeakSet<Writable>();

/**
 * Lines on their way into a stream whose reader may be slow. The stream gets the next line only when it has nothing left
 * of the one before: of what Node queues it says nothing until all of it is out, and it cannot be taken back. A line of
 * more than 4,096 bytes (PIPE_BUF) may be cut when the program ends while the reader stands still: it was not `taken`.
 */
export class Outlet {
  readonly #stream: Writable;
  readonly #render: (event: ChatEvent) => string;
  #waiting: Line[] = [];
  /** What the stream has, and behind it lines without text. */
  #underWay: Line[] = [];
  #isClosed = false;
  /** One for all lines: then Node calls it for many in one go. After an error nothing leaves the program here any more. */
  readonly #written = (error?: Error | null) => (error ? this.close() : this.#left());

  /** @param render the text of an event, '' if it has none */
  constructor(stream: Writable, render: (event: ChatEvent) => string) {
    this.#stream = stream;
    this.#render = render;
  }

  get isBehind(): boolean {
    return this.#waiting.length + this.#underWay.length > 0;
  }

  show(event: ChatEvent, taken?: () => void): void {
    this.write(this.#render(event), taken);
  }

  /**
   * Calls `taken` once the line has left the program, in order; an empty text is only its place in the order. Whoever
   * gives `taken` MUST bound how many lines wait; of the others 100 wait, then one line says how many more there were.
   */
  write(text: string, taken?: () => void): void {
    if (this.#isClosed) return;
    const last = this.#waiting.at(-1);
    const notices = this.#waiting.filter((line) => !line.taken && !line.leftOut).length;
    if (taken || notices < maxNotices) this.#waiting.push({ text, taken });
    else if (last?.leftOut) last.leftOut++;
    else this.#waiting.push({ text: '', leftOut: 1 });
    this.#flow();
  }

  /** What waits is never written, and nothing is `taken` any more. A line that the stream has may still go out. */
  close(): void {
    if (this.isBehind && this.#stream.writableLength > 0) abandoned.add(this.#stream);
    this.#isClosed = true;
    this.#waiting = [];
    this.#underWay = [];
  }

  /** One line is always handed on, because others may write to the stream, too. */
  #flow(): void {
    while (this.#underWay.length === 0 || this.#stream.writableLength === 0) {
      const line = this.#waiting.shift();
      if (!line) return;
      const text = line.leftOut ? this.#render(folded(line.leftOut)) : line.text;
      if (text !== '' || this.#underWay.length > 0) this.#underWay.push({ text, taken: line.taken });
      else line.taken?.();
      if (text !== '') this.#stream.write(`${text}\n`, this.#written);
    }
  }

  #left(): void {
    do this.#underWay.shift()?.taken?.();
    while (this.#underWay[0]?.text === '');
    this.#flow();
  }
}

function folded(count: number): ChatEvent {
  const lines = count === 1 ? '1 line was' : `${count} lines were`;
  return { type: 'status', code: 'FOLDED', message: `${lines} left out while the output stood still`, count };
}
