import type { Join, Message, MessageId, Welcome } from './frames.ts';

export const formatId = (id: MessageId): string => `${id.dev}.${id.n}`;

/*
 * Each text that is signed begins with its purpose, and then names the room by its key: so a signature is good for one
 * purpose in one room.
 */

/** What the signature of a message covers: what its author wrote. [P24] */
export const signedText = (room: string, message: Message): string =>
  JSON.stringify(['0mq-chat message', room, ...written(message)]);

/** What a client signs to prove who it is, to this room, on this connection. [P23] */
export const joinProof = (nonce: string, room: string, { name, key, dev }: Join): string =>
  JSON.stringify(['0mq-chat join', room, nonce, name, key, dev]);

/** What a server signs to prove whose room it is, in answer to the `cn` of a join, and how far its log goes in this run. [P35] */
export const welcomeProof = (cn: string, room: string, { log, run, head, headHash }: Omit<Welcome, 'sig'>): string =>
  JSON.stringify(['0mq-chat welcome', room, cn, log, run, head, headHash ?? '']);

/** What the hash of an entry covers: the chain before it and everything that was written. [P25] */
export const chainedText = (previous: string, message: Message): string =>
  JSON.stringify(['0mq-chat entry', previous, written(message), ...placed(message)]);

/** What its author wrote, and what became of it in the log; 0 stands for what is not there. */
const written = ({ id, lc, ts, name, text, action }: Message) =>
  [id && formatId(id), lc, ts, name, text, action && 1].map((value) => value ?? 0);
const placed = ({ key, sig, void: isVoid, guest }: Message) =>
  [key, sig, isVoid && 1, guest && 1].map((value) => value ?? 0);

/** The cryptography the cores need, as functions: a simulation may put cheaper ones in their place. */
export interface Crypto {
  /** First 16 bytes of SHA-256 over the UTF-8 text, in base64url. */
  hash(text: string): string;
  /** True if `signature` over `text` was made with the private half of `key` (Ed25519, both in base64url). */
  verify(key: string, text: string, signature: string): boolean;
}

/** A key pair of one person; the private half stays inside. */
export interface Identity {
  /** Public key, 32 bytes in base64url: the member's id. */
  readonly key: string;
  sign(text: string): string;
}
