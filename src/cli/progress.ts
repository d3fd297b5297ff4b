/** What lasts longer than this says how far it is, and again so often. */
const firstMs = 1_000;
const againMs = 200;

/** One line of a terminal that says how far a long work is, until there is something else to say. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  readonly #now: () => number;
  #dueMs: number;
  #isShown = false;

  constructor(out: NodeJS.WriteStream = process.stderr, now: () => number = () => performance.now()) {
    this.#out = out;
    this.#now = now;
    this.#dueMs = now() + firstMs;
  }

  /** How much was done by now; on what is no terminal nothing is said. */
  tell(done: number, total: number, what: string): void {
    if (!this.#out.isTTY || this.#now() < this.#dueMs) return;
    this.#dueMs = this.#now() + againMs;
    this.#isShown = true;
    this.#out.write(`\r\x1b[K${digits(done)} of ${digits(total)} ${what}`);
  }

  clear(): void {
    if (this.#isShown) this.#out.write('\r\x1b[K');
    this.#isShown = false;
  }
}

export const digits = (count: number): string => count.toLocaleString('en');
