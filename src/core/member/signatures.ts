import type { SignaturesFrame } from '../../protocol/frames.ts';
import { signedText, wrongSignature } from '../../protocol/signed.ts';
import { blockEnd, checkedAtOnce, retryUnsignedMs, unsignedMs } from '../limits.ts';
import type { Now } from '../turn.ts';
import type { Member } from './member.ts';

/**
 * Entries come without their signatures: nobody needs those at once, but only what is signed can be given back to a log
 * that has lost it. They are fetched afterwards, many at a time, and checked a few at a time. [P36]
 *
 *   S1 a signature is kept only if it is right; S2 what is wrongly signed keeps its place, and is never given back.
 */
export class Signatures {
  readonly #member: Member;
  /** The oldest place without one, and since when it is that. */
  #oldest = 0;
  #sinceMs = 0;
  #askedAtMs: number | undefined;
  /** What has come and is not checked yet. */
  #unchecked: { seq: number; sig: string }[] = [];
  /** Keys that are known to sign wrongly: each is told once. */
  readonly #liars = new Set<string>();

  constructor(member: Member) {
    this.#member = member;
  }

  /** There is something to check. */
  get isBusy(): boolean {
    return this.#unchecked.length > 0;
  }

  /** A new session: what was asked for in the one before does not come any more. */
  restart(): void {
    this.#askedAtMs = undefined;
    this.#unchecked = [];
  }

  /** Asks for a whole block as soon as it is kept here, and for less when it is old. */
  ask({ ms }: Now): void {
    const { oldestUnsigned: seq, keptHead } = this.#member.copy;
    const isWaiting = this.#askedAtMs !== undefined && ms - this.#askedAtMs < retryUnsignedMs;
    if (seq > keptHead || isWaiting || this.isBusy) return;
    if (seq !== this.#oldest) [this.#oldest, this.#sinceMs] = [seq, ms];
    if (keptHead < blockEnd(seq) && ms - this.#sinceMs < unsignedMs) return;
    this.#askedAtMs = ms;
    this.#member.send({ kind: 'signatures', seq });
  }

  /** What was asked for. */
  take({ seq, sigs = [] }: SignaturesFrame): void {
    if (this.#askedAtMs === undefined || seq !== this.#member.copy.oldestUnsigned) return;
    this.#askedAtMs = undefined;
    const { keptHead } = this.#member.copy;
    this.#unchecked = sigs.map((sig, i) => ({ seq: seq + i, sig })).filter((found) => found.seq <= keptHead);
  }

  /** Checks some: each takes so long that a whole block would hold up what is typed. */
  check(): void {
    for (const { seq, sig } of this.#unchecked.splice(0, checkedAtOnce)) this.#checkOne(seq, sig);
  }

  #checkOne(seq: number, sig: string): void {
    const { copy, options, room = '' } = this.#member;
    const message = copy.keptAt(seq);
    // The room has none either: nothing is proved by it.
    if (!message || message.sig || sig === '') return copy.sign(seq);
    const { name, key = '' } = message;
    const isRight = options.crypto.verify(key, signedText(options.crypto, room, message), sig);
    copy.sign(seq, isRight ? sig : wrongSignature);
    if (isRight || this.#liars.has(key)) return;
    this.#liars.add(key);
    this.#member.show({ type: 'unverified', seq, from: { name, id: key } });
  }
}
