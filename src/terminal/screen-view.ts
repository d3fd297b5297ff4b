import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import type { Waiting } from '../core/conversation.ts';
import type { ChatEvent } from '../core/events.ts';
import { Queue } from '../queue.ts';
import type { Renderer } from './render.ts';
import type { View } from './view.ts';
import { visible } from './visible.ts';

/** Not in Node's documentation, but in every version this program runs on. */
type DisplayPosition = { _getDisplayPos(text: string): { rows: number } };

const prompt = '> ';
const shownWaiting = 5;

/**
 * A terminal: lines scroll up, below them what waits and the draft. Nothing is ever wrapped here, the terminal
 * does that. Waiting texts are part of readline's prompt, so that it keeps the rows right by itself.
 */
export class ScreenView implements View {
  readonly lines = new Queue<string>();
  readonly #readline: Interface;
  readonly #output: WriteStream;
  readonly #renderer: Renderer;
  readonly #now: () => number;
  #waiting = '';
  #closed = false;

  constructor(input: ReadStream, output: WriteStream, renderer: Renderer, now: () => number) {
    this.#output = output;
    this.#renderer = renderer;
    this.#now = now;
    tolerateHangup(input);
    this.#readline = createInterface({
      input,
      output,
      terminal: true,
      prompt,
      historySize: 200,
      removeHistoryDuplicates: true,
    });
    // readline forgets how many rows up its prompt is when a line wraps while it is typed, and on a resize.
    input.on('keypress', () => this.#trackRows());
    output.prependListener('resize', () => this.#trackRows());
    this.#readline.on('line', (line) => {
      this.#eraseEntered(line);
      this.lines.push(line);
      this.#readline.prompt();
    });
    this.#readline.on('SIGINT', () => this.#interrupt());
    this.#readline.on('close', () => this.lines.close());
    this.#readline.prompt();
  }

  show(event: ChatEvent): void {
    const rendered = this.#renderer.render(event, this.#now());
    if (rendered) this.#above(() => this.#output.write(`${rendered.text}\n`));
  }

  waiting(texts: readonly Waiting[]): void {
    const more = texts.length - shownWaiting;
    const rows = texts.slice(0, shownWaiting).map(({ text }) => `… ${visible(text)}\n`);
    const area = rows.join('') + (more > 0 ? `… and ${more} more\n` : '');
    if (area === this.#waiting) return;
    this.#above(() => {
      this.#waiting = area;
      this.#readline.setPrompt(area + prompt);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#erase();
    this.#readline.setPrompt('');
    this.#readline.close();
  }

  /** Takes the live area away, does `write`, and puts the area back with the draft and the cursor as they were. */
  #above(write: () => void): void {
    if (this.#closed) return write();
    this.#erase();
    write();
    this.#readline.prompt(true);
  }

  #erase(): void {
    moveCursor(this.#output, 0, -this.#readline.getCursorPos().rows);
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
    // readline would move up by these rows again.
    this.#rowsUp = 0;
  }

  #trackRows(): void {
    if (!this.#closed) this.#rowsUp = this.#readline.getCursorPos().rows;
  }

  set #rowsUp(rows: number) {
    (this.#readline as unknown as { prevRows: number }).prevRows = rows;
  }

  /** The line just entered comes back with its place in the order; until then it waits in the live area. */
  #eraseEntered(line: string): void {
    const { rows } = (this.#readline as unknown as DisplayPosition)._getDisplayPos(this.#waiting + prompt + line);
    moveCursor(this.#output, 0, -(rows + 1));
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
  }

  /** Ctrl-C: with a draft it clears it, without one it quits. */
  #interrupt(): void {
    if (this.#readline.line === '') return this.#readline.close();
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
  }
}

/** readline turns raw mode off when it closes; on a terminal that is gone that throws EIO, in an event nobody awaits. */
function tolerateHangup(input: ReadStream): void {
  const setRawMode = input.setRawMode.bind(input);
  input.setRawMode = (mode) => {
    try {
      return setRawMode(mode);
    } catch {
      return input;
    }
  };
}
