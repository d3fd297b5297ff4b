import type { Message, MessageId } from '../../protocol/frames.ts';
import { formatId } from '../../protocol/signed.ts';
import { maxWaiting } from '../limits.ts';

/** Most messages under way at once: a long outbox must not flood the socket's queue. [P11] */
const windowMessages = 256;

type Waiting = { message: Message; durable: boolean };

/**
 * What is not in the log yet, in the order (lc, dev, n): what was typed here, and what others wrote and a log has lost.
 * A message leaves only when `accept` has seen its id: until then every new connection sends it again, and whoever
 * gets it twice knows it by that id. It is sent only when it is durable, so that no n is ever used twice.
 */
export class Outbox {
  #waiting: Waiting[] = [];
  #sent = 0;
  readonly #devices = new Map<string, number>();

  constructor(messages: readonly Message[] = []) {
    this.adopt(messages);
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** How many were sent on this connection and have not come back. */
  get underWay(): number {
    return this.#sent;
  }

  get isFull(): boolean {
    return this.size >= maxWaiting;
  }

  /** Everything that waits, in order. */
  get messages(): Message[] {
    return this.#waiting.map(({ message }) => message);
  }

  /** A message newer than all others; `settle` makes it durable if it is not. */
  add(message: Message, durable: boolean): void {
    this.#waiting.push({ message, durable });
    this.#count(message, 1);
  }

  /** Messages older than some that wait already; all are durable. MUST NOT be called with messages under way. */
  adopt(messages: readonly Message[]): void {
    for (const message of messages) this.add(message, true);
    this.#waiting.sort((a, b) => byCause(a.message, b.message));
  }

  settle(messages: readonly Message[]): void {
    const settled = new Set(messages.map(({ id }) => id && formatId(id)));
    for (const waiting of this.#waiting)
      if (!waiting.durable && settled.has(waiting.message.id && formatId(waiting.message.id))) waiting.durable = true;
  }

  /** The messages to send now: those not sent on this connection, as far as the window reaches. */
  takeUnsent(): Message[] {
    const unsent: Message[] = [];
    for (let next = this.#waiting[this.#sent]; next?.durable && this.#sent < windowMessages; ) {
      unsent.push(next.message);
      next = this.#waiting[++this.#sent];
    }
    return unsent;
  }

  /** A new connection: nothing was sent on it yet. */
  restart(): void {
    this.#sent = 0;
  }

  /** Everything of this device up to and including its n has arrived for good. */
  accept({ dev, n }: MessageId): Message[] {
    if (!this.#devices.has(dev)) return [];
    return this.remove(({ id }) => id?.dev === dev && id.n <= n);
  }

  /** Takes out what needs no waiting for any more. */
  remove(unwanted: (message: Message) => boolean): Message[] {
    const removed: Message[] = [];
    let sent = 0;
    this.#waiting = this.#waiting.filter(({ message }, i) => {
      if (unwanted(message)) removed.push(message);
      else if (i < this.#sent) sent++;
      return removed.at(-1) !== message;
    });
    this.#sent = sent;
    for (const message of removed) this.#count(message, -1);
    return removed;
  }

  /** Puts others in the place of some, with the same ids. Returns the others. */
  change(wanted: (message: Message) => boolean, change: (message: Message) => Message): Message[] {
    const old = this.#waiting.filter(({ message }) => wanted(message));
    for (const waiting of old) waiting.message = change(waiting.message);
    return old.map(({ message }) => message);
  }

  #count({ id }: Message, change: number): void {
    if (!id) return;
    const count = (this.#devices.get(id.dev) ?? 0) + change;
    if (count > 0) this.#devices.set(id.dev, count);
    else this.#devices.delete(id.dev);
  }
}

/** What somebody had seen when writing e has a lower lc than e; the rest makes the order total. */
function byCause(a: Message, b: Message): number {
  const lc = (a.lc ?? 0) - (b.lc ?? 0);
  if (lc !== 0 || !a.id || !b.id) return lc;
  return a.id.dev === b.id.dev ? a.id.n - b.id.n : a.id.dev < b.id.dev ? -1 : 1;
}
