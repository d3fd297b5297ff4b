import type { Frame, Hello, Message, Relayed } from '../../protocol/frames.ts';
import type { Run } from '../../protocol/runs.ts';
import { formatId } from '../../protocol/signed.ts';
import { streamWindow } from '../limits.ts';

/** What its author has written of it, and nothing of what a log or anybody else has said. */
export function written(message: Message): Message {
  const { first: _, seq: __, hash: ___, at: ____, ago: _a, void: _b, guest: _c, ...said } = message;
  return said;
}

/** Places of the log for the other end, without what the stream adds. */
export type Part = Omit<Relayed, 'kind' | 'k' | 'of'>;

/**
 * What this end gives in answer to the newest hello of the other one: counted, each message once, and never more than a window
 * ahead of what is kept there. [P53, P55]
 */
export class Stream {
  readonly of: number;
  /** The log that the other end reads, and how far it will have read it when all of this has come. */
  readonly log: string | undefined;
  cursor: number;
  /** Its server is heard there: nobody else has to say what the log is. */
  readonly isLive: boolean;
  readonly #known: Map<string, Run>;
  readonly #offered = new Set<string>();
  #queue: (Message | Part)[] = [];
  /** Sent and not got, the oldest first. */
  #underWay: (Message | Part)[] = [];
  #k = 0;
  #got = 0;

  /** @param isKnown what it has of a log is what is kept here */
  constructor({ r, log, cursor = 0, live, waits }: Hello, isKnown: boolean) {
    this.of = r;
    this.log = isKnown ? log : undefined;
    this.isLive = live === true;
    this.cursor = cursor;
    this.#known = new Map(waits.map((run) => [run.dev, run]));
  }

  /** The other end does not have it, as far as it has said. */
  offer(message: Message): void {
    const { id } = message;
    const { from = 1, to = 0 } = (id && this.#known.get(id.dev)) ?? {};
    if (!id || (id.n >= from && id.n <= to) || this.#offered.has(formatId(id))) return;
    this.#offered.add(formatId(id));
    this.#queue.push(message);
  }

  /** The other end has it: it came from there. */
  isThere({ id }: Message): void {
    if (id) this.#offered.add(formatId(id));
  }

  /** Places that follow its cursor. */
  relay(parts: readonly Part[]): void {
    for (const part of parts)
      for (const row of part.rows) if (row.kind === 'message' && row.id) this.#offered.add(formatId(row.id));
    this.#queue.push(...parts);
    const last = parts.at(-1);
    if (last) this.cursor = last.from + last.rows.length - 1;
  }

  /** What is to be sent now; `asIs` gives the words that may still be said. */
  next(asIs: (message: Message) => Message): Frame[] {
    const some = this.#queue.splice(0, streamWindow - this.#underWay.length);
    this.#underWay.push(...some);
    return some.map((one) => {
      const of = { k: ++this.#k, of: this.of };
      return 'kind' in one ? { ...of, ...asIs(written(one)), kind: 'said' } : { kind: 'relayed', ...of, ...one };
    });
  }

  /** The link has not taken the k-th frame, nor what came behind it: they are to be sent again. */
  putBack(k: number, of: number): void {
    if (of !== this.of || k > this.#k || k <= this.#got) return;
    this.#queue.unshift(...this.#underWay.splice(k - this.#got - 1));
    this.#k = k - 1;
  }

  /** Something is to be sent, as far as the window goes. */
  get isWaiting(): boolean {
    return this.#queue.length > 0 && this.#underWay.length < streamWindow;
  }

  /** The other end has everything up to `k` on its disk, but for those. Returns the messages among it. */
  take(k: number, not: readonly number[] = []): Message[] {
    const before = this.#got;
    if (k <= before || k > this.#k) return [];
    this.#got = k;
    const got = this.#underWay.splice(0, k - before);
    return got.flatMap((one, i) => ('kind' in one && !not.includes(before + i + 1) ? one : []));
  }
}
