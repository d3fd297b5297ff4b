import { encode, type Message } from '../protocol.ts';

/** A message in its place: `seq` is that place, `wire` its encoded frame, made once for all readers. */
export type Entry = { seq: number; message: Message; wire: string };

/**
 * The room's one ordered log. Places are 1, 2, 3 …; entries are immutable.
 * The room only ever sends what `append` has taken.
 */
export interface Log {
  /** Names this log; another log has another id. */
  readonly id: string;
  /** Place of the oldest entry kept; `head + 1` when there is none. */
  readonly first: number;
  /** Place of the newest entry; 0 when there was none yet. */
  readonly head: number;
  append(message: Message): Entry;
  /** Entries from place `from` on, in order, at most `limit`; starts at `first` if `from` is no longer kept. */
  read(from: number, limit: number): Entry[];
}

/** A log that lives as long as the process, and keeps the last `limit` entries. */
export class MemoryLog implements Log {
  readonly id: string;
  readonly #limit: number;
  #entries: Entry[] = [];
  head = 0;

  constructor(id: string, limit = 10_000) {
    this.id = id;
    this.#limit = limit;
  }

  get first(): number {
    return this.head - this.#entries.length + 1;
  }

  append(message: Message): Entry {
    const seq = ++this.head;
    const placed = { ...message, seq };
    const entry = { seq, message: placed, wire: encode(placed) };
    this.#entries.push(entry);
    // Cut in blocks: shifting one by one would copy the whole array for every message.
    if (this.#entries.length >= this.#limit * 1.25) this.#entries = this.#entries.slice(-this.#limit);
    return entry;
  }

  read(from: number, limit: number): Entry[] {
    const start = Math.max(from - this.first, 0);
    return this.#entries.slice(start, start + limit);
  }
}
