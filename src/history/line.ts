import { crc32 } from 'node:zlib';
import type { Place } from '../core/log/store.ts';
import type { Message, MessageId } from '../protocol/frames.ts';
import { formatId, quoted } from '../protocol/signed.ts';

/*
 * A place of the log as the database keeps it: one line of JSON, an array of cells. The driver takes three times as long for as many
 * columns, to write them and to read them. [F3]
 */

/** The chain is told by cells that have a sum. The message needs none, for `hash` proves all of it but its signatures. [F5] */
const chain = ['prev', 'hash', 'at_ms', 'ran_ms', 'sig', 'erased'];
/** The columns of a message. What is seldom said stands last, so that most lines end before it. */
const said = 'dev n name text lc ts seen salt key type re ext words void guest ago'.split(' ');

/** Shows the lines as a table, to people and to what is asked in SQL. */
export const messagesView = `CREATE VIEW messages AS SELECT seq, ${[...chain, 'sum', ...said]
  .map((name, i) => `json_extract(whole, '$[${i}]') AS ${name}`)
  .join()} FROM (SELECT seq, CASE WHEN json_valid(line) THEN line ELSE '[]' END AS whole FROM entries)`;

/** Many rows as one text, which `placesIn` reads: the driver takes longer for many rows than for their bytes. */
export const rowsInText = "SELECT group_concat(seq || ' ' || line, char(10)) FROM entries WHERE seq BETWEEN ? AND ?";
export const placesIn = (rows: string): Place[] => rows.split('\n').flatMap((row) => placeOf(row) ?? []);

/** Put together by hand, which takes half as long: what is a token wherever it comes from (values.ts) needs no escape. */
export function lineOf({ seq, prev, hash, atMs, ranMs, message }: Place): string {
  const sealed = `["${prev}","${hash}",${atMs},${ranMs},${token(message?.sig)},${token(message?.erased)}`;
  return `${sealed},"${sumOf(`${seq} ${sealed}`)}"${message ? cellsOf(message) : ''}]`;
}

function cellsOf(message: Message): string {
  const { id, name, text, lc, ts, in: seen, salt, key, type, re, ext, words, void: isVoid, guest, ago } = message;
  const whose = `${token(id?.dev)},${id?.n ?? null},${quoted(name)},${words === undefined ? quoted(text) : null}`;
  const plain = `,${whose},${lc ?? null},${ts ?? null},${seen ?? null},${token(salt)},${token(key)}`;
  if ((type ?? re ?? ext ?? words ?? isVoid ?? guest ?? ago) === undefined) return plain;
  const seldom = `${token(re && formatId(re))},${ext === undefined ? null : quoted(ext)},${token(words)}`;
  return `${plain},${token(type)},${seldom},${isVoid ? 1 : null},${guest ? 1 : null},${ago ?? null}`;
}
const token = (value: string | undefined): string => (value === undefined ? 'null' : `"${value}"`);

/**
 * The place of a row, its `seq` and its line with a space between, if what is sealed is as it was written. The message is as it
 * stands there: whoever reads it proves it by the chain.
 */
export function placeOf(row: string): Place | undefined {
  const begin = row.indexOf(' ');
  const cells = parsed(row.slice(begin + 1));
  const sum = cells[chain.length];
  if (typeof sum !== 'string' || sumOf(row.slice(0, row.indexOf(`,"${sum}"`))) !== sum) return undefined;
  const [prev, hash, atMs, ranMs] = cells as [string, string, number, number];
  const seq = Number(row.slice(0, begin));
  const message = messageIn(cells, seq);
  return { seq, prev, hash, atMs, ranMs, ...(message && { message }) };
}

/** In quotes, and with a sign: no other cell can look like it. */
const sumOf = (sealed: string): string => `#${crc32(sealed)}`;

function parsed(line: string): unknown[] {
  try {
    const cells: unknown = JSON.parse(line);
    return Array.isArray(cells) ? cells : [];
  } catch {
    return [];
  }
}

/**
 * Total, for a flipped bit can make anything of a cell. What is a text anywhere is one here, or nothing: the chain takes 0 for what
 * is not there.
 */
function messageIn([, hash, at, , sig, erased, , ...said]: unknown[], seq: number): Message | undefined {
  const [dev, n, name, text, lc, ts, seen, salt, key, type, re, ext, words, isVoid, guest, ago] = said;
  const isGone = typeof words === 'string';
  if (typeof name !== 'string' || !(isGone || typeof text === 'string')) return undefined;
  return {
    kind: 'message',
    name,
    // Where its digest stands, nothing proves the text.
    text: isGone ? '' : text,
    type: textOf(type),
    id: typeof dev === 'string' && typeof n === 'number' ? { dev, n } : undefined,
    lc: numberOf(lc),
    ts: numberOf(ts),
    in: numberOf(seen),
    re: typeof re === 'string' ? idOf(re) : undefined,
    ext: textOf(ext),
    salt: textOf(salt),
    words: textOf(words),
    erased: textOf(erased),
    key: textOf(key),
    sig: textOf(sig),
    first: undefined,
    seq,
    hash,
    at,
    ago: numberOf(ago),
    void: isVoid === 1 || undefined,
    guest: guest === 1 || undefined,
  } as unknown as Message;
}
const textOf = (cell: unknown) => (typeof cell === 'string' ? cell : undefined);
const numberOf = (cell: unknown) => (typeof cell === 'number' ? cell : undefined);

function idOf(text: string): MessageId {
  const dot = text.lastIndexOf('.');
  return { dev: text.slice(0, dot), n: Number(text.slice(dot + 1)) };
}
