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

  constructor(dev: string, messages: readonly Message[] = []) {
    this.#dev = dev;
    this.adopt(messages);
  }

  /** How many were sent on this connection and have not come back. */
  get underWay(): number {
    return this.#sent.size;
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

  /** Puts other words in the place of own ones, with the same ids: they are not sent yet. Returns those that changed. */
  change(change: (message: Message) => Message): Message[] {
    const old = new Set(this.own);
    this.own = this.own.map(change);
    return this.own.filter((message) => !old.has(message));
  }

  #take(message: Message): boolean {
    if (!this.#isOwn(message) && this.others.length >= maxAdopted) return false;
    (this.#isOwn(message) ? this.own : this.others).push(message);
    if (message.id) this.#devices.add(message.id.dev);
    return true;
  }

  #isOwn({ id }: Message): boolean {
    return id?.dev === this.#dev;
  }
}

export const idOf = ({ id }: Message): string => (id ? formatId(id) : '');

/** What somebody had seen when writing e has a lower lc than e; the rest makes the order total. */
function byCause(a: Message, b: Message): number {
  const lc = (a.lc ?? 0) - (b.lc ?? 0);
  if (lc !== 0 || !a.id || !b.id) return lc;
  return a.id.dev === b.id.dev ? a.id.n - b.id.n : a.id.dev < b.id.dev ? -1 : 1;
}
