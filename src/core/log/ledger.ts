import type { Join, Message, MessageId, Refused } from '../../protocol/frames.ts';
import type { Address } from '../../protocol/roster.ts';
import type { Crypto, Identity } from '../../protocol/signed.ts';
import { mendPatienceMs } from '../limits.ts';
import type { Now } from '../turn.ts';
import { Judge } from './judge.ts';
import type { Log } from './log.ts';
import { ownersOf } from './owners.ts';
import type { Change, Entry, Owner } from './store.ts';

/** How much of the log is kept: at most `entries`, none older than `ageMs` on the log's own clock, whichever is less. */
export type Retention = { entries: number; ageMs: number };
export type LedgerOptions = {
  /** Name of the server, which nobody else may bear. */
  name: string;
  /** Whose room this is: its key names the room. */
  identity: Identity;
  /** The room's own device in this run, on which it signs what clients of the original say. */
  dev: string;
  crypto: Crypto;
  retention: Retention;
};

type Entering = { from: string; name: string; key: string; dev: string; join: Join };

/**
 * Who uploads, since its newest proof. Behind a message that does not follow nothing more is taken until the next proof:
 * nothing at all behind one of its own (`isStopped`), nothing of others behind one of theirs (`isHeld`).
 */
export type Uploader = { from: string; isStopped: boolean; isHeld: boolean };

/** What somebody wants of the log. Who asks was judged before, by what is known of the connection alone. */
export type Proposal =
  /** A client that proved its key wants to be in the room under this name. */
  | ({ type: 'enter' } & Entering)
  /** A message of the session's own device; `name` is the session's. */
  | { type: 'say'; by: Uploader; message: Message; name: string }
  /** What a client of the original said: it is the room that writes it down, under a name that may be a guest's. */
  | { type: 'relay'; from: string; words: Pick<Message, 'name' | 'text' | 'salt' | 'guest'> }
  /** A message that somebody else kept for its author, from a log that is gone. [P35] */
  | { type: 'giveBack'; by: Uploader; message: Message }
  | { type: 'mend'; message: Message }
  /** Whoever keeps the room wants the words at this place to go. */
  | { type: 'erase'; from: string; seq: number }
  /** Where a member's device can be reached, signed by its owner. */
  | { type: 'reach'; address: Address }
  /** A member has this version of the roster, which the room has signed. */
  | { type: 'goOn'; version: number }
  /** The roster has changed for long enough. */
  | { type: 'publish' }
  /** Names that are in use. */
  | { type: 'tidy'; present: { name: string; key: string }[] };
/** What became of a proposal, for its author alone. What was written, all read in the log. */
export type Outcome =
  | ({ type: 'entered' } & Entering)
  | { type: 'refused'; from: string; code: Refused['code']; text: string; join: Join }
  | { type: 'rejoin'; by: Uploader }
  | { type: 'hole'; by: Uploader; id: MessageId }
  | { type: 'had'; by: Uploader; ids: MessageId[] }
  | { type: 'relayed'; from: string; seq: number }
  | { type: 'mended'; entry: Entry }
  /** Without `why` the words at this place have gone. */
  | { type: 'erased'; from: string; seq: number; why?: WhyKept }
  /** `by` has sent what no honest client does. */
  | { type: 'ignored'; reason: string; by?: Uploader };
/** Why there is nothing to erase at a place. */
export type WhyKept = 'none' | 'trimmed' | 'damaged' | 'void' | 'erasure' | 'already';
export type Decision<Other> = { change: Change | undefined; outcomes: (Outcome | Other)[] };

/**
 * Decides what the log takes next. A decision is a pure function of the log, the proposals and the time: it changes
 * nothing and is remembered nowhere. Its change counts when it is on disk; until then nothing else MUST be decided.
 *
 *   L1 places follow each other without a gap; L2 per device n only rises, and follows the n before it.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #log: Log;
  /** When the log was first read here, by this program's clock and by the log's own. */
  #began: { ms: number; ranMs: number } | undefined;

  constructor(options: LedgerOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /** Proposals are judged in their order; what is none of them is passed on in its place. */
  decide<Other extends { type: string }>(proposals: readonly (Proposal | Other)[], now: Now): Decision<Other> {
    const ranMs = this.ranMs(now.ms);
    // A log goes back in time only between two runs. Whoever kept what it lacks has so long to bring that in its order.
    const isMending = now.ms - (this.#began?.ms ?? now.ms) < mendPatienceMs;
    const judge = new Judge(this.#options, this.#log, { ranMs, wallMs: now.wallMs, isMending });
    const outcomes = proposals.flatMap((proposal) => judge.judge(proposal as Proposal) ?? (proposal as Other));
    judge.end();
    return { change: judge.draft.change, outcomes };
  }

  /** To whom this name belongs, or another one that looks like it. */
  owners(name: string, now: Now): Owner[] {
    return ownersOf(this.#log.store, name, this.ranMs(now.ms), this.#options.retention.ageMs);
  }

  /** The log's own clock: it stands still while no program of this log runs, and no clock of a machine moves it. */
  ranMs(ms: number): number {
    this.#began ??= { ms, ranMs: this.#log.store.ranMs };
    return Math.trunc(this.#began.ranMs + ms - this.#began.ms);
  }
}
