/** How much may be done at once, and how much of that comes back in a second. */
export type Rate = { atOnce: number; perSecond: number };

/** As good as a whole one, for sums of fractions. */
const one = 1 - 1e-9;

/** Credit that is spent and comes back with time, as that is passed in. */
export class Bucket {
  readonly #rate: Rate;
  #level: number;
  #atMs: number;

  constructor(rate: Rate, ms: number) {
    this.#rate = rate;
    this.#level = rate.atOnce;
    this.#atMs = ms;
  }

  /** What is left; below zero after more was taken than there was. */
  level(ms: number): number {
    const { atOnce, perSecond } = this.#rate;
    if (ms > this.#atMs) this.#level = Math.min(atOnce, this.#level + ((ms - this.#atMs) * perSecond) / 1_000);
    this.#atMs = Math.max(ms, this.#atMs);
    return this.#level;
  }

  /** Whoever has one left may do the next thing, whatever that costs: then the one after it waits longer. */
  take(cost: number, ms: number): boolean {
    if (!this.has(ms)) return false;
    this.#level -= cost;
    return true;
  }

  /** Whether there is one left. */
  has(ms: number): boolean {
    return this.level(ms) >= one;
  }

  /** Takes it in any case. */
  charge(cost: number): void {
    this.#level -= cost;
  }

  isFull(ms: number): boolean {
    return this.level(ms) >= this.#rate.atOnce;
  }

  /** How long until there are so many. */
  waitMs(ms: number, count = one): number {
    return Math.max((count - this.level(ms)) / this.#rate.perSecond, 0) * 1_000;
  }
}
