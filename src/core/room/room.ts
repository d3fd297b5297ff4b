import { decode } from '../../protocol/codec.ts';
import type { Heartbeat, Received } from '../../protocol/frames.ts';
import { formatId } from '../../protocol/signed.ts';
import { defaultFlow, defaultPace, type Flow, heartbeatIntervalMs, type Pace, tidyIntervalMs } from '../limits.ts';
import { Feed } from '../log/feed.ts';
import { Ledger, type Outcome, type Proposal } from '../log/ledger.ts';
import { Log } from '../log/log.ts';
import type { Store } from '../log/store.ts';
import { farewell } from '../narrate.ts';
import { type Core, type Effect, Effects, type Input, type Now, secureMark } from '../turn.ts';
import { type Absence, Door, type DoorOptions } from './door.ts';
import { HeadSigner } from './head-signer.ts';
import { Intake } from './intake.ts';
import { LostPlaces } from './lost-places.ts';
import { Presence } from './presence.ts';
import { Readers } from './readers.ts';
import { RosterDesk } from './roster-desk.ts';
import { SignatureDesk } from './signatures.ts';

/**
 * The room: one log, and everybody, the author too, is a reader of it.
 *
 *   bytes --heard, as long as the connection has a budget--> inputs
 *   inputs --judged by what is known of the connection; words, at the pace of their author--> proposals
 *   proposals --decide--> change, outcomes
 *   change --commit--> on disk --apply--> read by everybody; only now the outcomes are told
 *
 * One change is under way at a time; what comes meanwhile waits for the next decision. A session (one connection):
 *   unknown --join--> challenged --join with proof--> open once its name is on disk --leave | gone | silent--> unknown
 *   unknown --join or message of the original--> open
 *
 * Always true, whatever arrives and whenever the process dies: I1 to I4 and I7 to I9 of docs/protocol.md. For I1, what is
 * sent with a seq is on disk before; for I2, a version-1 session is sent the places after its cursor, each once, no gap.
 */
export type RoomOptions = DoorOptions & {
  flow?: Flow;
  /** How fast one may write; undefined for as fast as it goes. */
  pace?: Pace | undefined;
};

/** What is told in its order with what the log decides. */
type Aside = { type: 'leave'; from: string; lostAtMs?: number } | { type: 'cut' } | Absence | Outcome;

export class Room implements Core {
  /** What the room says, for whoever reads along at the server. */
  readonly feed: Feed;
  readonly presence: Presence;
  readonly #options: RoomOptions;
  readonly #log: Log;
  readonly #ledger: Ledger;
  readonly #readers: Readers;
  readonly #signatures: SignatureDesk;
  readonly #roster: RosterDesk;
  readonly #door: Door;
  readonly #signer: HeadSigner;
  readonly #lost: LostPlaces;
  readonly #intake: Intake;
  readonly #effects = new Effects();
  #proposals: (Proposal | Aside)[] = [];
  /** What the change under way was made of, and what came of that. */
  #deciding: (Proposal | Aside)[] = [];
  #underWay: Aside[] | undefined;
  #ignored = { frames: 0, reason: '' };
  /** All encrypted connections end behind what was said until now. */
  #isCutting = false;
  #heartbeatAtMs = Number.NEGATIVE_INFINITY;
  #tidiedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RoomOptions, store: Store) {
    this.#options = options;
    this.#log = new Log(store, options.crypto);
    this.#ledger = new Ledger(options, this.#log);
    this.feed = new Feed(this.#log);
    this.presence = new Presence(options.name, this.feed);
    const { flow = defaultFlow, pace = 'pace' in options ? undefined : defaultPace } = options;
    this.#signer = new HeadSigner(options, this.#log);
    this.#lost = new LostPlaces(this.#log, this.presence, this.#effects);
    this.#readers = new Readers(this.feed, flow, this.presence.sessions, this.#signer);
    this.#signatures = new SignatureDesk(this.#log, flow);
    this.#roster = new RosterDesk(options, store, this.presence.sessions);
    this.#roster.settle();
    const parts = { log: this.#log, ledger: this.#ledger, presence: this.presence, effects: this.#effects };
    this.#intake = new Intake({ ...options, pace }, parts, (wish) => this.#proposals.push(wish));
    this.#door = new Door(options, { ...parts, pacing: this.#intake.pacing });
  }

  turn(inputs: Iterable<Input>, now: Now): Effect[] {
    // What is on disk is told first, and others are heard meanwhile.
    const mayRelease = !this.#underWay;
    this.#intake.pacing.begin();
    for (const input of inputs) this.#take(input, now);
    if (mayRelease) this.#intake.pacing.release(now.ms);
    for (const reason of this.#intake.tellDeaf()) this.#ignore(reason);
    if (now.ms - this.#tidiedAtMs >= tidyIntervalMs) this.#tidy(now.ms);
    this.#decide(now);
    this.#effects.push(...this.#readers.pump(now.ms));
    this.#intake.sendReceipts(this.#undecided, now.ms);
    for (const { to, frame } of this.#signatures.answers()) this.#effects.send(to, frame);
    this.#lost.tellFound();
    if (this.#isCutting) this.#effects.push({ type: 'hangUp', to: secureMark });
    this.#isCutting = false;
    return this.#effects.take();
  }

  /** How long nothing more should be read, because of what was read last. */
  takePauseMs(): number {
    return this.#intake.takePauseMs();
  }

  nextTurnMs({ ms }: Now): number | undefined {
    const [pumpMs, releaseMs] = [this.#readers.nextPumpMs(ms), this.#intake.pacing.nextMs(ms)];
    return pumpMs === undefined || releaseMs === undefined ? (pumpMs ?? releaseMs) : Math.min(pumpMs, releaseMs);
  }

  #take(input: Input, now: Now): void {
    switch (input.type) {
      case 'bytes':
        return this.#hear(input.from, input.data, now);
      case 'frame':
        return this.#receive(input.from, input.frame, now);
      case 'full':
        return input.sent.before && this.#readers.holdBack(input.from, input.sent.before, now.ms);
      case 'committed':
        this.#log.settle(input.change);
        this.#intake.shares.settle(input.change);
        this.#roster.settle();
        for (const { id, seq } of input.change.erased ?? [])
          this.#effects.push({
            type: 'show',
            event: { type: 'erased', id: formatId(id), ...(seq !== undefined && { seq }) },
          });
        return this.#tell(now);
      case 'erase':
        return this.#propose(input);
      case 'admitted':
        return this.#admit(input.keys);
      case 'tick':
        return this.#tick(now);
      case 'leave':
        return this.#sayFarewell(now);
    }
  }

  /** Who may be in no more says nothing from here on, and leaves; its connection ends together with all others. */
  #admit(keys: ReadonlySet<string>): void {
    if (!this.#door.admit(keys)) return;
    this.#intake.pacing.drop(({ of, from }, who) => typeof of !== 'string' && !this.#door.admits(from, who));
    for (const { from, who } of this.presence.proven)
      if (!this.#door.admits(from, who)) this.#propose({ type: 'leave', from });
    this.#propose({ type: 'cut' });
  }

  #hear(from: string, data: Uint8Array, now: Now): void {
    if (this.#intake.hears(from, data, now.ms)) this.#receive(from, decode(data), now);
  }

  #receive(from: string, frame: Received, now: Now): void {
    const session = this.presence.sessions.get(from);
    if (session) session.heardAtMs = now.ms;
    this.#intake.price(from, frame);
    switch (frame.kind) {
      case 'join':
        return this.#propose(this.#door.knock(from, frame, now));
      case 'leave':
        return this.#propose(this.#door.part(from, frame));
      case 'upload':
        return this.#propose(this.#intake.take(from, this.#door.take(from, frame), now.ms));
      case 'message':
        return this.#propose(this.#intake.takePlain(from, this.#door.hear(from, frame, now), now.ms));
      case 'ack':
        return session ? this.#readers.acknowledge(from, frame.seq) : this.#door.tellToJoin(from);
      case 'lost':
        return session && this.#lost.answer(from, frame);
      case 'signatures':
        return session?.who && session.guest === undefined ? this.#signatures.ask(from, frame.seq) : undefined;
      case 'roster':
        return session && this.#propose(...this.#roster.ask(session, frame));
      case 'gone':
        this.#door.forget(from);
        return this.#propose({ type: 'leave', from, lostAtMs: now.ms });
      case 'unknown':
        return;
      case 'malformed':
        return this.#ignore(frame.reason);
      default:
        this.#ignore(`a ${frame.kind} frame is not for a server`);
    }
  }

  #propose(...wishes: (Proposal | Aside | undefined)[]): void {
    for (const wish of wishes) if (wish) this.#proposals.push(wish);
  }

  #tidy(ms: number): void {
    this.#tidiedAtMs = ms;
    const present = this.presence.proven.map(({ name, who: key }) => ({ name, key }));
    this.#propose({ type: 'tidy', present });
    this.#intake.tidy(ms);
    this.#lost.askAgain();
  }

  #decide(now: Now): void {
    if (this.#underWay || this.#proposals.length === 0) return;
    this.#intake.shares.decide();
    const { change, outcomes } = this.#ledger.decide<Aside>(this.#proposals, now);
    this.#deciding = this.#proposals;
    this.#proposals = [];
    this.#underWay = outcomes;
    if (change) this.#effects.push({ type: 'commit', change });
    else this.#tell(now);
  }

  #tell(now: Now): void {
    this.#intake.shares.decided();
    for (const outcome of this.#underWay ?? []) this.#tellOne(outcome, now);
    this.#underWay = undefined;
    for (const wish of this.#deciding) if (wish.type === 'say' && wish.by) this.#intake.said(wish.by.from);
    this.#deciding = [];
  }

  readonly #undecided = (from: string): number => {
    let count = 0;
    for (const wishes of [this.#deciding, this.#proposals])
      for (const wish of wishes)
        if ((wish.type === 'say' || wish.type === 'giveBack') && wish.by.from === from) count++;
    return count;
  };

  #tellOne(outcome: Aside, now: Now): void {
    switch (outcome.type) {
      case 'entered':
        return this.#door.enter(outcome, now);
      case 'refused':
        return this.#door.refuse(outcome);
      case 'rejoin':
        outcome.by.isStopped = true;
        return this.#effects.send(outcome.by.from, { kind: 'rejoin', delayMs: 0 });
      case 'hole':
        outcome.by.isHeld = true;
        return this.#effects.send(outcome.by.from, { kind: 'hole', id: outcome.id });
      case 'had':
        return this.#effects.send(outcome.by.from, { kind: 'had', ids: outcome.ids, head: this.#log.head });
      case 'relayed':
        return this.#readers.relayed(outcome.seq, outcome.from);
      case 'mended':
        return this.#lost.tellMended(outcome.entry);
      case 'erased':
        return void this.#effects.push({
          type: 'answered',
          to: outcome.from,
          ...(outcome.why && { why: outcome.why }),
        });
      case 'ignored':
        if (outcome.by) this.#intake.penalize(outcome.by.from);
        return this.#ignore(outcome.reason);
      case 'away':
        return this.presence.setAway(outcome.from, outcome.away);
      case 'leave':
        return this.#depart(outcome);
      case 'cut':
        this.#isCutting = true;
    }
  }

  /** A goodbye is answered, so that a client can wait for it: closing a socket with unread data loses what it sent. [P24] */
  #depart({ from, lostAtMs }: Aside & { type: 'leave' }): void {
    const session = this.presence.leave(from, lostAtMs);
    if (session) this.#intake.pacing.part(session.who, from);
    if (lostAtMs === undefined && session && session.guest === undefined)
      this.#effects.send(from, { kind: 'leave', name: this.#options.name });
  }

  /** Said to everybody at once, also to readers that are behind: there will be no later. */
  #sayFarewell(now: Now): void {
    this.#readers.hurry();
    this.#effects.push(...this.#readers.pump(now.ms));
    for (const { from, guest } of this.presence.sessions.values())
      this.#effects.send(from, {
        kind: guest === undefined ? 'shutdown' : 'message',
        name: this.#options.name,
        text: farewell,
      });
  }

  #tick(now: Now): void {
    const { ms } = now;
    this.#intake.tick(ms);
    for (const { from } of this.presence.expire(ms)) this.#propose({ type: 'leave', from, lostAtMs: ms });
    if (this.#roster.isDue(ms)) this.#propose({ type: 'publish' });
    for (const { to, frame } of this.#roster.parts(this.#log.head)) this.#effects.send(to, frame);
    if (this.#ignored.frames > 0) this.#effects.push({ type: 'ignored', ...this.#ignored });
    this.#ignored = { frames: 0, reason: '' };
    if (ms - this.#heartbeatAtMs < heartbeatIntervalMs) return;
    this.#heartbeatAtMs = ms;
    this.#beat(ms);
  }

  /** Those of whom the same is true share its bytes: most have read all, and wait for nothing. */
  #beat(ms: number): void {
    const alike = new Map<string, { to: string[]; frame: Heartbeat }>();
    for (const session of this.presence.proven) {
      const { seq } = session.sent;
      const receipt = this.#intake.receipt(session, this.#undecided, ms);
      const facts = `${seq} ${receipt.kept} ${receipt.held} ${receipt.heldMs}`;
      const known = alike.get(facts);
      if (known) known.to.push(session.from);
      else
        alike.set(facts, { to: [session.from], frame: { kind: 'heartbeat', seq, ...receipt, ...this.#signer.head } });
    }
    for (const { to, frame } of alike.values()) this.#effects.send(to, frame);
  }

  #ignore(reason: string): void {
    this.#ignored = { frames: this.#ignored.frames + 1, reason };
  }
}
