import {
  type Batch,
  type Frame,
  type Malformed,
  type MessageId,
  maxBatchEntries,
  maxFrameBytes,
  maxNameLength,
  protocolVersion,
  type Received,
} from './frames.ts';
import { formatId } from './signed.ts';

type Json = Record<string, unknown>;

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
