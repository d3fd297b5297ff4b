/** An unbounded queue between callbacks and one async reader; whoever fills it fast MUST await `room()`. */
export class Queue<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #closed = false;
  /** Whoever waits for a change: the reader, and writers for room. */
  #wakes: (() => void)[] = [];

  push(item: T): void {
    if (this.#closed) return;
    this.#items.push(item);
    this.#changed();
  }

  /** Ends the iteration once everything pushed so far is read. */
  close(): void {
    this.#closed = true;
    this.#changed();
  }

  /** Resolves when fewer than `limit` items wait, or the queue is closed. */
  async room(limit: number): Promise<void> {
    while (this.#items.length >= limit && !this.#closed) await this.#change();
  }

  /** Takes everything that waits, at once. */
  takeAll(): T[] {
    const items = this.#items;
    this.#items = [];
    this.#changed();
    return items;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const items of this.batches()) yield* items;
  }

  /** Everything that waited at each wake-up, as one array. */
  async *batches(): AsyncGenerator<T[]> {
    for (;;) {
      if (this.#items.length > 0) yield this.takeAll();
      else if (this.#closed) return;
      else await this.#change();
    }
  }

  readonly #change = () => new Promise<void>((resolve) => this.#wakes.push(resolve));

  #changed(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}
