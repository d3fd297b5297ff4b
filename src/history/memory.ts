import type { Change, Mark, Owner, Place, Store } from '../core/log/store.ts';
import type { Message } from '../protocol/frames.ts';
import { formatId } from '../protocol/signed.ts';
import { Standing, type State } from './standing.ts';

/** A store that lives as long as the process. */
export class MemoryStore extends Standing implements Store {
  /** From `first` to `head`. */
  #places: Place[] = [];
  readonly #marks = new Map<string, Mark>();
  readonly #owners = new Map<string, Owner>();
  readonly #pending = new Map<string, Message>();

  constructor(log = '') {
    super(log);
  }

  read(from: number, limit: number): Place[] {
    const start = Math.max(from - this.first, 0);
    return this.#places.slice(start, start + limit);
  }

  mark(dev: string): Mark | undefined {
    return this.#marks.get(dev);
  }

  owner(name: string): Owner | undefined {
    return this.#owners.get(name);
  }

  pending(): Message[] {
    return [...this.#pending.values()];
  }

  async close(): Promise<void> {}

  override apply(change: Change): void {
    super.apply(change);
  }

  protected write(change: Change, after: State): void {
    const { restart, entries = [], mended = [], marks = [], owners = [], pending = [], dropped = [] } = change;
    if (restart) this.#places = [];
    const start = restart ? restart.seq + 1 : this.first;
    for (const place of entries) this.#places.push(place);
    for (const entry of mended) if (this.#places[entry.seq - start]) this.#places[entry.seq - start] = entry;
    this.#places.splice(0, after.first - start);
    for (const mark of marks) this.#marks.set(mark.dev, mark);
    for (const owner of owners) this.#owners.set(owner.name, owner);
    for (const { first: _, ...message } of pending) if (message.id) this.#pending.set(formatId(message.id), message);
    for (const id of dropped) this.#pending.delete(formatId(id));
  }
}
