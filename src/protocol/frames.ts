import { addresses, listed } from './roster.ts';
import { rows } from './rows.ts';
import { counts, runs } from './runs.ts';
import {
  absences,
  always,
  anyName,
  anyNews,
  count,
  digest,
  type Field,
  filledName,
  flag,
  id,
  ids,
  may,
  must,
  name,
  names,
  oneOf,
  only,
  proof,
  salt,
  shortText,
  signature,
  signatures,
  text,
  token,
  version,
  word,
  wordsOrDigest,
} from './values.ts';

/** The version this program speaks. A frame without `v` comes from the original program (a legacy peer). */
export const protocolVersion = 1;
/** Largest frame in bytes; ZeroMQ cuts the connection of whoever sends more. */
export const maxFrameBytes = 65_536;
/** Longest text of one message, in UTF-8 bytes. */
export const maxTextBytes = 4_096;
/** As JSON it may take more, but not much: a control character takes six bytes there. */
export const maxTextJsonBytes = 8_192;
/** A character takes at most six bytes: this decides about most texts at once. */
const surelyFits = Math.floor(Math.min(maxTextBytes / 3, maxTextJsonBytes / 6)) - 1;
export const isTooLong = (text: string): boolean =>
  text.length > surelyFits &&
  (text.length > maxTextBytes ||
    Buffer.byteLength(text) > maxTextBytes ||
    Buffer.byteLength(JSON.stringify(text)) > maxTextJsonBytes);

/** Every program can show them, the original too. */
const words = { name: must(name), text: must(text) };
/** With `id` from a version-1 author, with `seq` once the server has given it its place. */
const message = {
  name: must(anyName),
  /** '' where it is gone; what is left of it is `words`. */
  text: must(wordsOrDigest),
  /** What it is, if it is not plain text: `action` (`/me`), or what no reader is shown: `nothing`, and all unknown ones. [P5] */
  type: may(word),
  id: may(id),
  /** Lamport counter: higher than that of everything its author had seen. */
  lc: may(count),
  /** When its author wrote it, in ms since 1970, by the author's clock. */
  ts: may(count),
  /** The highest n of its own device that its author had seen in the log. */
  in: may(count),
  /** The message that this one answers. */
  re: may(id),
  /** What a later version says besides. */
  ext: may(shortText),
  /** So that nobody can guess a text by its digest. */
  salt: may(salt),
  /** The digest of salt and text, where the text is gone. */
  words: may(digest),
  /** The room's signature, where it has erased the text: it says that the text may be missing. [P36] */
  erased: may(proof),
  /** Its author's public key, and the signature over `signedText`. [P4] */
  key: may(token),
  sig: may(signature),
  /** Sent first after a welcome: every lower n of this device has been seen in a log. [P17] */
  first: may(flag),
  seq: may(count),
  /** The chain up to and including this entry. [P25] */
  hash: may(token, 'h'),
  /** When the log took it, by the server's clock, in ms since 1970: this is the time that is shown. */
  at: may(count),
  /** For how long it had been said by then, if that is worth a word. */
  ago: may(count),
  /** Holds its place in the order but is never shown: its text was too long. [P19] */
  void: may(flag),
  /** Its author's name was somebody else's, or nobody's to bear, at this place: it is shown as a guest's. [P11] */
  guest: may(flag),
};
/** A place whose entry is damaged: only the chain goes on, on the word of the room. As a frame it asks for the entry. [P28] */
const lost = { seq: must(count, 'lost'), hash: may(token, 'h'), sig: may(signature) };
/**
 * The wire protocol (docs/protocol.md): every kind of frame, one JSON object in one ZeroMQ frame, its fields in the order
 * they are written in, under their names or the word given last. A frame without a field that `must` be there is
 * malformed; where a field `may` be there, anything that is no such value counts as absent.
 */
export const table = {
  /** Enter the room, or say hello to a peer (then with `text`, so that a legacy peer can show it). [P6, P40] */
  join: {
    auth: only(1),
    name: must(anyName),
    /** Absent: a legacy client. */
    version: may(version, 'v'),
    /** Ed25519 public key, 32 bytes in base64url: who this is. [P7] */
    key: may(token),
    dev: may(token),
    /** The last seq this client has of log `log`, and the hash there; absent on a first join. */
    since: may(count),
    log: may(token),
    hash: may(token, 'h'),
    /** First join: how many of the newest entries to begin with. */
    history: may(count),
    /** A nonce, for the server to prove whose room this is. [P8] */
    cn: may(token),
    /** Signature over `joinProof`, in answer to a challenge. */
    proof: may(signature),
    text: may(text),
    /** p2p: this hello answers a hello. */
    reply: may(flag, 're'),
  },
  leave: { auth: only(0), name: must(anyName), text: may(text) },
  message,
  /**
   * Places `from`, `from` + 1, … of the log, and the chain up to and including the last of them. [P25] Where that is the
   * newest one, `sig` may be the signature of the room's key over `headProof`. [P26]
   */
  entries: { from: must(count), rows: must(rows, 'e'), hash: may(token, 'h'), sig: may(signature) },
  /** The room closes. On the wire it is a notice, so that each reader shows at least its text. */
  shutdown: { ...words, notice: only('shutdown') },
  /** What the room says of itself: the original's words, plus keys for programs. `was`: the name before. [P33, P10] */
  notice: {
    ...words,
    notice: must(anyNews),
    who: may(name),
    was: may(name),
    online: may(count),
    reason: may(oneOf('left', 'lost')),
    /** Why, with the news `away`. */
    away: may(text),
  },
  /** Who are you? Answered by a join with a proof. Only a version-1 server asks. [P7] */
  challenge: {
    v: always(protocolVersion),
    nonce: must(token),
    room: must(token),
    log: must(token),
    /** Of the join that it answers, as in `refused`. */
    cn: must(token),
  },
  /** The session is open. Entries follow from `since + 1`; those up to `head` were written before. [P9] */
  welcome: {
    welcome: always(1),
    v: always(protocolVersion),
    name: must(filledName),
    text: must(text),
    /** The name the client goes by from here on. [P10] */
    who: may(name),
    log: must(token),
    since: must(count),
    /** The chain up to `since`. */
    hash: may(token, 'h'),
    head: must(count),
    /** The chain up to `head`. */
    headHash: may(token, 'hh'),
    /** Names this run of the server. */
    run: must(token),
    /** Signature of the room's key over `welcomeProof`. [P8] */
    sig: must(signature),
    /** The highest n of this device in the log, kept or not. */
    n: may(count),
    /** The hash of what was signed under it, if it is known. */
    nHash: may(token, 'nh'),
    /** The `cn` of the session over another connection that this one has ended, for a device has one. [P23] */
    ended: may(token),
    /** What the client has is not what this log has: read it again from `since`, then send what it lacks. [P35] */
    fork: may<boolean>(flag),
    /** When the oldest entry kept was written, in ms since 1970. */
    firstMs: may(count),
    online: must(count),
    members: must(names),
    /** Of each of them; absent where nobody is away. */
    away: may(absences),
    /** What the room is about, as whoever keeps it says. */
    topic: may(text),
    /** Members are not to link with each other in this room: it tells nobody who and where they are. [P56] */
    unlinked: may(flag),
  },
  refused: {
    code: must(oneOf('NAME_REFUSED', 'ROOM_FULL', 'PROOF_REFUSED', 'VERSION_REFUSED'), 'refused'),
    ...words,
    cn: may(token),
    /** The version that the server speaks. */
    version: may(version, 'v'),
  },
  ack: { seq: must(count, 'ack') },
  /** The server lives; `seq` is the highest one it sent to this session, `kept` and `held` are its receipt. */
  heartbeat: {
    seq: must(count, 'hb'),
    kept: may(count),
    held: may(count),
    heldMs: may(count),
    /** How far the log goes, the chain up to there, and the signature of the room's key over `headProof`. [P26] */
    head: may(count),
    headHash: may(token, 'hh'),
    sig: may(signature),
  },
  /**
   * Own messages up to n are on the server's disk, and so many wait to be: for who reads too slowly to see them come back, or
   * writes faster than the room takes. Then the last of them will be there in about `heldMs`. [P22]
   */
  receipt: { kept: must(count), held: may(count), heldMs: may(count) },
  /** Join again, after `delayMs`: until then nothing from here is heard. */
  rejoin: { delayMs: must(count, 'rejoin') },
  lost,
  /** Asks for the signatures of the entries from this place on; in answer, what the room has of them, '' where it has none. [P27] */
  signatures: { seq: must(count, 'sigs'), sigs: may(signatures, 's') },
  /**
   * Who the members are. A client says which version it has; the server answers with what has changed from there on, in
   * parts: all there is where `from` is 0. The last part brings the room's signature over `rosterText`. [P43]
   */
  roster: {
    version: must(count, 'roster'),
    from: may(count),
    members: may(listed, 'm'),
    addresses: may(addresses, 'a'),
    at: may(count),
    digest: may(token),
    sig: may(signature),
  },
  /** These messages are not needed: up to `head`, the log had each of them, or a later one of its device. [P21] */
  had: { ids: must(ids, 'had'), head: must(count) },
  /** This one of somebody else's does not follow, and nothing more of others is taken until the next proof. [P35] */
  hole: { id: must(id, 'hole') },
  /** Between members: who is at this end of a link, and, once the other nonce is known, the proof over `linkProof`. [P51] */
  greet: { nonce: must(token, 'link'), key: must(token), dev: must(token), proof: may(signature) },
  /**
   * The r-th hello over a link says what is here: how far the log was read, and of each device the lowest run of messages
   * that wait. What comes from the other end answers the newest one. [P52]
   */
  hello: {
    r: must(count, 'peer'),
    log: may(token),
    cursor: may(count, 'since'),
    hash: may(token, 'h'),
    /** The server is heard here. */
    live: may(flag, 'on'),
    /** In a session in which the server is missed: what is new is wanted from here, too. */
    apart: may(flag, 'off'),
    /** The version of the roster that is here, and where members can be reached, as they have signed it. */
    version: may(count, 'roster'),
    addresses: may(addresses, 'a'),
    waits: must(runs, 'w'),
  },
  /** The k-th frame of a stream: a message as its author has signed it. [P53] */
  said: { k: must(count, 'said'), of: must(count), ...message },
  /** The k-th frame of a stream: places of the log, up to a head that the room has signed; of several frames the last one has it. [P54] */
  relayed: {
    k: must(count, 'read'),
    of: must(count),
    from: must(count),
    rows: must(rows, 'e'),
    hash: may(token, 'h'),
    run: may(token),
    cn: may(token),
    sig: may(signature),
  },
  /** Everything of the stream up to the k-th frame is on disk here, but for those that are `not` kept. Also says that this end lives. [P55] */
  got: { k: must(count, 'got'), of: must(count), not: may(counts) },
  /** Put in by libzmq itself when a connection has ended. [P34] */
  gone: { gone: always(1) },
};

export type Kind = keyof typeof table;
/** A frame as the program has it: its kind, and its fields by their names. */
type FrameOf<K extends Kind> = Fields<K, (typeof table)[K]>;
type Fields<K extends string, F> = { kind: K } & Needed<F> & Optional<F>;
type Needed<F> = { [P in keyof F as F[P] extends { isNeeded: true } ? P : never]: ValueOf<F[P]> };
type Optional<F> = { [P in keyof F as F[P] extends { isNeeded: false } ? P : never]?: ValueOf<F[P]> };
type ValueOf<F> = F extends Field<infer T> ? T : never;

export type Join = FrameOf<'join'>;
export type Message = Fields<'message', typeof message>;
export type Notice = FrameOf<'notice'>;
export type Challenge = FrameOf<'challenge'>;
export type Welcome = FrameOf<'welcome'>;
export type Refused = FrameOf<'refused'>;
export type Heartbeat = FrameOf<'heartbeat'>;
export type Receipt = FrameOf<'receipt'>;
export type Lost = Fields<'lost', typeof lost>;
export type Entries = FrameOf<'entries'>;
export type RosterFrame = FrameOf<'roster'>;
export type Greet = FrameOf<'greet'>;
export type Hello = FrameOf<'hello'>;
export type Said = FrameOf<'said'>;
export type Relayed = FrameOf<'relayed'>;
export type Got = FrameOf<'got'>;
export type SignaturesFrame = FrameOf<'signatures'>;
/** A message id is `dev.n`: the sender's device and its own count 1, 2, 3 … [P3] */
export type MessageId = { dev: string; n: number };

/** What stands at the end of a frame, and all that stands before it: only who has the session's key can write both. [P14] */
export type Seal = { mac: string; text: string };
export type Leave = FrameOf<'leave'> & { seal?: Seal };
/** One object on the wire. */
export type Single = { [K in Exclude<Kind, 'leave'>]: FrameOf<K> }[Exclude<Kind, 'leave'>] | Leave;
/** Several entries and notices in one frame, in order; for version-1 sessions only. */
export type Batch = { kind: 'batch'; frames: Single[] };
/**
 * What a session says, the k-th such frame of it: messages for the log, `{"up":k,"m":[message, …]}`, or that its member is
 * away, `{"up":k,"away":"lunch\n"}`, and not any more, `{"up":k,"away":0}`. [P14, P46]
 */
export type Upload = { kind: 'upload'; k: number; messages: Message[]; away?: string | false; seal?: Seal };
/** What may be sent. */
export type Frame = Single | Batch | Upload;
/** A well-formed object of a kind this version does not know: ignored. [P1] */
export type Unknown = { kind: 'unknown' };
/** Not a frame of this protocol. The peer's fault: counted and ignored, never an exception. */
export type Malformed = { kind: 'malformed'; reason: string };
/** What may arrive. */
export type Received = Frame | Unknown | Malformed;
