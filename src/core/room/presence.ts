import type { Notice } from '../../protocol/frames.ts';
import { Bucket } from '../bucket.ts';
import { graceMs, maxInGrace, maxNamed, noticeRate, sessionTimeoutMs } from '../limits.ts';
import type { Feed, Position } from '../log/feed.ts';
import { lookAlike } from '../looks.ts';
import { guestName } from '../names.ts';
import { sentence } from '../narrate.ts';
import { Sessions } from './sessions.ts';

/** One connection that is in the room, and how far it has read. */
export type Session = {
  from: string;
  /** The member: a public key, or the routing id of a client of the original, who is a guest. */
  who: string;
  name: string;
  dev?: string | undefined;
  /** Of the join that it began with. */
  cn?: string | undefined;
  /** Only a guest: the name under which its messages stand; where that is somebody else's, `name` is marked. */
  guest?: string | undefined;
  heardAtMs: number;
  sent: Position;
  acked: number;
  /** What its full queue did not take last, and when that is tried again, after which pause. */
  full: { untaken?: Position; retryAtMs: number; pauseMs: number };
};

/**
 * Who is in the room, and what the room is told of it. A member has one or more sessions; a device has one.
 *
 *   absent --enter--> present --leave--> absent          (announced both times)
 *                     present --enter with another name--> present       (announced as a rename)
 *                     present --lose---> in grace --enter--> present     (nothing announced but a rename)
 *                                        in grace --graceMs--> absent    (announced as lost)
 *   away is what a present member says of itself, until it says another thing or is absent   (announced to programs)
 */
export class Presence {
  /** By routing id. MUST NOT be changed by others. */
  readonly sessions = new Sessions();
  readonly #server: string;
  readonly #feed: Feed;
  /** Members present, or in grace since `lostAtMs`. */
  readonly #members = new Map<string, { name: string; lostAtMs?: number; away?: string }>();
  /** Those in grace: who is gone for longest comes first. */
  readonly #inGrace = new Set<string>();
  readonly #credit = new Bucket(noticeRate, 0);
  #nowMs = 0;
  /** How many came or went, and nobody was told who. */
  #untold = 0;
  /** What `named` was last, if that is so still: each of a crowd that comes is told of the same. */
  #named: { members: string[]; away?: (string | false)[] } | undefined;

  constructor(server: string, feed: Feed) {
    this.#server = server;
    this.#feed = feed;
  }

  get online(): number {
    return this.#members.size;
  }

  /** Those whom a welcome names, and if one of them is away, why each is. */
  get named(): Readonly<{ members: string[]; away?: (string | false)[] }> {
    this.#named ??= this.#nameSome();
    return this.#named;
  }

  #nameSome() {
    const named = [...some(this.#members.values(), maxNamed)];
    const away = named.map(({ away }): string | false => away ?? false);
    return { members: named.map(({ name }) => name), ...(away.some((one) => one !== false) && { away }) };
  }

  /** Those of version 1. */
  get proven(): Session[] {
    return [...this.sessions.values()].filter(({ guest }) => guest === undefined);
  }

  /** What a member that is here, or may come back, is called. */
  nameOf(who: string): string | undefined {
    return this.#members.get(who)?.name;
  }

  /** Takes the place of the sessions of its connection and of its device, and reads on after `since`. */
  enter(newcomer: Pick<Session, 'from' | 'who' | 'name' | 'dev' | 'cn' | 'guest'>, since: number, nowMs: number): void {
    const { from, who, name, dev, cn, guest } = newcomer;
    const here = this.sessions.get(from);
    // Who comes back on a new connection takes the place of the old one, which libzmq has not reported yet.
    const older = dev === undefined ? undefined : this.sessions.ofDevice(dev);
    const before = here ?? older;
    // On one connection somebody else is there now.
    if (before?.who !== who) this.leave(from);
    if (older) this.sessions.delete(older.from);
    this.#arrive(newcomer, before);
    // Not even its own coming is news to it.
    const sent = { seq: since, notice: this.#feed.end.notice };
    const full = here?.full ?? { pauseMs: 0, retryAtMs: 0 };
    // Written out: each message looks at all of them, and an object that was spread is slower to look at.
    this.sessions.set(from, { from, who, name, dev, cn, guest, heardAtMs: nowMs, sent, acked: since, full });
  }

  /** The last name chosen counts. Who joins again under the name it went by chooses none: another session may have since. */
  #arrive({ who, name }: Pick<Session, 'who' | 'name'>, before: Session | undefined): void {
    const member = this.#members.get(who);
    if (!member) {
      this.#members.set(who, { name });
      return this.#announce({ notice: 'join', who: name });
    }
    delete member.lostAtMs;
    this.#inGrace.delete(who);
    if (before?.who !== who || name !== before.name) this.#rename(who, name);
  }

  /** Somebody has proven that this name is theirs: whoever bears the like without proof is a guest from now on. [P11] */
  markGuests(name: string): void {
    for (const session of this.sessions.guests)
      if (session.guest !== undefined && session.guest === session.name && lookAlike(session.name, name)) {
        session.name = guestName(session.guest);
        this.#rename(session.who, session.name);
      }
  }

  /** The member says so over this connection; false: it is back. All its sessions are one, and its last word counts. [P46] */
  setAway(from: string, away: string | false): void {
    const member = this.#members.get(this.sessions.get(from)?.who ?? '');
    if (!member || (member.away ?? false) === away) return;
    const { name: who } = member;
    if (away === false) delete member.away;
    else member.away = away;
    this.#announce(away === false ? { notice: 'back', who } : { notice: 'away', who, away });
  }

  #rename(who: string, name: string): void {
    const member = this.#members.get(who);
    if (!member || member.name === name) return;
    const was = member.name;
    member.name = name;
    this.#announce({ notice: 'rename', who: name, was });
  }

  /** It said goodbye, or is gone without a word since `lostAtMs`. Returns the session that it was. */
  leave(from: string, lostAtMs?: number): Session | undefined {
    const session = this.sessions.get(from);
    this.sessions.delete(from);
    const member = this.#members.get(session?.who ?? '');
    if (!session || !member || this.sessions.countOf(session.who) > 0) return session;
    // A client of the original comes back as somebody new, so waiting for it would only count a ghost.
    if (lostAtMs === undefined || session.guest !== undefined) this.#depart(session.who, 'left');
    else this.#mourn(session.who, member, lostAtMs);
    return session;
  }

  /** It may come back. Of too many that is not waited for. */
  #mourn(who: string, member: { lostAtMs?: number }, lostAtMs: number): void {
    member.lostAtMs = lostAtMs;
    this.#inGrace.add(who);
    const [longest] = this.#inGrace;
    if (this.#inGrace.size > maxInGrace && longest !== undefined) this.#depart(longest, 'lost');
  }

  /** Tells whose grace is over. Returns the version-1 sessions that have expired. */
  expire(nowMs: number): Session[] {
    this.#nowMs = nowMs;
    for (const who of this.#inGrace)
      if (nowMs - (this.#members.get(who)?.lostAtMs ?? nowMs) >= graceMs) this.#depart(who, 'lost');
    this.#tellRest();
    return this.proven.filter(({ heardAtMs }) => nowMs - heardAtMs > sessionTimeoutMs);
  }

  #depart(who: string, reason: 'left' | 'lost'): void {
    const { name = '' } = this.#members.get(who) ?? {};
    this.#members.delete(who);
    this.#inGrace.delete(who);
    this.#announce({ notice: 'leave', who: name, reason });
  }

  /** Of a crowd only a number is told: nobody can fill all screens by coming and going. */
  #announce(facts: Pick<Notice, 'notice' | 'who' | 'was' | 'reason' | 'away'>): void {
    // Who comes stands behind all others.
    if (facts.notice !== 'join' || this.online <= maxNamed) this.#named = undefined;
    if (!this.#credit.take(1, this.#nowMs)) return void this.#untold++;
    const told = { ...facts, online: this.online };
    this.#feed.announce({ kind: 'notice', name: this.#server, ...told, text: sentence(told) });
  }

  #tellRest(): void {
    if (this.#untold === 0 || !this.#credit.take(1, this.#nowMs)) return;
    const text = `${this.#untold} more came, went or changed their names. ${this.online} online.`;
    this.#untold = 0;
    this.#feed.announce({ kind: 'notice', name: this.#server, notice: 'info', online: this.online, text });
  }
}

/** The first of them. */
function* some<T>(all: Iterable<T>, most: number): Generator<T> {
  let count = 0;
  for (const one of all) {
    if (++count > most) return;
    yield one;
  }
}
