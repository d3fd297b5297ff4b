/**
 * The wire protocol: every frame that crosses a socket, as one JSON object in one ZeroMQ frame.
 * Four kinds make a chat, and they come first: join, leave, message, shutdown.
 * The rules behind the frames are numbered in docs/protocol.md. This module imports nothing.
 */

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
/** The room closes. On the wire it is a notice, so that each reader shows at least its text. */
export type Shutdown = { kind: 'shutdown'; name: string; text: string };

/** A message id is `dev.n`: the sender's device and its own count 1, 2, 3 … [P7] */
export type MessageId = { dev: string; n: number };

/** What the room says of itself: the original's words, plus keys a program can read. [P4] */
export type Notice = {
  kind: 'notice';
  /** The server's name. */
  name: string;
  text: string;
  notice: 'join' | 'leave' | 'rename' | 'info';
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
/**
 * The entry at this place of the log is damaged, and only the chain goes on over it. In a batch it takes the place of the
 * entry; for a place already passed it is a question to whoever holds the entry.
 */
export type Lost = { kind: 'lost'; seq: number; hash?: string };
/** A message that was given back is not needed: the log already had this one of its device, or a later one. */
export type Had = { kind: 'had'; id: MessageId };
/** Put in by libzmq itself when a connection has ended. [P17] */
export type Gone = { kind: 'gone' };
/** Several entries and notices in one frame, in order; for version-1 sessions only. */
export type Batch = { kind: 'batch'; frames: Single[] };
/** A well-formed object of a kind this version does not know: ignored. [P19] */
export type Unknown = { kind: 'unknown' };
/** Not a frame of this protocol. The peer's fault: counted and ignored, never an exception. */
export type Malformed = { kind: 'malformed'; reason: string };

type Chat = Join | Leave | Message | Shutdown;
/** One object on the wire. */
export type Single = Chat | Notice | Challenge | Welcome | Refused | Ack | Heartbeat | Rejoin | Lost | Had | Gone;
/** What may be sent. */
export type Frame = Single | Batch;
/** What may arrive. */
export type Received = Frame | Unknown | Malformed;

/** The version this program speaks. A frame without `v` comes from the original program (a legacy peer). */
export const protocolVersion = 1;

/** Largest frame in bytes; ZeroMQ cuts the connection of whoever sends more. */
export const maxFrameBytes = 65_536;
/** Longest text of one message, in UTF-8 bytes. */
export const maxTextBytes = 4_096;
/** Longest name on the wire, in UTF-16 code units; what a name may look like is decided in core/names.ts. */
export const maxNameLength = 256;
/** Most entries in one batch frame. */
export const maxBatchEntries = 256;
