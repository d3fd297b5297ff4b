import type { Join, Message, MessageId, Welcome } from './frames.ts';

export const formatId = (id: MessageId): string => `${id.dev}.${id.n}`;

/*
 * Each text that is signed begins with its purpose, and then names the room by its key: so a signature is good for one
 * purpose in one room.
 */

/** What the signature of a message covers: what its author wrote. [P4] */
export const signedText = (crypto: Crypto, room: string, message: Message): string =>
  `["0mq-chat message","${room}",${written(crypto, message)}]`;

/** Names what its author signed, for whoever has to compare it with what another one has. [P23] */
export const signedHash = (crypto: Crypto, room: string, message: Message): string =>
  crypto.hash(signedText(crypto, room, message));

/**
 * What a client signs to prove who it is, to this room, on this connection. Over an encrypted one it has another purpose: what
 * somebody on the way has got out of an open one is of no use there. [P7]
 */
export const joinProof = (nonce: string, room: string, { name, key, dev }: Join, isSecure = false): string =>
  JSON.stringify([isSecure ? '0mq-chat secure join' : '0mq-chat join', room, nonce, name, key, dev]);

/** What a server signs to prove whose room it is, in answer to the `cn` of a join, and how far its log goes in this run. [P8] */
export const welcomeProof = (cn: string, room: string, { log, run, head, headHash }: Told): string =>
  JSON.stringify(['0mq-chat welcome', room, cn, log, run, head, headHash ?? '']);
type Told = Pick<Welcome, 'log' | 'run' | 'head' | 'headHash'>;

/** What the half of a device covers that follows its salt: so a device is one key's, and nobody else can use it. [P3] */
export const deviceText = (key: string, salt: string): string => JSON.stringify(['0mq-chat device', key, salt]);

/** What the key of a session is made of, besides the secret that both sides share: it is good for one proof alone. [P14] */
export const sessionSalt = (nonce: string, cn: string): string => JSON.stringify([nonce, cn]);
export const sessionInfo = (room: string, { key, dev }: Pick<Join, 'key' | 'dev'>): string =>
  JSON.stringify(['0mq-chat session', room, key, dev]);

/** How far a log goes in one run of its server. `cn`: it was told in the welcome that answers this nonce. */
export type Head = { log: string; run: string; seq: number; hash: string; cn?: string };
export type SignedHead = Head & { sig: string };

/** What the room's key signs of a head: a server stands by one past as long as it runs. [P26] */
export const headProof = (room: string, { log, run, seq, hash, cn }: Head): string =>
  cn === undefined
    ? JSON.stringify(['0mq-chat head', room, log, run, seq, hash])
    : welcomeProof(cn, room, { log, run, head: seq, headHash: hash });

/**
 * What the room's key signs where the chain goes on over a place that is lost: from `prev` on, `''` if that is not known.
 * Nobody on the way can hide a change behind such a place. [P28]
 */
export const lostText = (room: string, log: string, { seq, prev, hash }: Gap): string =>
  JSON.stringify(['0mq-chat lost', room, log, seq, prev, hash]);
export type Gap = { seq: number; prev: string; hash: string };

/** The chain up to and including an entry: what was written, and what became of it in the log. [P25] */
export const chainHash = (crypto: Crypto, before: string, message: Message): string =>
  crypto.hash(`["0mq-chat entry","${before}",[${written(crypto, message)}],${placed(message)}]`);

/** Stands in the place of a signature that is not its author's. */
export const wrongSignature = '-';

/** Its signature is here, and is right. */
export const isSigned = ({ sig }: Message): boolean => sig !== undefined && sig !== wrongSignature;

/** What stands for the text in everything that is signed and chained, so that the text itself can go. [P4] */
export const digestOf = (crypto: Crypto, { words, salt, text }: Message): string =>
  words ?? crypto.digest(`["0mq-chat words",${orZero(salt)},${quoted(text)}]`);

/** The message without its text: what is left still proves who wrote it, and where it stands. */
export function withoutText(crypto: Crypto, message: Message): Message {
  const { salt: _, ...rest } = message;
  return { ...rest, text: '', words: digestOf(crypto, message) };
}

/**
 * What its author wrote, as JSON.stringify would write it, but faster: of such texts the chain is made. In what must be a token
 * wherever it comes from (values.ts) nothing is escaped; from a disk anything may come, but not what the hash is of.
 */
function written(crypto: Crypto, message: Message): string {
  const { id, lc = 0, ts = 0, in: seen = 0, type, name, re, ext } = message;
  const words = quoted(digestOf(crypto, message));
  const more = `${orZero(re && formatId(re))},${ext === undefined ? 0 : quoted(ext)}`;
  return `${orZero(id && formatId(id))},${lc},${ts},${seen},${orZero(type)},${quoted(name)},${words},${more}`;
}
const placed = ({ key, void: isVoid, guest, at = 0, ago = 0 }: Message): string =>
  `${orZero(key)},${isVoid ? 1 : 0},${guest ? 1 : 0},${at},${ago}`;
/** 0 stands for what is not there. */
const orZero = (token: string | undefined): string => (token === undefined ? '0' : `"${token}"`);

/** As JSON.stringify writes it. */
export const quoted = (text: string): string => (isPlain(text) ? `"${text}"` : JSON.stringify(text));
/** In JSON nothing of it is escaped, and each character is a byte. */
export const isPlain = (text: string): boolean => plain.test(text);
const plain = /^[ !#-[\]-~]*$/;

/** One end of a link between members, and the nonce that it has chosen for that link. */
export type LinkEnd = { nonce: string; key: string; dev: string };

/** What each end of a link signs, its own end first: so nobody can show it on another link, or as the other end's. [P51] */
export const linkProof = (room: string, mine: LinkEnd, theirs: LinkEnd): string =>
  JSON.stringify(['0mq-chat link', room, ...[mine, theirs].flatMap(({ nonce, key, dev }) => [nonce, key, dev])]);

/** The cryptography the cores need, as functions: a simulation may put cheaper ones in their place. */
export interface Crypto {
  /** First 16 bytes of SHA-256 over the UTF-8 text, in base64url. */
  hash(text: string): string;
  /** All of SHA-256 over the UTF-8 text, in base64url. */
  digest(text: string): string;
  /** True if `signature` over `text` was made with the private half of `key` (Ed25519, both in base64url). */
  verify(key: string, text: string, signature: string): boolean;
  /** True if this device was made from `key`. [P3] */
  isDeviceOf(key: string, dev: string): boolean;
  /** First 16 bytes of HMAC-SHA-256 over the UTF-8 text, in base64url; `key` is of `Identity.sessionKey`. */
  mac(key: string, text: string): string;
}

/** A key pair of one person; the private half stays inside. */
export interface Identity {
  /** Public key, 32 bytes in base64url: the member's id. */
  readonly key: string;
  sign(text: string): string;
  /** A key that only this identity and the one with the key `other` can come to; undefined if `other` is no key of anybody's. */
  sessionKey(other: string, salt: string, info: string): string | undefined;
}
