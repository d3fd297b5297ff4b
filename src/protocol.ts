/**
 * The wire protocol: every frame that crosses a socket, as one JSON object in one ZeroMQ frame.
 * The rules behind the frames are numbered in docs/protocol.md. This module imports nothing.
 */

/** The version this program speaks. A frame without `v` comes from the original program (a legacy peer). */
export const protocolVersion = 1;

/** Largest frame in bytes; ZeroMQ cuts the connection of whoever sends more. */
export const maxFrameBytes = 65_536;
/** Longest text of one message, in UTF-8 bytes. */
export const maxTextBytes = 4_096;
/** Longest name on the wire, in UTF-16 code units; what a name may look like is decided in core/names.ts. */
const maxNameLength = 256;
/** Most entries in one batch frame. */
export const maxBatchEntries = 256;

/** A message id is `dev.n`: the sender's device and its own count 1, 2, 3 … [P7] */
export type MessageId = { dev: string; n: number };

/** Enter the room, or say hello to a peer (then with `text`, so that a legacy peer can show it). [P1, P20] */
export type Join = {
  kind: 'join';
  name: string;
  /** Absent: a legacy client. */
  version?: number;
  dev?: string;
  /** The last seq this client has of log `log`; absent on a first join. */
  since?: number;
  log?: string;
  text?: string;
  /** p2p: this hello answers a hello. */
  reply?: boolean;
};
export type Leave = { kind: 'leave'; name: string; text?: string };
/** A message. With `id` from a version-1 author, with `seq` once the server has given it its place. */
export type Message = {
  kind: 'message';
  name: string;
  text: string;
  id?: MessageId;
  /** When its author wrote it, in ms since 1970; for display only. */
  ts?: number;
  seq?: number;
  /** Holds its place in the order but is never shown: the room refused its text. [P12] */
  void?: boolean;
};
/** What the room says of itself: the original's words, plus keys a program can read. [P4] */
export type Notice = {
  kind: 'notice';
  /** The server's name. */
  name: string;
  text: string;
  notice: 'join' | 'leave' | 'shutdown' | 'info';
  who?: string;
  online?: number;
  reason?: 'left' | 'lost';
};
/** The session is open. Entries follow from `since + 1`; those up to `head` were written before. [P9] */
export type Welcome = {
  kind: 'welcome';
  name: string;
  text: string;
  log: string;
  since: number;
  head: number;
  online: number;
  members: string[];
};
/** The room does not take this member. */
export type Refused = { kind: 'refused'; name: string; text: string; code: 'NAME_REFUSED' | 'ROOM_FULL' };
export type Ack = { kind: 'ack'; seq: number };
/** The server lives; `seq` is the highest one it sent to this session. */
export type Heartbeat = { kind: 'heartbeat'; seq: number };
/** Join again, after `delayMs`: until then nothing from here is heard. */
export type Rejoin = { kind: 'rejoin'; delayMs: number };
/** Put in by libzmq itself when a connection has ended. [P17] */
export type Gone = { kind: 'gone' };
/** Several entries and notices in one frame, in order; for version-1 sessions only. */
export type Batch = { kind: 'batch'; frames: Exclude<Frame, Batch>[] };
/** A well-formed object of a kind this version does not know: ignored. [P19] */
export type Unknown = { kind: 'unknown' };
/** Not a frame of this protocol. The peer's fault: counted and ignored, never an exception. */
export type Malformed = { kind: 'malformed'; reason: string };

/** What may be sent. */
export type Frame = Join | Leave | Message | Notice | Welcome | Refused | Ack | Heartbeat | Rejoin | Gone | Batch;
/** What may arrive. */
export type Received = Frame | Unknown | Malformed;

type Json = Record<string, unknown>;

/** The text of a message id as it stands on the wire. */
export const formatId = (id: MessageId): string => `${id.dev}.${id.n}`;

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

const utf8 = new TextDecoder('utf-8', { fatal: true });
const malformed = (reason: string): Malformed => ({ kind: 'malformed', reason });

function batch(values: unknown[]): Received {
  if (values.length > maxBatchEntries) return malformed('batch too long');
  const frames: Batch['frames'] = [];
  for (const value of values) {
    const frame = fromJson(value);
    if (frame.kind === 'malformed') return frame;
    if (frame.kind !== 'unknown') frames.push(frame);
  }
  return { kind: 'batch', frames };
}

function toJson(frame: Exclude<Frame, Batch>): Json {
  switch (frame.kind) {
    case 'join': {
      const { name, version, dev, since, log, text, reply } = frame;
      return { auth: 1, name, v: version, dev, since, log, text: line(text), re: reply ? 1 : undefined };
    }
    case 'leave':
      return { auth: 0, name: frame.name, text: line(frame.text) };
    case 'message': {
      const { name, text, id, ts, seq } = frame;
      return { name, text: line(text), id: id && formatId(id), ts, seq, void: frame.void ? 1 : undefined };
    }
    case 'notice': {
      const { name, text, notice, who, online, reason } = frame;
      return { name, text: line(text), notice, who, online, reason };
    }
    case 'welcome': {
      const { name, text, log, since, head, online, members } = frame;
      return { welcome: 1, v: protocolVersion, name, text: line(text), log, since, head, online, members };
    }
    case 'refused':
      return { refused: frame.code, name: frame.name, text: line(frame.text) };
    case 'ack':
      return { ack: frame.seq };
    case 'heartbeat':
      return { hb: frame.seq };
    case 'rejoin':
      return { rejoin: frame.delayMs };
    case 'gone':
      return { gone: 1 };
  }
}

/** The first key that is present names the kind; the order matters only for objects that mix kinds. */
const readers: [key: string, read: (json: Json) => Received][] = [
  ['auth', readAuth],
  ['welcome', readWelcome],
  ['refused', readRefused],
  ['notice', readNotice],
  ['ack', (json) => readNumber(json.ack, (seq) => ({ kind: 'ack', seq }))],
  ['hb', (json) => readNumber(json.hb, (seq) => ({ kind: 'heartbeat', seq }))],
  ['rejoin', (json) => readNumber(json.rejoin, (delayMs) => ({ kind: 'rejoin', delayMs }))],
  ['gone', () => ({ kind: 'gone' })],
  ['text', readMessage],
];

function fromJson(value: unknown): Exclude<Received, Batch> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return malformed('not an object');
  const json = value as Json;
  const reader = readers.find(([key]) => Object.hasOwn(json, key));
  return (reader ? reader[1](json) : { kind: 'unknown' }) as Exclude<Received, Batch>;
}

function readAuth(json: Json): Received {
  const name = asName(json.name);
  if (name === undefined) return malformed('join or leave without a name');
  const text = asText(json.text);
  if (json.auth === 0) return drop({ kind: 'leave', name, text });
  if (json.auth !== 1) return malformed('auth is neither 0 nor 1');
  const { v, dev, since, log, re } = json;
  const version = asCount(v);
  const reply = re === 1 ? true : undefined;
  return drop({
    kind: 'join',
    name,
    version,
    dev: asToken(dev),
    since: asCount(since),
    log: asToken(log),
    text,
    reply,
  });
}

function readMessage(json: Json): Received {
  const name = asName(json.name);
  const text = asText(json.text);
  if (name === undefined || text === undefined) return malformed('message without name and text');
  const id = json.id === undefined ? undefined : asId(json.id);
  if (id === null) return malformed('message id is not dev.n');
  const isVoid = json.void === 1 ? true : undefined;
  return drop({ kind: 'message', name, text, id, ts: asCount(json.ts), seq: asCount(json.seq), void: isVoid });
}

function readNotice(json: Json): Received {
  const name = asName(json.name);
  const text = asText(json.text);
  if (name === undefined || text === undefined) return malformed('notice without name and text');
  const notice = oneOf(['join', 'leave', 'shutdown', 'info'], json.notice) ?? 'info';
  const reason = oneOf(['left', 'lost'], json.reason);
  return drop({ kind: 'notice', name, text, notice, who: asName(json.who), online: asCount(json.online), reason });
}

function readWelcome(json: Json): Received {
  const name = asName(json.name);
  const text = asText(json.text);
  const log = asToken(json.log);
  const [since, head, online] = [asCount(json.since), asCount(json.head), asCount(json.online)];
  if (!name || text === undefined || !log || since === undefined || head === undefined || online === undefined)
    return malformed('welcome lacks a field');
  const members = (Array.isArray(json.members) ? json.members : []).map(asName).filter((m) => m !== undefined);
  return { kind: 'welcome', name, text, log, since, head, online, members };
}

function readRefused(json: Json): Received {
  const code = oneOf(['NAME_REFUSED', 'ROOM_FULL'], json.refused);
  const name = asName(json.name);
  const text = asText(json.text);
  if (!code || name === undefined || text === undefined) return malformed('refusal lacks a field');
  return { kind: 'refused', name, text, code };
}

function readNumber(value: unknown, make: (count: number) => Frame): Received {
  const count = asCount(value);
  return count === undefined ? malformed('not a count') : make(count);
}

const line = (text: string | undefined) => (text === undefined ? undefined : `${text}\n`);
const oneOf = <T extends string>(words: readonly T[], value: unknown) => words.find((word) => word === value);
const asCount = (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
const asText = (value: unknown) => (typeof value === 'string' ? value.toWellFormed().replace(/\n$/, '') : undefined);
const asName = (value: unknown) =>
  typeof value === 'string' && value.length <= maxNameLength ? value.toWellFormed() : undefined;
const asToken = (value: unknown) => (typeof value === 'string' && /^[\w-]{1,64}$/.test(value) ? value : undefined);

function asId(value: unknown): MessageId | null {
  const parts = typeof value === 'string' ? /^([\w-]{1,64})\.([1-9]\d{0,15})$/.exec(value) : null;
  const n = Number(parts?.[2]);
  return parts?.[1] && Number.isSafeInteger(n) ? { dev: parts[1], n } : null;
}

/** Leaves out what is undefined, so that a decoded frame equals the one that was encoded. */
function drop<T extends object>(frame: { [K in keyof T]: T[K] | undefined }): T {
  for (const key of Object.keys(frame) as (keyof T)[]) if (frame[key] === undefined) delete frame[key];
  return frame as T;
}
