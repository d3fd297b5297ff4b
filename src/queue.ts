/** An unbounded queue between callbacks and one async reader; whoever fills it fast MUST await `room()`. */
export class Queue<T> implements AsyncIterable<T> {
  isClosed = false;
  readonly #items: T[] = [];
  /** Whoever waits for a change: the reader, and writers for room. */
  readonly #wakes: (() => void)[] = [];

  push(item: T): void {
    if (this.isClosed) return;
    this.#items.push(item);
    this.#changed();
  }

  /** Ends the iteration once everything pushed so far is read. */
  close(): void {
    this.isClosed = true;
    this.#changed();
  }

  /** Resolves when fewer than `limit` items wait, or the queue is closed. */
  async room(limit: number): Promise<void> {
    while (this.#items.length >= limit && !this.isClosed) await this.#change();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const items of this.batches()) yield* items;
  }

  /** Everything that waited at each wake-up, as one array. */
  async *batches(): AsyncGenerator<T[]> {
    for (;;) {
      while (this.#items.length === 0 && !this.isClosed) await this.#change();
      const items = this.#items.splice(0);
      if (items.length === 0) return;
      this.#changed();
      yield items;
    }
  }

  readonly #change = () => new Promise<void>((resolve) => this.#wakes.push(resolve));

  #changed(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}
