import { type Change, type DeviceMark, type Entry, emptyHash, type Owner, type Store } from '../core/log/store.ts';
import type { Message } from '../protocol/frames.ts';
import { formatId } from '../protocol/signed.ts';

/** A store that lives as long as the process. */
export class MemoryStore implements Store {
  log: string;
  #base = { seq: 0, hash: emptyHash };
  #entries: Entry[] = [];
  #failure: unknown;
  readonly #marks = new Map<string, DeviceMark>();
  readonly #owners = new Map<string, Owner>();
  readonly #pending = new Map<string, Message>();

  constructor(log = '') {
    this.log = log;
  }

  get first(): number {
    return this.#base.seq + 1;
  }

  get head(): number {
    return this.#base.seq + this.#entries.length;
  }

  hashAt(seq: number): string | undefined {
    return seq === this.#base.seq ? this.#base.hash : this.#entries[seq - this.first]?.hash;
  }

  read(from: number, limit: number): Entry[] {
    const start = Math.max(from - this.first, 0);
    return this.#entries.slice(start, start + limit);
  }

  mark(dev: string): DeviceMark | undefined {
    return this.#marks.get(dev);
  }

  owner(name: string): Owner | undefined {
    return this.#owners.get(name);
  }

  pending(): Message[] {
    return [...this.#pending.values()];
  }

  async commit(change: Change): Promise<void> {
    // Not at once: as with any store, nobody may read what is not committed yet.
    await undefined;
    if (this.#failure) throw this.#failure;
    try {
      this.apply(change);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** What `commit` does, at once. */
  apply({ restart, entries = [], owners = [], pending = [], dropped = [], keepFrom }: Change): void {
    const head = restart?.seq ?? this.head;
    const stray = entries.find(({ seq }, i) => seq !== head + 1 + i);
    if (stray) throw new Error(`entry ${stray.seq} does not follow ${head}`);
    if (restart) this.#restart(restart);
    for (const message of pending) if (message.id) this.#pending.set(formatId(message.id), message);
    for (const entry of entries) this.#append(entry);
    for (const owner of owners) this.#owners.set(owner.name, owner);
    for (const { id } of dropped) if (id) this.#pending.delete(formatId(id));
    if (keepFrom !== undefined && keepFrom > this.first) this.#trim(Math.min(keepFrom, this.head + 1));
  }

  async close(): Promise<void> {}

  #restart({ log, seq, hash }: { log: string; seq: number; hash: string }): void {
    this.log = log;
    this.#base = { seq, hash };
    this.#entries = [];
  }

  #append(entry: Entry): void {
    this.#entries.push(entry);
    const { id, key } = entry.message;
    if (!id) return;
    const n = Math.max(id.n, this.#marks.get(id.dev)?.n ?? 0);
    this.#marks.set(id.dev, key === undefined ? { n } : { n, key });
    for (const [name, message] of this.#pending)
      if (message.id?.dev === id.dev && message.id.n <= id.n) this.#pending.delete(name);
  }

  #trim(keepFrom: number): void {
    const base = { seq: keepFrom - 1, hash: this.hashAt(keepFrom - 1) ?? emptyHash };
    this.#entries = this.#entries.slice(keepFrom - this.first);
    this.#base = base;
  }
}
