import { encode } from '../../protocol/codec.ts';
import type { Message } from '../../protocol/frames.ts';

/**
 * An entry of the log: the message with its `seq` and `hash`, its encoded frame (made once for all readers), and when
 * the log got it, in ms since 1970.
 */
export type Entry = { seq: number; hash: string; message: Message; wire: string; atMs: number };

/** What the log knows of a device: its highest n, and whose it is. */
export type DeviceMark = { n: number; key?: string };
/** A name belongs to the key that used it first. */
export type Owner = { name: string; key: string; seenMs: number };

/** One step forward. All of it is kept, or nothing. */
export type Change = {
  /** Begin another log, or this one from another place: what was kept of the old one goes. Applied first. */
  restart?: { log: string; seq: number; hash: string };
  /** Entries head + 1, head + 2, … Each moves the mark of its device and ends what was pending up to its n. */
  entries?: Entry[];
  owners?: Owner[];
  /** Messages that are not in the log yet, to be kept until they are. */
  pending?: Message[];
  /** Messages that will never be in the log, to be forgotten. */
  dropped?: Message[];
  /** Entries before this place are no longer kept. */
  keepFrom?: number;
};

/**
 * Where a log is kept. The server keeps the room's, a client its own copy with what it has not sent yet.
 *
 * Reads are at once and see only what a resolved `commit` has written.
 * `commit` MUST resolve only when the change would survive the death of the process, and changes MUST become
 * durable in the order they were given. After a rejected `commit` nothing more MUST be committed.
 */
export interface Store {
  /** Names the log; '' while there is none. */
  readonly log: string;
  /** Place of the oldest entry kept; `head + 1` when there is none. */
  readonly first: number;
  /** Place of the newest entry; 0 when there was none yet. */
  readonly head: number;
  /** The chain up to `seq`, for `first - 1 <= seq <= head`. */
  hashAt(seq: number): string | undefined;
  /** Entries from place `from` on, in order, at most `limit`; starts at `first` if `from` is no longer kept. */
  read(from: number, limit: number): Entry[];
  mark(dev: string): DeviceMark | undefined;
  owner(name: string): Owner | undefined;
  /** Messages not in the log yet, in no particular order. */
  pending(): Message[];
  commit(change: Change): Promise<void>;
  close(): Promise<void>;
}

/** The hash before the first entry of a log. */
export const emptyHash = '';

export function makeEntry(message: Message, seq: number, hash: string, atMs: number): Entry {
  const { first: _, ...written } = message;
  const placed: Message = { ...written, seq, hash };
  return { seq, hash, message: placed, wire: encode(placed), atMs };
}
