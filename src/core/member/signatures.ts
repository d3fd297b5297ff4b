import type { SignaturesFrame } from '../../protocol/frames.ts';
import { signedText, wrongSignature } from '../../protocol/signed.ts';
import { blockEnd, checkedAtOnce, retryUnsignedMs, unsignedMs } from '../limits.ts';
import type { Signature } from '../log/store.ts';
import type { Now } from '../turn.ts';
import type { Member } from './member.ts';

/**
 * Entries come without their signatures: nobody needs those at once, but only what is signed can be given back to a log
 * that has lost it. They are fetched afterwards, many at a time, and checked a few at a time. [P27]
 *
 *   S1 a signature is kept only if it is right; S2 what is wrongly signed keeps its place, and is never given back.
 */
export class Signatures {
  readonly #member: Member;
  /** The oldest place without one, and since when it is that. */
  #oldest = 0;
  #sinceMs = 0;
  #askedAtMs: number | undefined;
  /** What has come: not checked yet, and checked, to be kept with the rest of it. */
  #unchecked: Signature[] = [];
  #checked: Signature[] = [];
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
    this.#oldest = 0;
    this.#askedAtMs = undefined;
    this.#unchecked = [];
    this.#checked = [];
  }

  /** Asks for a whole block as soon as it is kept here, and for less when it is old. */
  ask({ ms }: Now): void {
    const { oldestUnsigned: seq, keptHead } = this.#member.copy;
    const isWaiting = this.#askedAtMs !== undefined && ms - this.#askedAtMs < retryUnsignedMs;
    if (seq > keptHead || isWaiting || this.isBusy) return;
    if (seq !== this.#oldest) [this.#oldest, this.#sinceMs] = [seq, ms];
    if (keptHead < blockEnd(seq, this.#member.flow) && ms - this.#sinceMs < unsignedMs) return;
    this.#askedAtMs = ms;
    this.#member.send({ kind: 'signatures', seq });
  }

  /** What was asked for, as far as it is kept here. */
  take({ seq, sigs = [] }: SignaturesFrame): void {
    const { oldestUnsigned, keptHead } = this.#member.copy;
    if (this.#askedAtMs === undefined || seq !== oldestUnsigned || sigs.length === 0) return;
    this.#askedAtMs = undefined;
    this.#unchecked = sigs.slice(0, keptHead - seq + 1).map((sig, i) => ({ seq: seq + i, sig }));
  }

  /** Checks some: each takes so long that a whole block would hold up what is typed. */
  check(): void {
    const some = this.#unchecked.splice(0, checkedAtOnce);
    const last = some.at(-1);
    if (!last) return;
    this.#checked.push(...some.flatMap((found) => this.#verified(found)));
    if (!this.isBusy) this.#member.copy.addSignatures(this.#checked.splice(0), this.#oldest, last.seq);
  }

  /** Nothing of what is lost here, or has one; nor where the room has none either, which proves nothing. */
  #verified({ seq, sig }: Signature): Signature[] {
    const { copy, options, room = '' } = this.#member;
    const message = copy.keptAt(seq);
    if (!message || message.sig || sig === '') return [];
    const { name, key = '' } = message;
    if (options.crypto.verify(key, signedText(options.crypto, room, message), sig)) return [{ seq, sig }];
    if (!this.#liars.has(key)) this.#member.show({ type: 'unverified', seq, from: { name, id: key } });
    this.#liars.add(key);
    return [{ seq, sig: wrongSignature }];
  }
}
