import { type Change, emptyHash, type Store } from '../core/log/store.ts';

export type State = Pick<Store, 'log' | 'first' | 'head' | 'baseHash' | 'headHash' | 'ranMs'>;

/** What every store does: it knows where its log stands, and after one failure nothing is committed any more. */
export abstract class Standing implements State {
  log: string;
  first = 1;
  head = 0;
  baseHash = emptyHash;
  headHash = emptyHash;
  ranMs = 0;
  /** What the disk has changed and is lost, in words; it grows as things are read. */
  readonly damaged = new Set<string>();
  protected failure: unknown;

  constructor(log: string) {
    this.log = log;
  }

  async commit(change: Change): Promise<void> {
    // Not at once: nobody may read what is not committed yet.
    await undefined;
    if (this.failure) throw this.failure;
    try {
      this.apply(change);
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  /** What `commit` does, at once. */
  protected apply(change: Change): void {
    const after = this.#after(change);
    this.write(change, after);
    Object.assign(this, after);
  }

  protected abstract write(change: Change, after: State): void;

  /** Throws if the change does not follow. */
  #after({ restart, entries = [], keep, ranMs = this.ranMs }: Change): State {
    let { log, first, head, baseHash, headHash } = this;
    if (restart) ({ log, seq: head, hash: headHash } = restart);
    if (restart) [first, baseHash] = [head + 1, headHash];
    for (const { seq, hash } of entries) {
      if (seq !== head + 1) throw new Error(`place ${seq} does not follow ${head}`);
      [head, headHash] = [seq, hash];
    }
    if (keep && keep.from > head + 1) throw new Error(`place ${keep.from} cannot be the first after ${head}`);
    if (keep && keep.from > first) [first, baseHash] = [keep.from, keep.hash];
    return { log, first, head, baseHash, headHash, ranMs };
  }
}
