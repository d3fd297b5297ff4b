import type { Frame, Kind, Leave, Malformed, Message, Notice, Received, Single, Unknown, Upload } from './frames.ts';
import { maxFrameBytes, table } from './frames.ts';
import { plainUpload } from './plain-upload.ts';
import { maxBatchEntries } from './rows.ts';
import { absence, count, type Field } from './values.ts';

/**
 * The first of these that an object has tells its kind; where kinds share it, `only` does. Many have a `text`, so that is
 * late; a message whose text is gone has `words`. What members say to each other comes before all of it, for it holds the same fields.
 */
const tags = [
  'link',
  'peer',
  'said',
  'read',
  'got',
  'e',
  'auth',
  'nonce',
  'welcome',
  'refused',
  'notice',
  'ack',
  'hb',
  'kept',
  'rejoin',
  'gone',
  'lost',
  'had',
  'hole',
  'sigs',
  'roster',
  'text',
  'words',
];

/** Encodes a frame as JSON text. MUST be given well-formed strings; every text gets the original's final newline. */
export function encode(frame: Frame): string {
  if (frame.kind === 'batch') return `[${frame.frames.map(encode).join()}]`;
  if (frame.kind === 'notice') return encodeNotice(frame);
  if (frame.kind === 'upload') return JSON.stringify(uploadJson(frame));
  return JSON.stringify(toJson(frame));
}

/** Once for all batches that it is in. */
function encodeNotice(notice: Notice): string {
  const text = encoded.get(notice) ?? JSON.stringify(toJson(notice));
  encoded.set(notice, text);
  return text;
}
const encoded = new WeakMap<Notice, string>();

/** Encodes a frame with the MAC of all that stands before it as its last field. [P14] */
export function seal(frame: Upload | Leave, mac: (text: string) => string): string {
  const text = encode(frame).slice(0, -1);
  return `${text},"mac":"${mac(text)}"}`;
}
const sealed = /^,"mac":"([\w-]{22})"}$/;
const sealLength = 32;

/** Decodes one ZeroMQ frame. Never throws. Texts lose one final newline; ill-formed UTF-16 is repaired to U+FFFD. */
export function decode(bytes: Uint8Array): Received {
  if (bytes.length > maxFrameBytes) return malformed('frame too large');
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return malformed(noJson);
  }
  return plainUpload(text) ?? decodeJson(text);
}
const noJson = 'not JSON in UTF-8';

/** The same of any text, by the table of all frames. */
export function decodeJson(text: string): Received {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return malformed(noJson);
  }
  const frame = Array.isArray(value) ? batch(value) : whole(value);
  if (frame.kind !== 'upload' && frame.kind !== 'leave') return frame;
  const mac = sealed.exec(text.slice(-sealLength))?.[1];
  return mac === undefined ? frame : { ...frame, seal: { mac, text: text.slice(0, -sealLength) } };
}

/** What stands in no batch is a frame of its own. */
function whole(value: unknown): Single | Upload | Unknown | Malformed {
  const frame = fromJson(value);
  return frame.kind === 'unknown' && (value as Json).up !== undefined ? upload(value as Json) : frame;
}

function uploadJson({ k, messages, away }: Upload): Json {
  const isAbsence = away !== undefined;
  return { up: k, ...(isAbsence ? { away: absence.write(away, {}) } : { m: messages.map(toJson) }) };
}

function upload({ up, m, away: json }: Json): Upload | Malformed {
  const k = count.read(up, {});
  const away = absence.read(json, {});
  if (k && m === undefined && away !== undefined) return { kind: 'upload', k, messages: [], away };
  const messages = Array.isArray(m) && m.length <= maxBatchEntries ? m.map(fromJson) : [];
  const isWhole = messages.every((frame): frame is Message => frame.kind === 'message' && frame.id !== undefined);
  if (!k || messages.length === 0 || !isWhole) return malformed('messages of upload are missing or wrong');
  return { kind: 'upload', k, messages };
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

/** libzmq's own word that a connection has ended, as a room's socket is told to put it in, and seen without decoding it. */
export const goneText = '{"gone":1}';
const goneBytes = new TextEncoder().encode(goneText);
export const isEnd = (data: Uint8Array): boolean =>
  data.length === goneBytes.length && goneBytes.every((byte, i) => byte === data[i]);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
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
