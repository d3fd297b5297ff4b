import { Bucket } from '../bucket.ts';
import { maxHeldOfOriginal, maxHeldTextOfOriginal, type Pace, uploadWindow } from '../limits.ts';
import type { Proposal, Uploader } from '../log/ledger.ts';
import type { Shares } from '../log/shares.ts';

/** What takes a place in the log. */
export type Wish = Proposal & { type: 'say' | 'giveBack' | 'relay' };
/** What waits of one session, or of a client of the original; in its order. */
type Line = { of: Uploader | string; dev: string | undefined; wishes: Wish[]; characters: number };
type Author = { who: string; dev?: string | undefined };
/** `turn`: the newest one in which something of it went, and how much more may go in that. */
type Account = {
  who: string;
  own: Bucket;
  given: Bucket;
  names: Bucket;
  lines: Line[];
  turn: { no: number; left: number };
};

/**
 * How fast members may write. Nothing of an honest one is dropped: what comes faster than a member's credit grows waits here
 * in its order, and the late echo slows its client down by itself. Others do not feel it. [P47]
 *
 *   W1 of one session everything leaves in the order in which it came; W2 nothing overtakes what waits.
 */
export class Pacing {
  readonly #pace: Pace | undefined;
  readonly #shares: Shares;
  readonly #go: (wish: Wish) => void;
  readonly #accounts = new Map<string, Account>();
  /** Of whom something waits. */
  readonly #waiting = new Set<Account>();
  #turn = 0;

  /** @param go takes what may be written now */
  constructor(pace: Pace | undefined, shares: Shares, go: (wish: Wish) => void) {
    this.#pace = pace;
    this.#shares = shares;
    this.#go = go;
  }

  /**
   * A session wants these; `of` is its newest proof, or the connection of a client of the original. Returns false if more
   * waits than an honest client ever has under way: the rest is not taken.
   */
  take(session: Author, of: Uploader | string, wishes: readonly Wish[], ms: number): boolean {
    const account = this.#pace && this.#accountOf(session.who, this.#pace, ms);
    if (!account) {
      for (const wish of wishes) this.#go(wish);
      return true;
    }
    let line = account.lines.find((known) => known.of === of);
    for (const wish of wishes) {
      if (!line && this.#mayGo(account, wish, ms)) this.#let(wish, ms);
      else if (line && isFull(line)) return false;
      else enter((line ??= this.#open(account, of, session.dev)), wish);
    }
    return true;
  }

  /** A turn begins: everything that waits goes as far as it may by now. One member's sessions take it in turns. */
  release(ms: number): void {
    this.#turn++;
    if (this.#waiting.size === 0) return;
    // Where a share is used up, whoever has said least comes first.
    const accounts = [...this.#waiting];
    if (this.#shares.areScarce) accounts.sort((a, b) => this.#shares.saidBy(a.who) - this.#shares.saidBy(b.who));
    for (const account of accounts) this.#releaseOf(account, ms);
  }

  #releaseOf(account: Account, ms: number): void {
    const { lines } = account;
    for (let stuck = 0; stuck < lines.length; ) {
      const line = lines.shift() as Line;
      const [wish] = line.wishes;
      const goes = wish !== undefined && this.#mayGo(account, wish, ms);
      if (goes) this.#let(leave(line), ms);
      if (line.wishes.length > 0) lines.push(line);
      stuck = goes ? 0 : stuck + 1;
    }
    if (lines.length === 0) this.#waiting.delete(account);
  }

  /** Whether something of this member waits. */
  holds(who: string): boolean {
    return this.#waiting.size > 0 && (this.#accounts.get(who)?.lines.length ?? 0) > 0;
  }

  /** How many messages of this device wait here, and about how long it is until all of the member's have gone. */
  held(who: string, dev: string, ms: number): { held: number; forMs: number } {
    const account = this.#accounts.get(who);
    const [first] = account?.lines[0]?.wishes ?? [];
    if (!account || !first) return { held: 0, forMs: 0 };
    const [held, all] = [account.lines.filter((line) => line.dev === dev), account.lines].map(countOf) as [
      number,
      number,
    ];
    const shareMs = all * this.#shares.waitMs(authorOf(first, this.#shares.room), ms);
    return { held, forMs: Math.ceil(Math.max(bucketOf(account, first).waitMs(ms, all), shareMs)) };
  }

  /** What waits of these sessions is not wanted any more. */
  drop(who: string, isUnwanted: (line: { of: Uploader | string; dev: string | undefined }) => boolean): void {
    const account = this.#accounts.get(who);
    if (!account) return;
    account.lines = account.lines.filter((line) => !isUnwanted(line));
    if (account.lines.length === 0) this.#waiting.delete(account);
  }

  /** Whether this member may take another name now. */
  mayRename(who: string, ms: number): boolean {
    return !this.#pace || this.#accountOf(who, this.#pace, ms).names.take(1, ms);
  }

  /** When more may go, as far as that is known: ms from now. */
  nextMs(ms: number): number | undefined {
    if (!this.#pace || this.#waiting.size === 0) return undefined;
    let nextMs: number | undefined;
    for (const account of this.#waiting)
      for (const { wishes } of account.lines) {
        const waitMs = wishes[0] ? bucketOf(account, wishes[0]).waitMs(ms) : 0;
        if (waitMs > 0) nextMs = Math.min(nextMs ?? waitMs, waitMs);
        else if (this.#leftOf(account, this.#pace) <= 0) return 0;
        // Who waits all the same has used up a share: that is looked at with each tick.
      }
    return nextMs && Math.max(nextMs, this.#pace.releaseMs);
  }

  /** Whose credit is whole again needs no account. */
  tidy(ms: number): void {
    for (const [who, { own, given, names, lines }] of this.#accounts)
      if (lines.length === 0 && own.isFull(ms) && given.isFull(ms) && names.isFull(ms)) this.#accounts.delete(who);
  }

  #let(wish: Wish, ms: number): void {
    this.#shares.ask(authorOf(wish, this.#shares.room), ms);
    this.#go(wish);
  }

  /** If so, it is paid. */
  #mayGo(account: Account, wish: Wish, ms: number): boolean {
    const pace = this.#pace as Pace;
    const cost = costOf(wish, pace);
    const goes =
      this.#leftOf(account, pace) > 0 &&
      this.#shares.allow(authorOf(wish, this.#shares.room), ms) &&
      bucketOf(account, wish).take(cost, ms);
    if (goes) account.turn.left -= cost;
    return goes;
  }

  #leftOf({ turn }: Account, { perTurn }: Pace): number {
    if (turn.no !== this.#turn) [turn.no, turn.left] = [this.#turn, perTurn];
    return turn.left;
  }

  #open(account: Account, of: Uploader | string, dev: string | undefined): Line {
    const line: Line = { of, dev, wishes: [], characters: 0 };
    account.lines.push(line);
    this.#waiting.add(account);
    return line;
  }

  #accountOf(who: string, { messages, given, names }: Pace, ms: number): Account {
    const known = this.#accounts.get(who);
    if (known) return known;
    const [own, others, called] = [messages, given, names].map((rate) => new Bucket(rate, ms)) as [
      Bucket,
      Bucket,
      Bucket,
    ];
    const account = { who, own, given: others, names: called, lines: [], turn: { no: 0, left: 0 } };
    this.#accounts.set(who, account);
    return account;
  }
}

const bucketOf = ({ own, given }: Account, wish: Wish): Bucket => (wish.type === 'giveBack' ? given : own);
const countOf = (lines: readonly Line[]): number => lines.reduce((sum, { wishes }) => sum + wishes.length, 0);

/** A long one counts as several. Characters are counted, for bytes would have to be. */
function costOf(wish: Wish, { messageCharacters }: Pace): number {
  return Math.max(1, charactersOf(wish) / messageCharacters);
}

function charactersOf(wish: Wish): number {
  const { text, ext = '' }: { text: string; ext?: string } = wish.type === 'relay' ? wish.words : wish.message;
  return text.length + ext.length;
}

/** What clients of the original say is the room's to sign. */
const authorOf = (wish: Wish, room: string): string => (wish.type === 'relay' ? room : (wish.message.key ?? ''));

function isFull({ of, wishes, characters }: Line): boolean {
  if (typeof of !== 'string') return wishes.length >= uploadWindow;
  return wishes.length >= maxHeldOfOriginal || characters >= maxHeldTextOfOriginal;
}

function enter(line: Line, wish: Wish): void {
  line.wishes.push(wish);
  line.characters += charactersOf(wish);
}

function leave(line: Line): Wish {
  const wish = line.wishes.shift() as Wish;
  line.characters -= charactersOf(wish);
  return wish;
}
