import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Extent } from '../core/log/audit.ts';
import { Log } from '../core/log/log.ts';
import type { Place } from '../core/log/store.ts';
import { SqliteStore } from '../history/sqlite.ts';
import { trouble } from '../history/trouble.ts';
import { crypto } from '../keys/ed25519.ts';

/** So few places are read at a time: a long read would let the log of a running server grow. */
const chunk = 500;

/** The log in the folder of a server, to be read, also while a server writes it. */
export class Kept {
  readonly #store: SqliteStore;
  readonly #log: Log;

  constructor(folder: string) {
    this.#store = SqliteStore.open(join(folder, 'log'), { readOnly: true });
    this.#log = new Log(this.#store, crypto);
  }

  /** What is there from this place on, by default all. */
  extent(from = this.#log.first): Extent {
    const { room = '', log, head, headHash } = this.#store;
    const since = Math.max(from, this.#log.first) - 1;
    return { room, log, since, hash: this.#log.hashAt(since) ?? '', head, headHash };
  }

  /** The first place that is no older than this; where there is none, that behind the head. */
  firstSince(ms: number): number {
    for (let next = this.#log.first; next <= this.#log.head; next += chunk) {
      const young = this.#log.read(next, chunk).find(({ atMs }) => atMs >= ms);
      if (young) return young.seq;
    }
    return this.#log.head + 1;
  }

  /** Places, some at a time. Throws a ChatError if a server has trimmed them meanwhile: they are not lost. */
  async *places(from = this.#log.first): AsyncGenerator<Place[]> {
    for (let next = from; next <= this.#log.head; next += chunk) {
      const places = this.#log.read(next, chunk);
      if (places.some(({ message }) => !message) && this.#store.firstNow > next)
        throw trouble('trimmed', this.#store.folder);
      yield places;
      await turn();
    }
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
