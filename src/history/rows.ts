import { crc32 } from 'node:zlib';
import type { Place } from '../core/log/store.ts';
import { decode } from '../protocol/codec.ts';
import type { Message } from '../protocol/frames.ts';

/** What a row says, and what the database takes and gives for it. */
export type Value = string | number | null;
export type Cell = Value | bigint | Uint8Array;

const utf8 = new TextDecoder();
/** The driver cuts a string at U+0000, so such a one is kept as bytes. */
const toCell = (value: Value) => (typeof value === 'string' && value.includes('\0') ? Buffer.from(value) : value);
export const toCells = (values: Value[]): Cell[] => values.map(toCell);

/** Total: a flipped bit can give a cell any type. */
function toValue(cell: Cell): Value {
  if (typeof cell === 'bigint') return Number(cell);
  return cell instanceof Uint8Array ? utf8.decode(cell) : cell;
}
export const toValues = (cells: Cell[]): Value[] => cells.map(toValue);

const sumOf = (values: Value[]) => crc32(JSON.stringify(values));
/** Adds the sum that tells later whether the disk has kept the row. */
export const seal = (values: Value[]): Cell[] => [...toCells(values), sumOf(values)];
/** What was sealed; undefined if the disk gives back something else. */
export const unseal = (cells: Cell[]): Value[] | undefined => unsealed(toValues(cells));
const unsealed = (values: Value[]) => (values.pop() === sumOf(values) ? values : undefined);

/** The columns of a message, but for its place. */
export function messageValues({ id, name, text, action, lc, ts, key, sig, void: isVoid }: Message): Value[] {
  const said = [id?.dev, id?.n, name, text, action && 1, lc, ts, key, sig, isVoid ? 1 : null];
  return said.map((value) => value ?? null);
}
const messageWidth = 10;

/** What comes from the disk is judged as what comes over the wire. */
export function readMessage(values: Value[]): Message | undefined {
  const [dev, n, name, words, act, lc, ts, key, sig, isVoid] = values.map((value) => value ?? undefined);
  const id = dev === undefined && n === undefined ? undefined : `${dev}.${n}`;
  const text = words === undefined ? undefined : `${words}\n`;
  const frame = decode(Buffer.from(JSON.stringify({ name, text, act, id, lc, ts, key, sig, void: isVoid })));
  return frame.kind === 'message' ? frame : undefined;
}

/** The first cells of an entry are sealed; its message is proved by `hash`. */
const sealed = 6;
export const placeWidth = sealed + messageWidth;

export function placeCells({ seq, prev, hash, atMs, ranMs, message }: Place): Cell[] {
  const said = message ? messageValues(message) : Array(messageWidth).fill(null);
  return [...seal([seq, prev, hash, atMs, ranMs]), ...toCells(said)];
}

/** Undefined if not even the place can be trusted. */
export function readPlace(cells: Cell[]): Place | undefined {
  const values = toValues(cells);
  const place = unsealed(values.splice(0, sealed));
  if (!place) return undefined;
  const [seq, prev, hash, atMs, ranMs] = place as [number, string, string, number, number];
  const message = readMessage(values);
  return { seq, prev, hash, atMs, ranMs, ...(message && { message: Object.assign(message, { seq, hash }) }) };
}
