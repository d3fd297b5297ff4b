import { maxHeldOfOriginal, maxHeldText, maxHeldTextOfOriginal, type Pace, uploadWindow } from '../limits.ts';
import type { Proposal, Uploader } from '../log/ledger.ts';
import type { Shares } from '../log/shares.ts';
import { Credits } from './credits.ts';

/** What takes a place in the log. */
export type Wish = Proposal & { type: 'say' | 'giveBack' | 'relay' };
/** What waits of one session, or of a client of the original; in its order. `hasLeft`: nobody is there any more who said it. */
export type Line = {
  of: Uploader | string;
  from: string;
  dev: string | undefined;
  wishes: Wish[];
  characters: number;
  hasLeft: boolean;
};
type Author = { who: string; from: string; dev?: string | undefined };
/** `turn`: the newest one in which something of it went, and how much more may go in that. */
type Account = Credits & { who: string; lines: Line[]; turn: { no: number; left: number } };

/**
 * How fast members may write. Nothing of an honest one is dropped: what comes faster than a member's credit grows waits here
 * in its order, and the late echo slows its client down by itself. Others do not feel it. [P47]
 *
 *   W1 of one session everything leaves in the order in which it came; W2 nothing overtakes what waits;
 *   W3 who has waited longest goes next, one message of each, whatever the others have waiting.
 */
export class Pacing {
  readonly #pace: Pace | undefined;
  readonly #shares: Shares;
  readonly #go: (wish: Wish) => void;
  readonly #accounts = new Map<string, Account>();
  /** Of whom something waits: who was served last stands last. */
  readonly #waiting = new Set<Account>();
  #groups: { newcomers: Credits; originals: Credits } | undefined;
  #turn = { no: 0, left: 0 };
  /** Of all that waits. */
  #characters = 0;

  /** @param go takes what may be written now */
  constructor(pace: Pace | undefined, shares: Shares, go: (wish: Wish) => void) {
    this.#pace = pace;
    this.#shares = shares;
    this.#go = go;
  }

  /** A turn begins: MUST be called before anything is taken in it. */
  begin(): void {
    this.#turn = { no: this.#turn.no + 1, left: this.#pace?.perTurnOfAll ?? 0 };
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
    account.isOriginal = typeof of === 'string';
    let line = account.lines.find((known) => known.of === of);
    const isBehind = !line && this.#isBehind(account, ms);
    for (const wish of wishes) {
      if (!line && !isBehind && this.#mayGo(account, wish, ms)) this.#let(wish, ms);
      else if (!this.#hasRoom(account, line, wish)) return false;
      else this.#enter((line ??= this.#open(account, of, session)), wish);
    }
    return true;
  }

  /** Everything that waits goes as far as it may by now, one message of each in turns, and of each of its sessions. */
  release(ms: number): void {
    for (let stuck = 0; stuck < this.#waiting.size && this.#turn.left > 0; ) {
      const account = this.#waiting.values().next().value as Account;
      this.#waiting.delete(account);
      const goes = this.#releaseOne(account, ms);
      if (account.lines.length > 0) this.#waiting.add(account);
      stuck = goes ? 0 : stuck + 1;
    }
  }

  #releaseOne(account: Account, ms: number): boolean {
    const { lines } = account;
    for (let tries = lines.length; tries > 0; tries--) {
      const line = lines.shift() as Line;
      const [wish] = line.wishes;
      const goes = wish !== undefined && this.#mayGo(account, wish, ms);
      if (goes) this.#let(this.#leave(line), ms);
      if (line.wishes.length > 0) lines.push(line);
      if (goes) return true;
    }
    return false;
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
    const all = countOf(account.lines);
    const shareMs = all * this.#shares.waitMs(authorOf(first, this.#shares.room), ms);
    const held = countOf(account.lines.filter((line) => line.dev === dev));
    return { held, forMs: Math.ceil(Math.max(account.of(first).waitMs(ms, all), shareMs)) };
  }

  /** What waits in these lines is not wanted any more. */
  drop(isUnwanted: (line: Line, who: string) => boolean): void {
    for (const account of this.#waiting) {
      const { who, lines } = account;
      for (const line of lines) if (isUnwanted(line, who)) this.#characters -= line.characters;
      account.lines = lines.filter((line) => !isUnwanted(line, who));
      if (account.lines.length === 0) this.#waiting.delete(account);
    }
  }

  /** This connection has ended: what waits of it is said all the same, as long as there is room for it. */
  part(who: string, from: string): void {
    for (const line of this.#accounts.get(who)?.lines ?? []) line.hasLeft ||= line.from === from;
  }

  /** Whether this device of a member may be called so now: costs nothing if it was last. */
  mayRename(who: string, dev: string, name: string, ms: number): boolean {
    return !this.#pace || this.#accountOf(who, this.#pace, ms).mayRename(dev, name, ms);
  }

  /** When more may go, as far as that is known: ms from now. */
  nextMs(ms: number): number | undefined {
    const pace = this.#pace;
    if (!pace) return undefined;
    let nextMs: number | undefined;
    for (const account of this.#waiting) {
      const waitMs = this.#waitMs(account, ms);
      if (waitMs === 0) return 0;
      if (waitMs !== undefined) nextMs = Math.min(nextMs ?? waitMs, waitMs);
    }
    return nextMs && Math.max(nextMs, pace.releaseMs);
  }

  /** Undefined for who has used up a share: that is looked at with each tick. */
  #waitMs(account: Account, ms: number): number | undefined {
    const group = this.#groupOf(account, ms);
    let least: number | undefined;
    for (const { wishes } of account.lines) {
      const [wish] = wishes;
      if (!wish || !this.#shares.allow(authorOf(wish, this.#shares.room), ms)) continue;
      const waitMs = Math.max(account.of(wish).waitMs(ms), group?.of(wish).waitMs(ms) ?? 0);
      least = Math.min(least ?? waitMs, waitMs);
    }
    return least;
  }

  /** Whose credit is whole again needs no account. */
  tidy(ms: number): void {
    for (const [who, account] of this.#accounts)
      if (account.lines.length === 0 && account.areFull(ms)) this.#accounts.delete(who);
  }

  #let(wish: Wish, ms: number): void {
    this.#shares.ask(authorOf(wish, this.#shares.room), ms);
    this.#go(wish);
  }

  /** If so, it is paid. */
  #mayGo(account: Account, wish: Wish, ms: number): boolean {
    const pace = this.#pace as Pace;
    const [own, group] = [account.of(wish), this.#groupOf(account, ms)?.of(wish)];
    const hasCredit = own.has(ms) && (group?.has(ms) ?? true);
    const hasTurn = this.#turn.left > 0 && this.#leftOf(account, pace) > 0;
    if (!hasCredit || !hasTurn || !this.#shares.allow(authorOf(wish, this.#shares.room), ms)) return false;
    const cost = costOf(wish, pace);
    for (const bucket of [own, group]) bucket?.charge(cost);
    account.turn.left -= cost;
    this.#turn.left -= wish.type === 'relay' ? cost * pace.relayed : cost;
    return true;
  }

  #leftOf({ turn }: Account, { perTurn }: Pace): number {
    if (turn.no !== this.#turn.no) [turn.no, turn.left] = [this.#turn.no, perTurn];
    return turn.left;
  }

  /** Others of its group wait: it may not go before them. */
  #isBehind(account: Account, ms: number): boolean {
    const group = this.#groupOf(account, ms);
    return group !== undefined && [...this.#waiting].some((other) => this.#groupOf(other, ms) === group);
  }

  /** Those with whom it shares a credit, besides its own. */
  #groupOf({ who, isOriginal }: Account, ms: number): Credits | undefined {
    if (isOriginal) return this.#groups?.originals;
    return this.#shares.isNewcomer(who, ms) ? this.#groups?.newcomers : undefined;
  }

  #hasRoom(account: Account, line: Line | undefined, wish: Wish): boolean {
    if (line && isFull(line)) return false;
    const ofMember = account.lines.reduce((sum, { characters }) => sum + characters, 0);
    if (ofMember > maxHeldText.ofMember) return false;
    if (this.#characters + charactersOf(wish) > maxHeldText.ofAll) this.drop(({ hasLeft }) => hasLeft);
    return this.#characters + charactersOf(wish) <= maxHeldText.ofAll;
  }

  #open(account: Account, of: Uploader | string, { from, dev }: Author): Line {
    const line: Line = { of, from, dev, wishes: [], characters: 0, hasLeft: false };
    account.lines.push(line);
    this.#waiting.add(account);
    return line;
  }

  #enter(line: Line, wish: Wish): void {
    line.wishes.push(wish);
    line.characters += charactersOf(wish);
    this.#characters += charactersOf(wish);
  }

  #leave(line: Line): Wish {
    const wish = line.wishes.shift() as Wish;
    line.characters -= charactersOf(wish);
    this.#characters -= charactersOf(wish);
    return wish;
  }

  #accountOf(who: string, pace: Pace, ms: number): Account {
    this.#groups ??= {
      newcomers: new Credits({ ...pace.newcomers, names: pace.names }, ms),
      originals: new Credits({ ...pace, messages: pace.originals }, ms),
    };
    const known = this.#accounts.get(who);
    if (known) return known;
    const account = Object.assign(new Credits(pace, ms), { who, lines: [], turn: { no: 0, left: 0 } });
    this.#accounts.set(who, account);
    return account;
  }
}

const countOf = (lines: readonly Line[]): number => lines.reduce((sum, { wishes }) => sum + wishes.length, 0);

/** A long one counts as several. */
function costOf(wish: Wish, { messageBytes }: Pace): number {
  const { text, ext = '' } = wordsOf(wish);
  // A character has three bytes at most: most texts need not be measured.
  if (3 * charactersOf(wish) <= messageBytes) return 1;
  return Math.max(1, (Buffer.byteLength(text) + Buffer.byteLength(ext)) / messageBytes);
}

const wordsOf = (wish: Wish): { text: string; ext?: string } => (wish.type === 'relay' ? wish.words : wish.message);
function charactersOf(wish: Wish): number {
  const { text, ext = '' } = wordsOf(wish);
  return text.length + ext.length;
}

/** What clients of the original say is the room's to sign. */
const authorOf = (wish: Wish, room: string): string => (wish.type === 'relay' ? room : (wish.message.key ?? ''));

function isFull({ of, wishes, characters }: Line): boolean {
  if (typeof of !== 'string') return wishes.length >= uploadWindow;
  return wishes.length >= maxHeldOfOriginal || characters >= maxHeldTextOfOriginal;
}
