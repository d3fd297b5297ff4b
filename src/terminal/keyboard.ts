import { emitKeypressEvents, type Key } from 'node:readline';
import type { ReadStream } from 'node:tty';

export type KeyboardEvents = {
  /** @param key its name with what is held: `a`, `ctrl-a`, `meta-return`; @param text what it types, if anything */
  key: (key: string, text: string) => void;
  /** A block that the terminal marked as pasted; its line ends are LF. */
  paste: (text: string) => void;
  /** Nobody types any more: the terminal is gone. */
  end: () => void;
};

/** A paste under way; its `tail`, the last characters, tell its end. */
type Paste = { text: string; tail: string; isDropped: boolean };
/** Of a larger paste only so many characters are kept, enough to see that it is too large. */
const maxPasteCharacters = 100_000;
const endMark = '\x1b[201~';
const pasteMarks = { on: '\x1b[?2004h', off: '\x1b[?2004l' };

/** The keys of a terminal in raw mode, as readline reads them. A paste, whose keys do nothing, becomes one text again. */
export class Keyboard {
  readonly #input: ReadStream;
  readonly #output: NodeJS.WritableStream;
  readonly #events: KeyboardEvents;
  #paste: Paste | undefined;

  constructor(input: ReadStream, output: NodeJS.WritableStream, events: KeyboardEvents) {
    this.#input = input;
    this.#output = output;
    this.#events = events;
    emitKeypressEvents(input);
    input.on('end', events.end);
    input.on('error', events.end);
  }

  open(): void {
    this.#raw(true);
    this.#output.write(pasteMarks.on);
    this.#input.on('keypress', this.#press);
    this.#input.resume();
  }

  close(): void {
    this.#input.off('keypress', this.#press);
    this.#input.pause();
    this.#output.write(pasteMarks.off);
    this.#raw(false);
  }

  /** A terminal that is gone throws EIO; it needs no mode any more. */
  #raw(mode: boolean): void {
    try {
      this.#input.setRawMode(mode);
    } catch {
      this.#events.end();
    }
  }

  readonly #press = (text = '', key: Key): void => {
    const { sequence = text, name, ctrl, meta } = key;
    const isTyped = !ctrl && !meta && /^\P{Cc}+$/u.test(text);
    if (this.#paste) this.#addPasted(this.#paste, sequence);
    else if (name === 'paste-start') this.#paste = { text: '', tail: '', isDropped: false };
    else this.#events.key(chord(key), isTyped ? text : '');
  };

  /** The end mark is looked for in the text: where an escape sequence has no end, readline takes the mark for it. */
  #addPasted(paste: Paste, more: string): void {
    const isEndless = more === '\x03' && paste.isDropped;
    paste.isDropped ||= more === '\x03';
    paste.tail = (paste.tail + more).slice(-endMark.length);
    if (paste.text.length < maxPasteCharacters) paste.text += more;
    if (paste.tail !== endMark && !isEndless) return;
    this.#paste = undefined;
    const block = paste.text.endsWith(endMark) ? paste.text.slice(0, -endMark.length) : paste.text;
    if (!paste.isDropped) this.#events.paste(block.replace(/\r\n?/g, '\n'));
  }
}

function chord({ name = '', sequence, ctrl, meta, shift }: Key): string {
  if (sequence === '\x1f') return 'ctrl-_';
  const isShifted = shift && name.length > 1;
  return `${ctrl ? 'ctrl-' : ''}${meta ? 'meta-' : ''}${isShifted ? 'shift-' : ''}${name}`;
}
