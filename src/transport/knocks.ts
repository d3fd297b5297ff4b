import { Bucket } from '../core/bucket.ts';

/** Of one member so many connections come in at once, and then one in so many seconds. */
const ofOne = { atOnce: 16, perSecond: 1 / 4 };
/** So many in all until those that are left over have to go. */
const ofAll = 256;

/**
 * Counts the connections that come in to a member. Each takes a descriptor of the program, and ends only when who made it ends
 * it, or with its door: a ROUTER cannot hang up. So nobody may make any number of them.
 */
export class Knocks {
  readonly #budgets = new Map<string, Bucket>();
  readonly #reopen: () => void;
  #count = 0;

  /** @param reopen ends all connections that came in */
  constructor(reopen: () => void) {
    this.#reopen = reopen;
  }

  /** Whether this member, by key, may come in now. */
  take(key: string, ms: number): boolean {
    const budget = this.#budgets.get(key) ?? new Bucket(ofOne, ms);
    this.#budgets.set(key, budget);
    if (!budget.take(1, ms)) return false;
    if (++this.#count < ofAll) return true;
    this.#count = 0;
    this.#budgets.clear();
    this.#reopen();
    return true;
  }
}
