import type { Join, Message, MessageId } from './frames.ts';

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
