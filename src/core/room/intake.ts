import { isEnd } from '../../protocol/codec.ts';
import type { Receipt, Received } from '../../protocol/frames.ts';
import { defaultPace, type Pace, points, unheardMs } from '../limits.ts';
import type { Ledger, Outcome, Proposal, Retention } from '../log/ledger.ts';
import type { Log } from '../log/log.ts';
import { Shares } from '../log/shares.ts';
import type { Effects } from '../turn.ts';
import type { Absence } from './door.ts';
import { Hearing } from './hearing.ts';
import { Pacing, type Wish } from './pacing.ts';
import type { Presence, Session } from './presence.ts';

type IntakeOptions = { name: string; identity: { key: string }; retention: Retention; pace: Pace | undefined };
type Parts = { log: Log; ledger: Ledger; presence: Presence; effects: Effects };
/** What has come of a frame: nothing of it goes on the disk but proposals. */
type Said = Proposal | Outcome | Absence;
type Words = Wish & { type: 'say' | 'giveBack' };

/** Words on their way to the log: how much of them is heard, when it is their turn, and what their authors are told of that. */
export class Intake {
  readonly pacing: Pacing;
  readonly shares: Shares;
  readonly #options: IntakeOptions;
  readonly #parts: Parts;
  readonly #hearing: Hearing;
  /** Whose words were taken in this turn, or wait. */
  readonly #heard = new Set<string>();
  /** Clients of the original that were told of what was not sent. */
  readonly #unsent = new Set<string>();

  /** @param propose takes what may be decided about now */
  constructor(options: IntakeOptions, parts: Parts, propose: (wish: Wish) => void) {
    const { pace, retention, identity } = options;
    const { share } = pace ?? defaultPace;
    this.#options = options;
    this.#parts = parts;
    this.#hearing = new Hearing(pace);
    this.shares = new Shares(parts.log, retention, share, identity.key, (ms) => parts.ledger.ranMs(ms));
    this.pacing = new Pacing(pace, this.shares, propose);
  }

  /** Whether a frame that has come is to be decoded. */
  hears(from: string, data: Uint8Array, ms: number): boolean {
    return this.#hearing.hears(from, data.length, isEnd(data), ms);
  }

  /** What it turned out to be. */
  price(from: string, frame: Received): void {
    const isProof = frame.kind === 'join' && frame.proof !== undefined;
    const isNews = frame.kind === 'upload' && frame.away !== undefined;
    const known = isProof || isNews ? points.proof : prices[frame.kind];
    this.#hearing.charge(from, known ?? points.wrong);
  }

  /** It was no good. */
  penalize(from: string): void {
    this.#hearing.charge(from, points.wrong);
  }

  /**
   * Takes words, or says what there is to propose in their place. What is more than an honest client ever has under way
   * is not taken: it comes again, as everything after it.
   */
  take(from: string, words: Said[], ms: number): Said | undefined {
    const session = this.#parts.presence.sessions.get(from);
    if (!session || !areWords(words)) return this.#judged(from, words[0]);
    const [{ by }] = words;
    if (!this.pacing.take(session, by, words, ms)) {
      by.isStopped = true;
      this.pacing.drop(({ of }) => of === by);
      this.#sendAway(from);
    } else if (this.pacing.holds(session.who)) this.#heard.add(from);
    return undefined;
  }

  /** The same of a frame in the original's form. */
  takePlain(from: string, said: Said | undefined, ms: number): Said | undefined {
    if (said?.type !== 'relay') return this.#judged(from, said);
    if (!this.pacing.take({ who: from, from }, from, [said], ms)) this.#tellUnsent(from);
    return undefined;
  }

  #judged(from: string, said: Said | undefined): Said | undefined {
    if (said?.type === 'ignored') this.penalize(from);
    return said;
  }

  /** Who has said so much that it is not heard for a while hears that once. Nobody knows how to tell a stranger. */
  tellDeaf(): string[] {
    return this.#hearing.takeDeafened().flatMap((from) => {
      const session = this.#parts.presence.sessions.get(from);
      if (session?.guest !== undefined) this.#tellUnsent(from);
      else if (session) this.#sendAway(from);
      return session ? `${session.name} sends more than this room can hear` : [];
    });
  }

  #sendAway(from: string): void {
    this.#parts.effects.send(from, { kind: 'rejoin', delayMs: defaultPace.deafMs });
  }

  /** A client of the original can be told only so, and not of each line. */
  #tellUnsent(from: string): void {
    if (this.#unsent.has(from)) return;
    this.#unsent.add(from);
    this.#parts.effects.send(from, { kind: 'message', name: this.#options.name, text: unsent });
  }

  /** Something of this session was decided about. */
  said(from: string): void {
    this.#heard.add(from);
  }

  /**
   * Who does not see at once that its words came back hears at least that they are kept, or held. [P22]
   *
   * @param undecided how many of its messages are being decided about
   */
  sendReceipts(undecided: (from: string) => number, ms: number): void {
    const { presence, log, effects } = this.#parts;
    for (const from of this.#heard) {
      const session = presence.sessions.get(from);
      if (!session || (session.sent.seq === log.head && !this.pacing.holds(session.who))) continue;
      const receipt = this.receipt(session, undecided, ms);
      if (session.sent.seq < log.head || receipt.heldMs !== undefined)
        effects.send(from, { kind: 'receipt', ...receipt });
    }
    this.#heard.clear();
  }

  receipt(
    { from, who, dev = '' }: Session,
    undecided: (from: string) => number,
    ms: number,
  ): Pick<Receipt, 'kept' | 'held' | 'heldMs'> {
    const { held, forMs } = this.pacing.held(who, dev, ms);
    const kept = this.#parts.log.store.mark(dev)?.n ?? 0;
    return { kept, held: undecided(from) + held, ...(held > 0 && forMs > 0 && { heldMs: forMs }) };
  }

  /** How long nothing more should be read, for much of what was read was not heard: its socket is to hold up who sends it. */
  takePauseMs(): number {
    const { unheard } = this.#hearing;
    this.#hearing.unheard = 0;
    return unheard * unheardMs;
  }

  tick(ms: number): void {
    this.#hearing.tidy(ms);
  }

  tidy(ms: number): void {
    this.#unsent.clear();
    this.pacing.tidy(ms);
    this.shares.tidy(ms);
  }
}

/** What a frame costs besides its size; what is not here is nothing that a client says. */
const prices: Partial<Record<Received['kind'], number>> = {
  join: points.join,
  leave: 0,
  upload: 0,
  message: 0,
  ack: 0,
  lost: points.question,
  signatures: points.signatures,
  roster: points.question,
  gone: 0,
  unknown: 0,
};
const unsent = 'Not sent: you write faster than this room takes. Wait a moment, and say it again.';
const areWords = (taken: Said[]): taken is [Words, ...Words[]] => taken[0] !== undefined && 'message' in taken[0];
