/**
 * What arrives somewhere, in order, for a test that awaits the next item that matters. Every item is read once:
 * `until` goes on behind what was read before, so a marker proves what did (and did not) come before it.
 */
export class Reader<T> {
  readonly all: T[] = [];
  #read = 0;
  #ended: string | undefined;
  #wake = () => {};
  readonly #transcript: () => string;

  /** @param transcript the whole story, for the error message */
  constructor(transcript: () => string) {
    this.#transcript = transcript;
  }

  push(item: T): void {
    this.all.push(item);
    this.#wake();
  }

  /** Nothing more will come. */
  end(why: string): void {
    this.#ended = why;
    this.#wake();
  }

  /** Resolves with all items up to and including the first one that `is` accepts. */
  async until(is: (item: T) => boolean, wanted: string, timeoutMs = 15_000): Promise<T[]> {
    const deadline = AbortSignal.timeout(timeoutMs);
    deadline.addEventListener('abort', () => this.#wake());
    for (let at = this.#read; ; at++) {
      while (at === this.all.length) {
        if (this.#ended || deadline.aborted) this.#fail(wanted, this.#ended ?? `not within ${timeoutMs} ms`);
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      if (!is(this.all[at] as T)) continue;
      const items = this.all.slice(this.#read, at + 1);
      this.#read = at + 1;
      return items;
    }
  }

  #fail(wanted: string, why: string): never {
    throw new Error(`waited for ${wanted}: ${why}\n${this.#transcript()}`);
  }
}
