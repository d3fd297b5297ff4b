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
  /** Ed25519 public key, 32 bytes in base64url: who this is. [P23] */
  key?: string;
  dev?: string;
  /** The last seq this client has of log `log`, and the hash there; absent on a first join. */
  since?: number;
  log?: string;
  hash?: string;
  /** First join: how many of the newest entries to begin with. */
  history?: number;
  /** Signature over `joinProof`, in answer to a challenge. */
  proof?: string;
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
  /** Lamport counter: higher than that of everything its author had seen. */
  lc?: number;
  /** Its author's public key, and the signature over `signedText`. [P24] */
  key?: string;
  sig?: string;
  /** Sent first after a welcome: every lower n of this device has been seen in a log. [P26] */
  first?: boolean;
  /** `/me`: the text says what its author does. Signed. [P31] */
  action?: true;
  /** When its author wrote it, in ms since 1970; for display only. */
  ts?: number;
  seq?: number;
  /** The chain up to and including this entry. [P25] */
  hash?: string;
  /** Holds its place in the order but is never shown: the room refused its text. [P12] */
  void?: boolean;
};
/** What the room says of itself: the original's words, plus keys a program can read. [P4] */
export type Notice = {
  kind: 'notice';
  /** The server's name. */
  name: string;
  text: string;
  notice: 'join' | 'leave' | 'rename' | 'shutdown' | 'info';
  who?: string;
  /** A rename: who it was before. [P32] */
  was?: string;
  online?: number;
  reason?: 'left' | 'lost';
};
/** Who are you? Answered by a join with a proof. Only a version-1 server asks. [P23] */
export type Challenge = { kind: 'challenge'; nonce: string; server: string; log: string };
/** The session is open. Entries follow from `since + 1`; those up to `head` were written before. [P9] */
export type Welcome = {
  kind: 'welcome';
  name: string;
  text: string;
  /** The name the client goes by from here on. [P32] */
  who?: string;
  log: string;
  since: number;
  /** The chain up to `since`. */
  hash?: string;
  head: number;
  online: number;
  members: string[];
  /** The highest n of this device in the log, kept or not. */
  n?: number;
  /** What the client has is not what this log has: read it again from `since`, then send what it lacks. [P28] */
  fork?: boolean;
  /** When the oldest entry kept was written, in ms since 1970. */
  firstMs?: number;
};
/** The room does not take this member. */
export type Refused = {
  kind: 'refused';
  name: string;
  text: string;
  code: 'NAME_REFUSED' | 'ROOM_FULL' | 'DEVICE_REFUSED';
};
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
export type Frame =
  | Join
  | Leave
  | Message
  | Notice
  | Challenge
  | Welcome
  | Refused
  | Ack
  | Heartbeat
  | Rejoin
  | Gone
  | Batch;
/** What may arrive. */
export type Received = Frame | Unknown | Malformed;

type Json = Record<string, unknown>;

/** The text of a message id as it stands on the wire. */
export const formatId = (id: MessageId): string => `${id.dev}.${id.n}`;

/** What the signature of a message covers: the room (by its server's name), then what its author wrote. [P24] */
export const signedText = (room: string, { id, lc, ts, name, text, action }: Message): string =>
  JSON.stringify([room, id ? formatId(id) : '', lc ?? 0, ts ?? 0, name, text, ...(action ? ['action'] : [])]);

/** What a client signs to prove who it is, to this server, on this connection. [P23] */
export const joinProof = (nonce: string, server: string, { name, key, dev }: Join): string =>
  JSON.stringify(['0mq-chat join', nonce, server, name, key, dev]);

/** What the hash of an entry covers: the chain before it and everything that was written. [P25] */
export const chainedText = (previous: string, message: Message): string =>
  JSON.stringify([previous, signedText('', message), message.key ?? '', message.sig ?? '', message.void ? 1 : 0]);

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
      const { name, version, key, dev, since, log, hash, history, proof, text, reply } = frame;
      const place = { since, log, h: hash, history };
      return { auth: 1, name, v: version, key, dev, ...place, proof, text: line(text), re: flag(reply) };
    }
    case 'leave':
      return { auth: 0, name: frame.name, text: line(frame.text) };
    case 'message': {
      const { name, text, action, id, lc, ts, key, sig, first, seq, hash } = frame;
      const words = { name, text: line(text), act: flag(action) };
      const entry = { seq, h: hash, void: flag(frame.void) };
      return { ...words, id: id && formatId(id), lc, ts, key, sig, first: flag(first), ...entry };
    }
    case 'notice': {
      const { name, text, notice, who, was, online, reason } = frame;
      return { name, text: line(text), notice, who, was, online, reason };
    }
    case 'welcome': {
      const { name, text, who, log, since, hash, head, n, online, members, fork, firstMs } = frame;
      const place = { log, since, h: hash, head, n, fork: flag(fork), firstMs };
      return { welcome: 1, v: protocolVersion, name, text: line(text), who, ...place, online, members };
    }
    case 'challenge':
      return { v: protocolVersion, nonce: frame.nonce, server: frame.server, log: frame.log };
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
  ['nonce', readChallenge],
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
  const { dev, since, log, h, history, proof, key, re } = json;
  const place = { since: asCount(since), log: asToken(log), hash: asToken(h), history: asCount(history) };
  const who = {
    version: asCount(json.v) || undefined,
    key: asToken(key),
    dev: asToken(dev),
    proof: asSignature(proof),
  };
  return drop({ kind: 'join', name, ...who, ...place, text, reply: asFlag(re) });
}

function readChallenge(json: Json): Received {
  const nonce = asToken(json.nonce);
  const server = asName(json.server);
  const log = asToken(json.log);
  if (!nonce || server === undefined || !log) return malformed('challenge lacks a field');
  return { kind: 'challenge', nonce, server, log };
}

function readMessage(json: Json): Received {
  const name = asName(json.name);
  const text = asText(json.text);
  if (name === undefined || text === undefined) return malformed('message without name and text');
  const id = json.id === undefined ? undefined : asId(json.id);
  if (id === null) return malformed('message id is not dev.n');
  const author = { id, lc: asCount(json.lc), ts: asCount(json.ts), key: asToken(json.key), sig: asSignature(json.sig) };
  const place = { seq: asCount(json.seq), hash: asToken(json.h), void: asFlag(json.void) };
  const marks = { action: asFlag(json.act), first: asFlag(json.first) };
  return drop({ kind: 'message', name, text, ...author, ...marks, ...place });
}

function readNotice(json: Json): Received {
  const name = asName(json.name);
  const text = asText(json.text);
  if (name === undefined || text === undefined) return malformed('notice without name and text');
  const notice = oneOf(['join', 'leave', 'rename', 'shutdown', 'info'], json.notice) ?? 'info';
  const reason = oneOf(['left', 'lost'], json.reason);
  const people = { who: asName(json.who), was: asName(json.was), online: asCount(json.online) };
  return drop({ kind: 'notice', name, text, notice, ...people, reason });
}

function readWelcome(json: Json): Received {
  const name = asName(json.name);
  const text = asText(json.text);
  const log = asToken(json.log);
  const [since, head, online] = [asCount(json.since), asCount(json.head), asCount(json.online)];
  if (!name || text === undefined || !log || since === undefined || head === undefined || online === undefined)
    return malformed('welcome lacks a field');
  const members = (Array.isArray(json.members) ? json.members : []).map(asName).filter((m) => m !== undefined);
  const more = { hash: asToken(json.h), n: asCount(json.n), fork: asFlag(json.fork), firstMs: asCount(json.firstMs) };
  return drop({ kind: 'welcome', name, text, who: asName(json.who), log, since, head, online, members, ...more });
}

function readRefused(json: Json): Received {
  const code = oneOf(['NAME_REFUSED', 'ROOM_FULL', 'DEVICE_REFUSED'], json.refused);
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
const flag = (value: boolean | undefined) => (value ? 1 : undefined);
const asFlag = (value: unknown) => (value === 1 ? (true as const) : undefined);
const asSignature = (value: unknown) => (typeof value === 'string' && /^[\w-]{1,128}$/.test(value) ? value : undefined);
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
