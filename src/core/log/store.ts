import type { Erasure } from '../../protocol/erasure.ts';
import type { Message, MessageId } from '../../protocol/frames.ts';
import type { Address, Listed, SignedRoster } from '../../protocol/roster.ts';
import type { SignedHead } from '../../protocol/signed.ts';

/** What stands at one place of the log. Each row proves itself: `hash` is what `prev` and `message` come to. [P25] */
export type Place = {
  seq: number;
  /** The chain before this place, and up to it. */
  prev: string;
  hash: string;
  /** With its `seq`, `hash` and `at`. Absent: the place is lost, only the chain goes on over it. */
  message?: Message;
  /** When the log took it: in ms since 1970, to be shown (`Message.at`), and on its own clock (`Store.ranMs`), to be counted. */
  atMs: number;
  ranMs: number;
};
export type Entry = Place & { message: Message };

/**
 * What the log knows of a device: its highest n, and the hash of what its author signed under it. `hole`: what a client holds
 * of it from this n on could not be taken, for the log lacks what lies before.
 */
export type Mark = { dev: string; n: number; hash?: string; hole?: Hole };
/** `days`: on so many days, as the machine counts them, that was so; on `day` last. It is over when the log has n − 1. */
export type Hole = { n: number; day: number; days: number };
/** Whose a client's folder is; under the devices before it, only words still wait that its person is to be asked about. */
export type Device = {
  dev: string;
  former: string[];
  /** The highest n that may have left this program: no n up to it is used again, whatever becomes of its words. */
  given: number;
  /** What was typed above this n is a pipe's: what it has given to nobody goes with it. Absent: somebody's at a terminal. */
  piped?: number | undefined;
};
/**
 * A name belongs to the key that used it first, with all that looks like it: there is a row for each of its looks.
 * `seenMs`: when it was last used, on the log's own clock.
 */
export type Owner = { look: string; name: string; key: string; seenMs: number };

/**
 * `version`: the change of the roster that this row came with; `firstMs` and `seenMs`: when it was here first and last, on the
 * log's own clock.
 */
export type Membership = Listed & { version: number; firstMs: number; seenMs: number };
/** How many of the entries kept are of this key, in one span of time, and when the last of them was written. */
export type AuthorCount = { key: string; count: number; lastMs: number };
export type Reachable = Address & { version: number };
/**
 * How far the roster goes: what was signed of it last, and the number of its newest change, signed or not. What somebody
 * knows of it from before `base` is no part of it.
 */
export type RosterState = { signed?: SignedRoster; last: number; base: number };

/** The signature of the entry at a place. */
export type Signature = { seq: number; sig: string };
/** An erasure, and the place of the message in this log, if it has one. */
export type Erased = Erasure & { seq?: number };

/**
 * What the room has signed in its server's newest run, as far as a member goes by it: the newest head, and the oldest one
 * that is not reached here yet. `said`: it contradicts itself, and the person knows.
 */
export type Signed = { newest: SignedHead; awaited?: SignedHead; said?: true | undefined };

/** What waits for a place. `unshown`: somebody near has said it, and its text has not left this program yet. */
export type Pending = Message & { unshown?: true };

/** One step forward. All of it is kept, or nothing. Everything a store knows is what its changes come to, one after the other. */
export type Change = {
  /** Begin another log, or this one from another place: the places kept of the old one go. Applied first. */
  restart?: { log: string; seq: number; hash: string };
  /** Places head + 1, head + 2, … */
  entries?: Place[];
  /** Places that were lost and are whole again. */
  mended?: Entry[];
  /** Signatures that came after their entries. */
  signatures?: Signature[];
  /** Each takes the place of the one of its device. */
  marks?: Mark[];
  owners?: Owner[];
  /** Each takes the place of the one of its key, and of its device. */
  members?: Membership[];
  addresses?: Reachable[];
  /** Keys and devices of which nothing more is known; applied before `members`. */
  forgotten?: string[];
  roster?: RosterState;
  /** Messages that are not in the log yet, to be kept until they are `dropped`. */
  pending?: Pending[];
  dropped?: MessageId[];
  /** Messages whose words go from their place. Applied last; the file then MUST NOT hold what is not kept any more. */
  erased?: Erased[];
  /** Places before `from` are no longer kept; `hash` is the chain up to there. */
  keep?: { from: number; hash: string };
  ranMs?: number;
  /** What is typed from now on is of this device. */
  device?: Device;
  signed?: Signed;
};

/**
 * Where a log is kept. The server keeps the room's, a client its own copy with what it has not sent yet.
 *
 * Reads are at once and see only what a resolved `commit` has written; to verify them is the work of `Log` (log.ts).
 * `commit` MUST resolve only when the change would survive the death of the process, and changes MUST become
 * durable in the order they were given. After a rejected `commit` nothing more MUST be committed.
 */
export interface Store {
  /** Names the log; '' while there is none. */
  readonly log: string;
  /** The oldest place kept (`head + 1` when there is none), and the newest one (0 when there was none yet). */
  readonly first: number;
  readonly head: number;
  /** The chain before `first`, and up to `head`. */
  readonly baseHash: string;
  readonly headHash: string;
  /** The log's own clock: for how many ms programs that wrote here have run. No clock of the machine moves it. */
  readonly ranMs: number;
  /** A member's; it outlives the log that it is of. */
  readonly signed: Signed | undefined;
  readonly roster: RosterState;
  /** The highest Lamport counter that was ever written here. */
  readonly lc: number;
  /** As `Log.read`, but a place that cannot be read is left out; one that can be read only in part has no `message`. */
  read(from: number, limit: number): Place[];
  mark(dev: string): Mark | undefined;
  owner(look: string): Owner | undefined;
  /** The looks of the names of this key. */
  ownedBy(key: string): Owner[];
  member(key: string): Membership | undefined;
  members(): Membership[];
  address(dev: string): Reachable | undefined;
  addresses(): Reachable[];
  /** By id, as `formatId` writes it: its words are erased, wherever they come from. */
  erasure(id: string): Erasure | undefined;
  /** The place of a message, if it is kept and can be found. It looks at all of them. */
  find(id: MessageId): number | undefined;
  /**
   * The texts of messages that readers are shown, with their places, some at a time. They are as the disk gives them back:
   * who shows one MUST read its place.
   */
  texts(): Iterable<[seq: number, text: string][]>;
  /** Who wrote how much in each `spanMs`, the oldest first, from this moment of the log's own clock on. It looks at all of that. */
  authors(sinceMs: number, spanMs: number): AuthorCount[];
  /** Messages not in the log yet, in no particular order. */
  pending(): Pending[];
  commit(change: Change): Promise<void>;
  close(): Promise<void>;
}

/** The hash before the first entry of a log. */
export const emptyHash = '';
