type Stream = AsyncIterable<Uint8Array>;
/** Is told once, with the number of the line, that there are bytes which are not UTF-8. */
type NotUtf8 = (line: number) => void;
const nobody = () => {};

/**
 * The lines of a stream: LF or CRLF ends one, and a byte order mark before the first is no part of it. Of a longer one than
 * `maxBytes` only so much is kept that the reader still sees that it is too long.
 */
export async function* readLines(stream: Stream, maxBytes: number, notUtf8: NotUtf8 = nobody): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const judge = new Judge(notUtf8);
  let [line, number] = ['', 1];
  for await (const chunk of stream) {
    const [first = '', ...rest] = decoder.decode(chunk, { stream: true }).split('\n');
    line = append(line, first, maxBytes);
    judge.see(chunk, number);
    for (const next of rest) {
      yield line.replace(/\r$/, '');
      line = append('', next, maxBytes);
    }
    number += rest.length;
  }
  judge.end(number);
  line = append(line, decoder.decode(), maxBytes);
  if (line !== '') yield line.replace(/\r$/, '');
}

/** Alt-Enter at a plain terminal ends a line in ESC: it goes on in the next one, as in a draft. */
export async function* joined(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let begun = '';
  for await (const line of lines) {
    if (line.endsWith('\x1b')) begun += `${line.slice(0, -1)}\n`;
    else {
      yield begun + line;
      begun = '';
    }
  }
  if (begun !== '') yield begun;
}

/** Finds the first bytes that are not UTF-8. */
class Judge {
  readonly #strict = new TextDecoder('utf-8', { fatal: true });
  readonly #tell: NotUtf8;
  #isDone = false;

  constructor(tell: NotUtf8) {
    this.#tell = tell;
  }

  see(chunk: Uint8Array, line: number): void {
    let from = 0;
    // Line by line, to know which one it is; a character that a chunk cuts belongs to the line of its end.
    for (let number = line; from < chunk.length && !this.#isDone; number++) {
      const end = chunk.indexOf(10, from) + 1 || chunk.length;
      this.#check(() => this.#strict.decode(chunk.subarray(from, end), { stream: true }), number);
      from = end;
    }
  }

  end(line: number): void {
    if (!this.#isDone) this.#check(() => this.#strict.decode(), line);
  }

  #check(decode: () => string, line: number): void {
    try {
      decode();
    } catch {
      this.#isDone = true;
      this.#tell(line);
    }
  }
}

/** The whole stream as one text with LF between its lines, cut like a line. */
export async function readAll(stream: Stream, maxBytes: number, notUtf8: NotUtf8 = nobody): Promise<string> {
  let text: string | undefined;
  for await (const line of readLines(stream, maxBytes, notUtf8))
    text = text === undefined ? line : append(text, `\n${line}`, maxBytes);
  return text ?? '';
}

const append = (line: string, more: string, maxBytes: number) =>
  line.length > maxBytes + 1 ? line : (line + more).slice(0, maxBytes + 2);
