import type { Lost, Message, MessageId } from './frames.ts';
import { count, digest, flag, id, name, proof, salt, shortText, signature, token, type Value, word } from './values.ts';

/** Most entries, or frames, in one frame. */
export const maxBatchEntries = 256;

/** A place of the log as its readers get it: a message without what its signature needs, or that it is lost. */
export type Row = Message | Lost;

/**
 * Places of the log, one after the other, the same bytes for all readers. First comes the table of those who wrote them,
 * a line for each name, device and key: `[name, dev, key, 1 for a guest]`. Then a row for each place:
 *
 *   [author, n, lc, at, ts, in, text, salt, more]   numbers as differences, where they become small so
 *   [author, n, lc, at, ts, in, 0, words, more]     the text is gone, its digest is left
 *   [hash, signature]                               the place is lost, only the chain goes on: so the room says
 *
 * `n` counts from the row before of the same line of the table, `lc` and `at` from the row before, `ts` back from `at` and
 * `in` back from `n`; the first of all count from 0. `more` is an object with what is seldom said.
 */
export const rows: Value<Row[]> = {
  write(places) {
    const writer = new RowWriter();
    return [writer.authors, ...places.map((row) => writer.cells(row))];
  },
  read(json, { from }) {
    const seq = count.read(from, {});
    if (!Array.isArray(json) || json.length > 1 + maxBatchEntries || seq === undefined) return undefined;
    const [lines, ...cells] = json as unknown[];
    const table = all(lines, readAuthor);
    const before = { lc: 0, at: 0 };
    return table && all(cells, (row, i) => readRow(row, seq + i, table, before));
  },
  isVital: true,
};

/** One line of the table, and where its newest row stands. */
type Author = { no: number; n: number; line: unknown[]; said: Said };
type Said = Pick<Message, 'name' | 'key' | 'guest'> & { dev: string };
type Before = { lc: number; at: number };

/** The rows of one frame while they are written; the table of those who wrote them grows. */
export class RowWriter {
  readonly authors: unknown[][] = [];
  /** Of each device, which may have had several names. */
  readonly #known = new Map<string, Author[]>();
  readonly #before = { lc: 0, at: 0 };

  /** The next row. */
  cells(row: Row): unknown[] {
    if (row.kind === 'lost') return [row.hash ?? '', row.sig ?? ''];
    const { id: { n } = nobody, lc = 0, at = 0, ts = 0, in: seen = 0, text, salt: grain = 0, words } = row;
    const [author, before] = [this.#authorOf(row), this.#before];
    const cells: unknown[] = [author.no, n - author.n, lc - before.lc, at - before.at, at - ts, n - seen];
    author.n = n;
    before.lc = lc;
    before.at = at;
    if (words === undefined) cells.push(text, grain);
    else cells.push(0, words);
    const more = moreOf(row);
    if (more) cells.push(more);
    return cells;
  }

  /** The line of who wrote this, a new one if there is none. */
  #authorOf({ id: { dev } = nobody, name, key, guest }: Message): Author {
    let ofDevice = this.#known.get(dev);
    if (!ofDevice) this.#known.set(dev, (ofDevice = []));
    for (const author of ofDevice) {
      const { said } = author;
      if (said.name === name && said.key === key && said.guest === guest) return author;
    }
    const line = [name, dev, key ?? 0, ...(guest ? [1] : [])];
    const said = { name, dev, ...(key !== undefined && { key }), ...(guest && { guest }) };
    const author = { no: this.authors.length, n: 0, line, said };
    this.authors.push(line);
    ofDevice.push(author);
    return author;
  }
}

const nobody: MessageId = { dev: '', n: 0 };

/** What is seldom said. */
const seldom: { [key: string]: Pick<Value<unknown>, 'read'> } = {
  type: word,
  re: id,
  ext: shortText,
  ago: count,
  void: flag,
  erased: proof,
};

function moreOf({ type, re, ext, ago, erased, void: isVoid }: Message): object | undefined {
  if ((type ?? re ?? ext ?? ago ?? erased ?? isVoid) === undefined) return undefined;
  const more = { type, re: re && id.write(re, {}), ext, ago, void: isVoid && 1, erased };
  return more;
}

function readAuthor(json: unknown, no: number): Author | undefined {
  if (!Array.isArray(json)) return undefined;
  const [said, dev, key, guest] = [name.read(json[0], {}), token.read(json[1], {}), json[2], json[3]];
  const isKey = key === 0 || token.read(key, {}) !== undefined;
  if (said === undefined || dev === undefined || !isKey || !(guest === undefined || guest === 1)) return undefined;
  return { no, n: 0, line: json, said: { name: said, dev, ...(key !== 0 && { key }), ...(guest && { guest: true }) } };
}

function readRow(json: unknown, seq: number, table: readonly Author[], before: Before): Row | undefined {
  if (!Array.isArray(json)) return undefined;
  if (json.length === 2) return readLost(json, seq);
  const [no, ...numbers] = json.slice(0, 6);
  const author = table[no as number];
  if (!author || !numbers.every(Number.isSafeInteger)) return undefined;
  const [more, words] = [readMore(json[8]), readWords(json[6], json[7])];
  const placed = readNumbers(numbers as number[], author, before);
  if (!more || !words || !placed) return undefined;
  const { dev, ...said } = author.said;
  const { n, ...times } = placed;
  author.n = n;
  Object.assign(before, times);
  return { kind: 'message', ...said, ...words, id: { dev, n }, ...times, ...more, seq };
}

function readLost([hash, sig]: unknown[], seq: number): Lost | undefined {
  const isHash = hash === '' || token.read(hash, {}) !== undefined;
  if (!isHash || signature.read(sig, {}) === undefined) return undefined;
  return { kind: 'lost', seq, ...(hash !== '' && { hash: hash as string }), sig: sig as string };
}

function readNumbers([n = 0, lc = 0, at = 0, ts = 0, seen = 0]: number[], author: Author, before: Before) {
  const place = { n: author.n + n, lc: before.lc + lc, at: before.at + at };
  const numbers = { ...place, ts: place.at - ts, in: place.n - seen };
  return numbers.n > 0 && Object.values(numbers).every((value) => count.read(value, {}) !== undefined)
    ? numbers
    : undefined;
}

function readWords(text: unknown, grain: unknown): Pick<Message, 'text' | 'salt' | 'words'> | undefined {
  if (text === 0) {
    const words = digest.read(grain, {});
    return words === undefined ? undefined : { text: '', words };
  }
  if (typeof text !== 'string' || !text.isWellFormed()) return undefined;
  if (grain === 0) return { text };
  return salt.read(grain, {}) === undefined ? undefined : { text, salt: grain as string };
}

/** What a later version adds here is not for this one; what it signs stands in `ext`. */
function readMore(json: unknown): Partial<Message> | undefined {
  if (json === undefined) return {};
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const more: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(seldom)) {
    const found = (json as Record<string, unknown>)[key];
    if (found === undefined) continue;
    more[key] = value.read(found, {});
    if (more[key] === undefined) return undefined;
  }
  return more;
}

function all<T>(json: unknown, read: (item: unknown, i: number) => T | undefined): T[] | undefined {
  if (!Array.isArray(json)) return undefined;
  const items: T[] = [];
  for (const [i, item] of json.entries()) {
    const value = read(item, i);
    if (value === undefined) return undefined;
    items.push(value);
  }
  return items;
}
