import type { Message, MessageId } from '../../protocol/frames.ts';
import { formatId } from '../../protocol/signed.ts';
import { maxAdopted, maxWaiting, uploadWindow } from '../limits.ts';

/** What is not in the log yet: sent again on every new connection, until the log is known to have it. */
export class Outbox {
  readonly #dev: string;
  /** What was typed here, and what others wrote and a log has lost; each in the order (lc, dev, n). */
  own: Message[] = [];
  others: Message[] = [];
  /** Devices of which something may wait among `others`. */
  readonly #devices = new Set<string>();
  /** Sent on this connection. */
  readonly #sent = new Set<Message>();
  #kept = 0;

  constructor(dev: string, messages: readonly Message[] = []) {
    this.#dev = dev;
    this.adopt(messages);
  }

  /** How many were sent on this connection and have not come back. */
  get underWay(): number {
    return this.#sent.size;
  }

  /** Of those it is not known either that the server has them. */
  get isAwaiting(): boolean {
    return [...this.#sent].some((message) => !this.#isKept(message));
  }

  /** How many of my own the server is not known to have on its disk. */
  get unkept(): number {
    return this.own.filter((message) => !this.#isKept(message)).length;
  }

  get isFull(): boolean {
    return this.own.length >= maxWaiting;
  }

  /** A message newer than all others. */
  add(message: Message): void {
    this.own.push(message);
  }

  /** Messages of a log that is gone. Returns those that were taken: not those of others beyond the limit. */
  adopt(messages: readonly Message[]): Message[] {
    const known = new Set([...this.own, ...this.others].map(idOf));
    const taken = messages.filter((message) => !known.has(idOf(message)) && this.#take(message));
    for (const waiting of [this.own, this.others]) waiting.sort(byCause);
    return taken;
  }

  /** What to send now, as far as the window reaches: own words first, then those of others that `canFollow`. MUST be on disk. */
  takeUnsent(canFollow: (message: Message) => boolean = () => true): Message[] {
    const unsent: Message[] = [];
    for (const message of [...this.own, ...this.others]) {
      if (this.#sent.size >= uploadWindow) break;
      if (this.#sent.has(message) || !(this.#isOwn(message) || canFollow(message))) continue;
      this.#sent.add(message);
      unsent.push(message);
    }
    return unsent;
  }

  restart(): void {
    this.#sent.clear();
    this.#kept = 0;
  }

  /** What others wrote is to be sent again. */
  recall(): void {
    for (const message of this.others) this.#sent.delete(message);
  }

  /** The server has my own up to this n on its disk: they will come back. [P22] */
  keepUpTo(n: number): void {
    this.#kept = Math.max(this.#kept, n);
  }

  find({ dev, n }: MessageId): Message | undefined {
    const waiting = dev === this.#dev ? this.own : this.#devices.has(dev) ? this.others : [];
    return waiting.find(({ id }) => id?.n === n && id.dev === dev);
  }

  /** Everything of this device up to and including its n has arrived for good. */
  accept({ dev, n }: MessageId): Message[] {
    // Each entry that is read comes here: it must not look at everything that waits.
    if (dev === this.#dev ? (this.own[0]?.id?.n ?? n + 1) > n : !this.#devices.has(dev)) return [];
    return this.remove((message) => message.id?.dev === dev && message.id.n <= n);
  }

  remove(isUnwanted: (message: Message) => boolean): Message[] {
    const removed = [...this.own, ...this.others].filter(isUnwanted);
    for (const message of removed) this.#sent.delete(message);
    this.own = this.own.filter((message) => !isUnwanted(message));
    this.others = this.others.filter((message) => !isUnwanted(message));
    if (this.others.length === 0) this.#devices.clear();
    return removed;
  }

  /** Puts other words in the place of these, with the same ids: they are not sent yet. Returns those that changed. */
  change(change: (message: Message) => Message): Message[] {
    const old = new Set([...this.own, ...this.others]);
    this.own = this.own.map(change);
    this.others = this.others.map(change);
    const now = new Set([...this.own, ...this.others]);
    for (const message of old) if (!now.has(message)) this.#sent.delete(message);
    return [...now].filter((message) => !old.has(message));
  }

  #take(message: Message): boolean {
    if (!this.#isOwn(message) && this.others.length >= maxAdopted) return false;
    (this.#isOwn(message) ? this.own : this.others).push(message);
    if (message.id) this.#devices.add(message.id.dev);
    return true;
  }

  #isKept(message: Message): boolean {
    return this.#isOwn(message) && (message.id?.n ?? 0) <= this.#kept;
  }

  #isOwn({ id }: Message): boolean {
    return id?.dev === this.#dev;
  }
}

export const idOf = ({ id }: Message): string => (id ? formatId(id) : '');

/** What somebody had seen when writing e has a lower lc than e; the rest makes the order total. */
export function byCause(a: Message, b: Message): number {
  const lc = (a.lc ?? 0) - (b.lc ?? 0);
  if (lc !== 0 || !a.id || !b.id) return lc;
  return a.id.dev === b.id.dev ? a.id.n - b.id.n : a.id.dev < b.id.dev ? -1 : 1;
}
