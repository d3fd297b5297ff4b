import { StringDecoder } from 'node:string_decoder';

/**
 * The lines of a stream: LF or CRLF ends one. Of a longer one than `maxBytes` only so much is kept that the reader still
 * sees that it is too long.
 */
export async function* readLines(stream: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let line = '';
  for await (const chunk of stream) {
    const [first = '', ...rest] = decoder.write(Buffer.from(chunk)).split('\n');
    line = append(line, first, maxBytes);
    for (const next of rest) {
      yield line.replace(/\r$/, '');
      line = append('', next, maxBytes);
    }
  }
  line = append(line, decoder.end(), maxBytes);
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

/** The whole stream as one text with LF between its lines, cut like a line. */
export async function readAll(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  let text: string | undefined;
  for await (const line of readLines(stream, maxBytes))
    text = text === undefined ? line : append(text, `\n${line}`, maxBytes);
  return text ?? '';
}

const append = (line: string, more: string, maxBytes: number) =>
  line.length > maxBytes + 1 ? line : (line + more).slice(0, maxBytes + 2);
