import type { Message, MessageId } from '../../protocol/frames.ts';
import { formatId } from '../../protocol/signed.ts';
import { maxAdopted, maxWaiting, uploadWindow } from '../limits.ts';

type Waiting = { message: Message; isSent: boolean };

/**
 * What is not in the log yet: what was typed here, and what others wrote and a log has lost; each in the order
 * (lc, dev, n). A message leaves only when the log is known to have it: until then every new connection sends it again,
 * and whoever gets it twice knows it by its id.
 */
export class Outbox {
  readonly #dev: string;
  #own: Waiting[] = [];
  #others: Waiting[] = [];
  #underWay = 0;
  /** Devices of which something may wait among `others`. */
  readonly #devices = new Set<string>();

  /** @param dev my device: what it wrote is own */
  constructor(dev: string, messages: readonly Message[] = []) {
    this.#dev = dev;
    this.adopt(messages);
  }

  /** What was typed here and waits, in order. */
  get own(): Message[] {
    return this.#own.map(({ message }) => message);
  }

  /** What others wrote and waits, in order. */
  get others(): Message[] {
    return this.#others.map(({ message }) => message);
  }

  get hasOthers(): boolean {
    return this.#others.length > 0;
  }

  /** How many were sent on this connection and have not come back. */
  get underWay(): number {
    return this.#underWay;
  }

  get isFull(): boolean {
    return this.#own.length >= maxWaiting;
  }

  /** A message newer than all others. */
  add(message: Message): void {
    this.#own.push({ message, isSent: false });
  }

  /** Messages of a log that is gone. Returns those that were taken: not those of others beyond the limit. */
  adopt(messages: readonly Message[]): Message[] {
    const known = new Set([...this.#own, ...this.#others].map(({ message }) => idOf(message)));
    const taken = messages.filter((message) => !known.has(idOf(message)) && this.#take(message));
    for (const waiting of [this.#own, this.#others]) waiting.sort((a, b) => byCause(a.message, b.message));
    return taken;
  }

  /** What to send now, as far as the window reaches: own words first, then those of others that `canFollow`. MUST be on disk. */
  takeUnsent(canFollow: (message: Message) => boolean = () => true): Message[] {
    const unsent: Message[] = [];
    for (const waiting of [...this.#own, ...this.#others]) {
      if (this.#underWay >= uploadWindow) break;
      const isOwn = waiting.message.id?.dev === this.#dev;
      if (waiting.isSent || !(isOwn || canFollow(waiting.message))) continue;
      waiting.isSent = true;
      this.#underWay++;
      unsent.push(waiting.message);
    }
    return unsent;
  }

  /** A new connection: nothing was sent on it yet. */
  restart(): void {
    this.#underWay = 0;
    for (const waiting of [...this.#own, ...this.#others]) waiting.isSent = false;
  }

  /** Everything of this device up to and including its n has arrived for good, but for what `isKept`. */
  accept({ dev, n }: MessageId, isKept: (message: Message) => boolean = () => false): Message[] {
    if (dev === this.#dev ? (this.#own[0]?.message.id?.n ?? n + 1) > n : !this.#devices.has(dev)) return [];
    return this.remove((message) => message.id?.dev === dev && message.id.n <= n && !isKept(message));
  }

  /** Takes out what needs no waiting for any more. */
  remove(isUnwanted: (message: Message) => boolean): Message[] {
    const removed: Message[] = [];
    const isWanted = (waiting: Waiting): boolean => {
      if (!isUnwanted(waiting.message)) return true;
      if (waiting.isSent) this.#underWay--;
      removed.push(waiting.message);
      return false;
    };
    this.#own = this.#own.filter(isWanted);
    this.#others = this.#others.filter(isWanted);
    if (this.#others.length === 0) this.#devices.clear();
    return removed;
  }

  /** Puts other words in the place of own ones, with the same ids. Returns the others. */
  change(wanted: (message: Message) => boolean, change: (message: Message) => Message): Message[] {
    const old = this.#own.filter(({ message }) => wanted(message));
    for (const waiting of old) waiting.message = change(waiting.message);
    return old.map(({ message }) => message);
  }

  #take(message: Message): boolean {
    const isOwn = message.id?.dev === this.#dev;
    if (!isOwn && this.#others.length >= maxAdopted) return false;
    (isOwn ? this.#own : this.#others).push({ message, isSent: false });
    if (!isOwn) this.#devices.add(message.id?.dev ?? '');
    return true;
  }
}

const idOf = ({ id }: Message): string => (id ? formatId(id) : '');

/** What somebody had seen when writing e has a lower lc than e; the rest makes the order total. */
function byCause(a: Message, b: Message): number {
  const lc = (a.lc ?? 0) - (b.lc ?? 0);
  if (lc !== 0 || !a.id || !b.id) return lc;
  return a.id.dev === b.id.dev ? a.id.n - b.id.n : a.id.dev < b.id.dev ? -1 : 1;
}
