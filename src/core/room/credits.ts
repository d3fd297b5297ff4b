import { Bucket, type Rate } from '../bucket.ts';

type Rates = { messages: Rate; given: Rate; names: Rate };
/** So many devices of a member are remembered by the name that they came with. */
const maxDevices = 64;

/** What somebody may still do, or a group of them together: say something, give back what others said, take other names. [P47] */
export class Credits {
  readonly #own: Bucket;
  readonly #given: Bucket;
  readonly #names: Bucket;
  /** By device. */
  readonly #called = new Map<string, string>();
  /** It is a client of the original's. */
  isOriginal = false;

  constructor({ messages, given, names }: Rates, ms: number) {
    this.#own = new Bucket(messages, ms);
    this.#given = new Bucket(given, ms);
    this.#names = new Bucket(names, ms);
  }

  of({ type }: { type: string }): Bucket {
    return type === 'giveBack' ? this.#given : this.#own;
  }

  /** A device that comes back under the name it had has taken no other one, whatever its member is called meanwhile. */
  mayRename(dev: string, name: string, ms: number): boolean {
    if (this.#called.get(dev) === name) return true;
    if (!this.#names.take(1, ms)) return false;
    if (this.#called.size >= maxDevices) this.#called.clear();
    this.#called.set(dev, name);
    return true;
  }

  areFull(ms: number): boolean {
    return [this.#own, this.#given, this.#names].every((bucket) => bucket.isFull(ms));
  }
}
