import type { Frame, Malformed, Received, Single, Unknown } from './frames.ts';
import { maxBatchEntries, maxFrameBytes, protocolVersion } from './frames.ts';
import type { Value } from './values.ts';
import { anyNews, count, filledName, flag, id, name, names, oneOf, signature, text, token, version } from './values.ts';

/** Who says something, and what: every program can show it, the original too. */
const words = { name: must(name), text: must(text) };
/**
 * Every kind of frame as it stands on the wire, its fields in the order they are written in. A field's key is its name,
 * or the word given after its kind of value. Where a field `may` be there, anything that is no such value counts as absent.
 */
const table: Table = {
  join: {
    auth: only(1),
    name: must(name),
    version: may(version, 'v'),
    key: may(token),
    dev: may(token),
    since: may(count),
    log: may(token),
    hash: may(token, 'h'),
    history: may(count),
    proof: may(signature),
    text: may(text),
    reply: may(flag, 're'),
  },
  leave: { auth: only(0), name: must(name), text: may(text) },
  message: {
    ...words,
    action: may(flag, 'act'),
    id: may(id),
    lc: may(count),
    ts: may(count),
    key: may(token),
    sig: may(signature),
    first: may(flag),
    seq: may(count),
    hash: may(token, 'h'),
    void: may(flag),
  },
  shutdown: { ...words, notice: only('shutdown') },
  notice: {
    ...words,
    notice: must(anyNews),
    who: may(name),
    was: may(name),
    online: may(count),
    reason: may(oneOf('left', 'lost')),
  },
  challenge: { v: always(protocolVersion), nonce: must(token), server: must(name), log: must(token) },
  welcome: {
    welcome: always(1),
    v: always(protocolVersion),
    name: must(filledName),
    text: must(text),
    who: may(name),
    log: must(token),
    since: must(count),
    hash: may(token, 'h'),
    head: must(count),
    n: may(count),
    fork: may(flag),
    firstMs: may(count),
    online: must(count),
    members: must(names),
  },
  refused: { code: must(oneOf('NAME_REFUSED', 'ROOM_FULL', 'DEVICE_REFUSED'), 'refused'), ...words },
  ack: { seq: must(count, 'ack') },
  heartbeat: { seq: must(count, 'hb') },
  rejoin: { delayMs: must(count, 'rejoin') },
  lost: { seq: must(count, 'lost'), hash: may(token, 'h') },
  had: { id: must(id, 'had') },
  gone: { gone: always(1) },
};

/**
 * The first of these keys that stands in an object says of which kind it is; `text` comes last, for many kinds have one.
 * Where kinds share a key, `only` tells them apart.
 */
const tags = ['auth', 'nonce', 'welcome', 'refused', 'notice', 'ack', 'hb', 'rejoin', 'gone', 'lost', 'had', 'text'];

/**
 * Encodes a frame as JSON text.
 * MUST be given well-formed strings; every text gets the original's final newline.
 */
export function encode(frame: Frame): string {
  return JSON.stringify(frame.kind === 'batch' ? frame.frames.map(toJson) : toJson(frame));
}

/**
 * Decodes one ZeroMQ frame. Total: never throws, whatever the bytes.
 * Texts lose one final newline; ill-formed UTF-16 is repaired to U+FFFD.
 */
export function decode(bytes: Uint8Array): Received {
  if (bytes.length > maxFrameBytes) return malformed('frame too large');
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    return malformed('not JSON in UTF-8');
  }
  return Array.isArray(value) ? batch(value) : fromJson(value);
}

function batch(values: unknown[]): Received {
  if (values.length > maxBatchEntries) return malformed('batch too long');
  const frames: Single[] = [];
  for (const value of values) {
    const frame = fromJson(value);
    if (frame.kind === 'malformed') return frame;
    if (frame.kind !== 'unknown') frames.push(frame);
  }
  return { kind: 'batch', frames };
}

function toJson(frame: Single): Json {
  const json: Json = {};
  for (const { property, key, constant, write } of shapes[frame.kind].rows) {
    const value = constant ?? (frame as Json)[property];
    if (value !== undefined) json[key] = write(value);
  }
  return json;
}

function fromJson(value: unknown): Single | Unknown | Malformed {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return malformed('not an object');
  const json = value as Json;
  const found = tagged.find(({ tag }) => json[tag] !== undefined);
  if (!found) return { kind: 'unknown' };
  const shape = found.shapes.find(({ only }) => only === undefined || only === json[found.tag]);
  return shape ? read(shape, json) : malformed(`${found.tag} has an unknown value`);
}

function read({ kind, rows }: Shape, json: Json): Single | Malformed {
  const frame: Json = { kind };
  for (const { property, key, isNeeded, isStrict, read } of rows) {
    const found = json[key];
    if (found === undefined && !isNeeded) continue;
    const value = read(found);
    if (value !== undefined) frame[property] = value;
    else if (isStrict) return malformed(`${key} of ${kind} is missing or wrong`);
  }
  return frame as Single;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const malformed = (reason: string): Malformed => ({ kind: 'malformed', reason });

type Kind = Single['kind'];
type Json = Record<string, unknown>;

/** A field, or a constant: that stands in every frame of its kind. */
type Field<T> = { value: Value<T>; key?: string; constant?: string | number; isOnly?: boolean; isNeeded?: boolean };
type Needed<T> = Field<T> & { isNeeded: true };
/** A field for each property, needed where the property is; beside them constants. */
type Fields<F> = Record<string, Field<unknown>> & {
  [P in keyof F as Exclude<P, 'kind'>]-?: Record<never, never> extends Pick<F, P> ? Field<F[P]> : Needed<F[P]>;
};
type Table = { [K in Kind]: Fields<Extract<Single, { kind: K }>> };

function must<T>(value: Value<T>, key?: string): Needed<T> {
  return { ...may(value, key), isNeeded: true };
}
function may<T>(value: Value<T>, key = ''): Field<T> {
  return { value, key };
}
/** Written, but not read. */
function always(constant: string | number): Field<unknown> {
  return { value: oneOf(), constant };
}
/** A frame with anything else there is of another kind. */
function only(constant: string | number): Field<unknown> {
  return { ...always(constant), isOnly: true };
}

/** The table as the loops above go through it: made once, of rows that are all alike. */
type Shape = ReturnType<typeof shape>;
function shape([kind, fields]: [string, Fields<unknown>]) {
  const rows = Object.entries(fields).map(([property, field]) => row(property, field));
  const tag = tags.find((tag) => rows.some(({ key }) => key === tag));
  return { kind, rows, tag, only: Object.values(fields).find(({ isOnly }) => isOnly)?.constant };
}
function row(property: string, { value, key, constant, isNeeded = false }: Field<unknown>) {
  const { write, read, isVital } = value;
  return { property, key: key || property, constant, isNeeded, isStrict: isNeeded || isVital === true, write, read };
}
const all = Object.entries(table).map(shape);
const shapes = Object.fromEntries(all.map((shape) => [shape.kind, shape])) as Record<Kind, Shape>;
const tagged = tags.map((tag) => ({ tag, shapes: all.filter((shape) => shape.tag === tag) }));
