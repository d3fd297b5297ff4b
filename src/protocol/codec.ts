import type { Frame, Kind, Malformed, Received, Single, Unknown } from './frames.ts';
import { maxFrameBytes, table } from './frames.ts';
import { maxBatchEntries } from './rows.ts';
import type { Field } from './values.ts';

/**
 * The first of these that an object has tells its kind; where kinds share it, `only` does. Many have a `text`, so that is
 * late; a message whose text is gone has `words`.
 */
const tags = [
  'e',
  'auth',
  'nonce',
  'welcome',
  'refused',
  'notice',
  'ack',
  'hb',
  'rejoin',
  'gone',
  'lost',
  'had',
  'sigs',
  'text',
  'words',
];

/** Encodes a frame as JSON text. MUST be given well-formed strings; every text gets the original's final newline. */
export function encode(frame: Frame): string {
  return JSON.stringify(frame.kind === 'batch' ? frame.frames.map(toJson) : toJson(frame));
}

/** Decodes one ZeroMQ frame. Never throws. Texts lose one final newline; ill-formed UTF-16 is repaired to U+FFFD. */
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
    if (value !== undefined) json[key] = write(value, frame);
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
  for (const { property, key, isNeeded, isVital, read } of rows) {
    const found = json[key];
    if (found === undefined && !isNeeded) continue;
    const value = read(found, json);
    if (value !== undefined) frame[property] = value;
    else if (isNeeded || isVital) return malformed(`${key} of ${kind} is missing or wrong`);
  }
  return frame as Single;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const malformed = (reason: string): Malformed => ({ kind: 'malformed', reason });

type Json = Record<string, unknown>;

/** The table as the loops above go through it: made once, of rows that are all alike. */
type Shape = ReturnType<typeof shape>;
function shape([kind, fields]: [string, Record<string, Field<unknown>>]) {
  const rows = Object.entries(fields).map(([property, field]) => ({ property, key: property, ...field }));
  const tag = tags.find((tag) => rows.some(({ key }) => key === tag));
  return { kind, rows, tag, only: rows.find(({ isOnly }) => isOnly)?.constant };
}
const all = Object.entries(table).map(shape);
const shapes = Object.fromEntries(all.map((shape) => [shape.kind, shape])) as Record<Kind, Shape>;
const isTaggedBy = (tag: string, shape: Shape) => shape.tag === tag || (tag === 'words' && shape.kind === 'message');
const tagged = tags.map((tag) => ({ tag, shapes: all.filter((shape) => isTaggedBy(tag, shape)) }));
