import type { Heartbeat, Welcome } from '../../protocol/frames.ts';
import { headProof, type SignedHead } from '../../protocol/signed.ts';
import type { Contradiction } from '../events.ts';
import { emptyHash, type Signed } from '../log/store.ts';
import type { Member } from './member.ts';

/**
 * Holds the room to its word. A server signs how far its log goes; in one run that log has one past, which only grows. So
 * what was signed is compared with what is signed later, and with what is read here. Another run may have another past:
 * its disk was restored, which is a fork. [P26]
 *
 *   H1 only what the room's key has signed counts; H2 what counts is kept in the same turn;
 *   H3 a contradiction is said once for each run of a server.
 */
export class Heads {
  readonly #member: Member;
  #run = '';

  constructor(member: Member) {
    this.#member = member;
  }

  /** A session opens. MUST be called when its welcome is known to be genuine, and the copy stands where it begins. */
  begin(cn: string, { log, run, head: seq, headHash: hash = emptyHash, sig }: Welcome): void {
    this.#run = run;
    this.#take({ log, run, seq, hash, sig, cn });
  }

  hear({ head: seq, headHash: hash = emptyHash, sig }: Told): void {
    const { copy, options, room = '' } = this.#member;
    if (seq === undefined || sig === undefined) return;
    const head = { log: copy.log, run: this.#run, seq, hash, sig };
    const isKnown = copy.signed !== undefined && isSame(copy.signed.newest, head);
    if (!isKnown && options.crypto.verify(room, headProof(room, head), sig)) this.#take(head);
  }

  /** Another place was read. */
  reached(): void {
    const { copy } = this.#member;
    const { awaited, newest, said } = copy.signed ?? {};
    if (!awaited || !newest || awaited.seq !== copy.cursor) return;
    this.#keep({ newest, said }, [newest]);
    this.#compare(awaited);
  }

  /** What was signed in another run says nothing of this one. */
  #take(head: SignedHead): void {
    const known = this.#member.copy.signed;
    // It says nothing of the past.
    if (head.seq > 0 && head.hash === emptyHash) return;
    const { newest, awaited, said }: Signed = known?.newest.run === head.run ? known : { newest: head };
    const isNewer = head.log !== newest.log || head.seq > newest.seq;
    this.#keep({ newest: isNewer ? head : newest, said }, [awaited, newest, head]);
    const reason = whyNotBoth(newest, head);
    if (reason) this.#tell({ reason, seq: head.seq, heads: [newest, head] });
    this.#compare(head);
  }

  /** Of the heads that are not reached yet the oldest is awaited: a reader that stays behind meets one all the same. */
  #keep({ newest, said }: Signed, heads: readonly (SignedHead | undefined)[]): void {
    const { copy } = this.#member;
    const awaited = heads.find((head) => head && head.log === copy.log && head.seq > copy.cursor);
    const signed = { newest, ...(awaited && { awaited }), ...(said && { said }) };
    // A welcome after each join tells nothing new.
    if (JSON.stringify(signed) !== JSON.stringify(copy.signed)) copy.sign(signed);
  }

  /** With what is read here, if its place was read and is kept. */
  #compare(head: SignedHead): void {
    const read = head.log === this.#member.copy.log ? this.#member.copy.hashAt(head.seq) : undefined;
    if (read === undefined || read === head.hash) return;
    const newest = this.#member.copy.signed?.newest ?? head;
    const heads = isSame(newest, head) ? [head] : [head, newest];
    this.#tell({ reason: 'read', seq: head.seq, heads, read });
  }

  #tell(found: Omit<Contradiction, 'type' | 'room'>): void {
    const { copy, room = '' } = this.#member;
    if (!copy.signed || copy.signed.said) return;
    copy.sign({ ...copy.signed, said: true });
    this.#member.showOnce({ type: 'contradiction', room, ...found });
  }
}

/** What a heartbeat says, or entries that end with the newest one. */
type Told = Pick<Heartbeat, 'head' | 'headHash' | 'sig'>;

const isSame = (a: SignedHead, b: SignedHead): boolean =>
  a.log === b.log && a.run === b.run && a.seq === b.seq && a.hash === b.hash;

/**
 * Two heads of one run, in the order in which they came. That one is lower proves something only in the answer to a nonce:
 * anybody on the way can say again what was signed before.
 */
function whyNotBoth(first: SignedHead, later: SignedHead): Contradiction['reason'] | undefined {
  if (first.log !== later.log || (first.seq === later.seq && first.hash !== later.hash)) return 'signed';
  return later.seq < first.seq && later.cn !== undefined ? 'back' : undefined;
}
