import type { Message, MessageId } from '../../protocol/frames.ts';
import { formatId } from '../../protocol/signed.ts';

/**
 * Messages in the order (lc, dev, n), each id once; also by their devices and authors, so that nobody has to look at all of
 * them: while a room is away there may be tens of thousands.
 */
export class Ordered {
  readonly #all: Message[] = [];
  /** What has an id, by device: with rising n. */
  readonly #ofDevice = new Map<string, Message[]>();
  readonly #counts = new Map<string | undefined, number>();

  get all(): readonly Message[] {
    return this.#all;
  }

  get length(): number {
    return this.#all.length;
  }

  /** How many there are of each author, by key. */
  get counts(): ReadonlyMap<string | undefined, number> {
    return this.#counts;
  }

  hasOf(dev: string): boolean {
    return this.#ofDevice.has(dev);
  }

  find({ dev, n }: MessageId): Message | undefined {
    const known = this.#ofDevice.get(dev) ?? [];
    const message = known[placeIn(known, (one) => numberOf(one) < n)];
    return message && numberOf(message) === n ? message : undefined;
  }

  /** What waits of a device, up to this n. */
  upTo({ dev, n }: MessageId): Message[] {
    const known = this.#ofDevice.get(dev) ?? [];
    return known.slice(
      0,
      placeIn(known, (one) => numberOf(one) <= n),
    );
  }

  /** It MUST NOT be there yet. */
  add(message: Message): void {
    insert(this.#all, message, (one) => byCause(one, message) <= 0);
    this.#count(message, 1);
    const { id } = message;
    if (!id) return;
    const known = this.#ofDevice.get(id.dev);
    if (known) insert(known, message, (one) => numberOf(one) < id.n);
    else this.#ofDevice.set(id.dev, [message]);
  }

  /** It MUST be there. */
  remove(message: Message): void {
    // Without an id several may stand at one place of the order.
    const from = placeIn(this.#all, (one) => byCause(one, message) < 0);
    this.#all.splice(this.#all.indexOf(message, from), 1);
    this.#count(message, -1);
    const { id } = message;
    const known = id && this.#ofDevice.get(id.dev);
    if (!id || !known) return;
    known.splice(known.indexOf(message), 1);
    if (known.length === 0) this.#ofDevice.delete(id.dev);
  }

  #count({ key }: Message, by: 1 | -1): void {
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

const numberOf = ({ id }: Message): number => id?.n ?? 0;
export const idOf = ({ id }: Message): string => (id ? formatId(id) : '');

/** What somebody had seen when writing e has a lower lc than e; the rest makes the order total. */
export function byCause(a: Message, b: Message): number {
  const lc = (a.lc ?? 0) - (b.lc ?? 0);
  if (lc !== 0 || !a.id || !b.id) return lc || Number(a.id !== undefined) - Number(b.id !== undefined);
  return a.id.dev === b.id.dev ? a.id.n - b.id.n : a.id.dev < b.id.dev ? -1 : 1;
}

/** Two orders as one. */
export function* merged(some: readonly Message[], others: readonly Message[]): Generator<Message> {
  let [i, j] = [0, 0];
  while (i < some.length || j < others.length) {
    const [one, other] = [some[i], others[j]];
    const isNext = one && (!other || byCause(one, other) <= 0);
    if (isNext) i++;
    else j++;
    yield (isNext ? one : other) as Message;
  }
}

/** Of what is in an order, how many lie before: what comes last is the usual case. */
function placeIn(messages: readonly Message[], isBefore: (message: Message) => boolean): number {
  let [from, to] = [0, messages.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isBefore(messages[middle] as Message)) from = middle + 1;
    else to = middle;
  }
  return from;
}

function insert(messages: Message[], message: Message, isBefore: (message: Message) => boolean): void {
  const last = messages.at(-1);
  if (!last || isBefore(last)) messages.push(message);
  else messages.splice(placeIn(messages, isBefore), 0, message);
}
