import { erasureOf, isProper } from '../../protocol/erasure.ts';
import type { Message } from '../../protocol/frames.ts';
import type { Row } from '../../protocol/rows.ts';
import { type Crypto, chainHash, headProof, signedText } from '../../protocol/signed.ts';
import { emptyHash } from './store.ts';

/** What a log says of itself: whose it is, the chain before the places that are there, and how far they go. */
export type Extent = {
  room: string;
  log: string;
  /** Places from `since` + 1 to `head` are there. */
  since: number;
  hash: string;
  head: number;
  headHash: string;
  /** The room has signed that the log goes so far. [P26] */
  signed?: { run: string; sig: string };
};

/**
 * Checks a log place by place, for somebody who believes nothing of it but the key of its room: that each place follows,
 * that each message is its author's, and that all of it comes to the head. What is wrong is said in words.
 */
export class Audit {
  /** Places that were there and are right. */
  right = 0;
  readonly #crypto: Crypto;
  readonly #extent: Extent;
  #seq: number;
  /** The chain up to `#seq`; undefined where what was lost has taken it along, which has been said. */
  #before: string | undefined;
  /** The highest n of each device. Ids that rise are not there twice. */
  readonly #last = new Map<string, number>();

  constructor(crypto: Crypto, extent: Extent) {
    this.#crypto = crypto;
    this.#extent = extent;
    this.#seq = extent.since;
    this.#before = extent.since === 0 ? emptyHash : extent.hash;
  }

  /** What is wrong with the next place. */
  take(row: Row): string[] {
    const { seq = 0, hash } = row;
    if (seq <= this.#seq) return [`place ${seq} stands behind place ${this.#seq}`];
    const missing = this.#missing(seq - 1);
    const wrong = row.kind === 'lost' ? ['is lost'] : [...this.#wrongs(row)];
    if (seq > this.#extent.head) wrong.push(`is behind the head, ${this.#extent.head}`);
    this.#seq = seq;
    this.#before = hash;
    if (wrong.length === 0) this.right++;
    return [...missing, ...wrong.map((what) => `place ${seq} ${what}`)];
  }

  /** What is wrong with the log as a whole. */
  end(): string[] {
    const { room, log, head: seq, headHash: hash, signed } = this.#extent;
    const wrong = this.#missing(seq);
    if (this.#before !== undefined && this.#before !== hash) wrong.push(`the chain does not come to the head, ${seq}`);
    if (signed && !this.#crypto.verify(room, headProof(room, { ...signed, log, seq, hash }), signed.sig))
      wrong.push(`the head, ${seq}, is not signed by the room`);
    return wrong;
  }

  #missing(to: number): string[] {
    const from = this.#seq + 1;
    if (from > to) return [];
    this.#before = undefined;
    return [from === to ? `place ${from} is missing` : `places ${from} to ${to} are missing`];
  }

  *#wrongs(message: Message): Generator<string> {
    const { id, key = '', sig, hash } = message;
    const [crypto, room] = [this.#crypto, this.#extent.room];
    const follows = this.#before === undefined || chainHash(crypto, this.#before, message) === hash;
    if (!follows) yield 'does not follow: it was changed';
    if (!isProper(crypto, room, message)) yield 'has no words, and the room has not signed that they go';
    if (key === room && message.type === 'erase' && !erasureOf(crypto, room, message)) yield 'erases without a proof';
    if (sig === undefined) yield 'is not signed';
    else if (!crypto.verify(key, signedText(crypto, room, message), sig)) yield 'is wrongly signed';
    if (!id) return yield 'has no id';
    if (!crypto.isDeviceOf(key, id.dev)) yield 'is of a device that is not made from its key';
    const last = this.#last.get(id.dev) ?? 0;
    if (id.n <= last) yield `is number ${id.n} of its device, and ${last} stands before it`;
    this.#last.set(id.dev, Math.max(id.n, last));
  }
}
