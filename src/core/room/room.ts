import { encode } from '../../protocol/codec.ts';
import {
  type Frame,
  type Join,
  type Message,
  maxTextBytes,
  type Notice,
  type Received,
  type Refused,
} from '../../protocol/frames.ts';
import { signedText } from '../../protocol/signed.ts';
import type { ChatEvent } from '../events.ts';
import { defaultFlow, type Flow, heartbeatIntervalMs } from '../limits.ts';
import { Feed } from '../log/feed.ts';
import { Ledger, type Retention } from '../log/ledger.ts';
import type { Change, Entry, Store } from '../log/store.ts';
import { messageEvent } from '../narrate.ts';
import { Door, type DoorOptions, type Verdict } from './door.ts';
import { type Departure, Members } from './members.ts';
import { Readers } from './readers.ts';

/**
 * The room: one log, and everybody, the author too, is a reader of it. Pure: inputs in, effects out.
 *
 * A session (one connection, by its routing id):
 *   unknown --join--> challenged --join with proof--> open --leave | gone | unreachable | silent--> unknown
 *   unknown --legacy join | legacy message--> open
 * A message of an open session:
 *   received --append--> placed --commit--> on disk --pump--> sent to everybody
 *
 * Always true, whatever arrives and whenever the process dies:
 *   I1 what was sent with a seq is in the log for good: it is on disk before anybody is sent it;
 *   I2 a version-1 session is sent the entries after its cursor in order, each once, without a gap;
 *   I3, I4 per device the log holds n in rising order, each once;
 *   I7 an entry with a key was written over a session that proved that key, or carries a valid signature;
 *   I8 a session costs a bounded amount of memory, however slow its reader is;
 *   I9 a session that never sent a version is sent only {name, text}.
 */
/** A version-1 session from which nothing came for this long has expired. */
export const sessionTimeoutMs = 20_000;
const trimIntervalMs = 60_000;
/** How many unknown connections are remembered as told to join; beyond, they may be told again. */
const maxStrangers = 10_000;

export type RoomInput =
  | { type: 'frame'; from: string; frame: Received }
  /** The connection is gone: a frame could not be sent to it. */
  | { type: 'unreachable'; to: string }
  /** The connection's queue is full: a frame was not taken. */
  | { type: 'full'; to: string }
  /** The change is on disk. */
  | { type: 'committed'; change: Change }
  | { type: 'tick' }
  | { type: 'close' };

export type RoomEffect =
  | { type: 'send'; to: string[]; data: string }
  | { type: 'commit'; change: Change }
  | { type: 'event'; event: ChatEvent }
  | { type: 'ignored'; frames: number; reason: string };

type Session = {
  /** The member: a public key, or the routing id of a legacy client. */
  who: string;
  name: string;
  /** Absent: a legacy client. */
  dev?: string;
  heardAtMs: number;
};

type Entrant = Extract<Verdict, { type: 'enters' }>;

export type RoomOptions = DoorOptions & {
  maxClients?: number;
  retention: Retention;
  /** Ids of messages that come without one; MUST be new for every run of the program. */
  dev: string;
  flow?: Flow;
};

export class Room {
  readonly #options: RoomOptions;
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #feed: Feed;
  readonly #readers: Readers;
  readonly #sessions = new Map<string, Session>();
  readonly #members = new Members();
  readonly #door: Door;
  readonly #strangers = new Set<string>();
  #legacyMessages = 0;
  #ignored = { frames: 0, reason: '' };
  #heartbeatAtMs = 0;
  #trimmedAtMs = Number.NEGATIVE_INFINITY;
  #effects: RoomEffect[] = [];

  constructor(options: RoomOptions, store: Store) {
    this.#options = options;
    this.#store = store;
    this.#ledger = new Ledger(store, options.crypto, options.retention);
    this.#door = new Door(options, this.#ledger);
    this.#feed = new Feed(store);
    this.#readers = new Readers(this.#feed, options.flow ?? defaultFlow);
  }

  get online(): number {
    return this.#members.online;
  }

  /** Takes everything that arrived in one turn of the event loop: one commit, and at most one batch for each reader. */
  turn(inputs: Iterable<RoomInput>, nowMs: number): RoomEffect[] {
    this.#effects = [];
    for (const input of inputs) this.#take(input, nowMs);
    if (nowMs - this.#trimmedAtMs >= trimIntervalMs) this.#trim(nowMs);
    const change = this.#ledger.takeChange();
    if (change) this.#effects.push({ type: 'commit', change });
    this.#pump(nowMs);
    return this.#effects;
  }

  /** When the next turn is due although nothing arrives: ms from now, or undefined. */
  nextTurnMs(nowMs: number): number | undefined {
    return this.#readers.nextPumpMs(nowMs);
  }

  #take(input: RoomInput, nowMs: number): void {
    switch (input.type) {
      case 'frame':
        return this.#receive(input.from, input.frame, nowMs);
      case 'unreachable':
        return this.#lose(input.to, nowMs);
      case 'full':
        return this.#readers.holdBack(input.to, nowMs);
      case 'committed':
        for (const entry of this.#ledger.settle(input.change)) this.#tellMessage(entry);
        return;
      case 'tick':
        return this.#tick(nowMs);
      case 'close':
        return this.#close(nowMs);
    }
  }

  #receive(from: string, frame: Received, nowMs: number): void {
    const session = this.#sessions.get(from);
    if (session) session.heardAtMs = nowMs;
    switch (frame.kind) {
      case 'join':
        return frame.version === undefined ? this.#joinLegacy(from, frame.name, nowMs) : this.#join(from, frame, nowMs);
      case 'leave':
        return session && this.#farewell(from, session);
      case 'message':
        return this.#message(from, session, frame, nowMs);
      case 'ack':
        return session ? this.#readers.acknowledge(from, frame.seq) : this.#tellToJoin(from);
      case 'gone':
        this.#strangers.delete(from);
        return this.#lose(from, nowMs);
      case 'unknown':
        return;
      default:
        this.#ignore(frame.kind === 'malformed' ? frame.reason : `a ${frame.kind} frame is not for a server`);
    }
  }

  #join(from: string, join: Join, nowMs: number): void {
    const verdict = this.#door.judge(from, join, nowMs);
    switch (verdict.type) {
      case 'ignored':
        return this.#ignore(verdict.reason);
      case 'refused':
        return this.#refuse(from, verdict.code, verdict.text);
      case 'challenged': {
        const { name: server } = this.#options;
        return this.#send([from], { kind: 'challenge', nonce: verdict.nonce, server, log: this.#store.log });
      }
      case 'enters':
        return this.#enter(from, verdict, join, nowMs);
    }
  }

  #enter(from: string, { name, key, dev }: Entrant, join: Join, nowMs: number): void {
    // Who comes back on a new connection takes the place of the old one.
    const old = this.#sessions.get(from) ?? [...this.#sessions.values()].find((session) => session.dev === dev);
    if (!old && this.#isFull) return this.#refuse(from, 'ROOM_FULL', this.#full.text);
    this.#leaveAs(from, key);
    this.#ledger.claim(name, key, nowMs);
    this.#open(from, { who: key, name, dev, heardAtMs: nowMs }, old?.who === key ? old.name : undefined);
    this.#dropOlderSessions(dev, from);
    this.#welcome(from, name, join);
  }

  /** On one connection somebody else is there now. */
  #leaveAs(from: string, key: string): void {
    const old = this.#sessions.get(from);
    if (old && old.who !== key) this.#leave(from, old);
  }

  /** Where this client reads on: after what it has, with the newest few, or, if its log is not ours, from the start. */
  #welcome(from: string, who: string, { dev = '', since, log, hash, history = 0 }: Join): void {
    const { head, first } = this.#store;
    const same = log === this.#store.log && since !== undefined && since <= head;
    const checked = same && (since < first - 1 || (this.#store.hashAt(since) ?? '') === (hash ?? ''));
    const fork = since !== undefined && since > 0 && !checked;
    const wanted = since === undefined ? head - history : fork ? 0 : since;
    const begin = Math.max(wanted, first - 1);
    const [oldest] = this.#store.read(first, 1);
    this.#readers.open(from, begin, false);
    this.#send([from], {
      kind: 'welcome',
      name: this.#options.name,
      text: this.#greeting(),
      who,
      log: this.#store.log,
      since: begin,
      ...hashed(this.#store.hashAt(begin)),
      head,
      n: this.#store.mark(dev)?.n ?? 0,
      online: this.online,
      members: this.#members.names,
      ...(fork && { fork }),
      ...(oldest && { firstMs: oldest.atMs }),
    });
  }

  #joinLegacy(from: string, rawName: string, nowMs: number): void {
    const old = this.#sessions.get(from);
    if (!old && this.#isFull) return this.#send([from], { ...this.#full, kind: 'message' });
    if (!old) {
      this.#open(from, { who: from, name: this.#door.guestName(rawName, nowMs), heardAtMs: nowMs });
      this.#readers.open(from, this.#ledger.head, true);
    }
    this.#send([from], { kind: 'message', name: this.#options.name, text: this.#greeting() });
  }

  #open(from: string, session: Session, before?: string): void {
    const { who, name } = session;
    this.#strangers.delete(from);
    this.#sessions.set(from, session);
    const arrival = this.#members.enter(who, name, from, before);
    if (arrival?.type === 'joined') this.#tellJoin(name);
    if (arrival?.type === 'renamed') this.#tellRename(arrival.was, name);
  }

  #tellJoin(name: string): void {
    const { online } = this;
    this.#announce({ notice: 'join', who: name, online, text: `${name} joined the room. ${online} online.` });
    this.#event({ type: 'join', server: this.#options.name, name, online });
  }

  #tellRename(was: string, name: string): void {
    const { online } = this;
    this.#announce({
      notice: 'rename',
      who: name,
      was,
      online,
      text: `${was} is now called ${name}. ${online} online.`,
    });
    this.#event({ type: 'rename', server: this.#options.name, from: was, name, online });
  }

  #message(from: string, session: Session | undefined, message: Message, nowMs: number): void {
    // For a session without a version an id is an unknown key.
    const isLegacy = session !== undefined && session.dev === undefined;
    if (message.id && !isLegacy) return this.#messageWithId(from, session, message, nowMs);
    if (!session) this.#joinLegacy(from, message.name, nowMs);
    const author = this.#sessions.get(from);
    if (!author) return;
    if (isTooLong(message.text)) {
      const text = `Your message was not sent: it is longer than ${maxTextBytes} bytes.`;
      return this.#send([from], { kind: 'message', name: this.#options.name, text });
    }
    const id = { dev: this.#options.dev, n: ++this.#legacyMessages };
    const { seq } = this.#ledger.append(
      { kind: 'message', name: author.name, text: message.text, id, ts: nowMs },
      nowMs,
    );
    this.#readers.wrote(from, seq);
  }

  #messageWithId(from: string, session: Session | undefined, message: Message, nowMs: number): void {
    const { id, key, first } = message;
    if (!id) return;
    if (session?.dev === undefined) return this.#tellToJoin(from);
    const last = this.#ledger.mark(id.dev)?.n ?? 0;
    if (id.n <= last) return;
    if (id.dev !== session.dev || key !== session.who) return this.#repair(message, nowMs);
    if (id.n > last + 1 && !first) return this.#send([from], { kind: 'rejoin', delayMs: 0 });
    const { name } = message;
    // The session's own name was checked when it joined.
    this.#append(message, name === session.name || this.#door.owns(name, key, nowMs), nowMs);
  }

  /** A message somebody else kept for its author, from a log that is gone: its signature must speak for it. [P28] */
  #repair(message: Message, nowMs: number): void {
    const { id, key, sig } = message;
    const { crypto, name: room } = this.#options;
    const mark = id && this.#ledger.mark(id.dev);
    // What lies between may still come from somebody else.
    if (id && id.n > (mark?.n ?? 0) + 1 && !message.first) return;
    const genuine = key && sig && (mark?.key ?? key) === key && crypto.verify(key, signedText(room, message), sig);
    if (!genuine) return this.#ignore('a kept message without a valid signature');
    // It claims no name: else one member could take many, for keys of its own making.
    this.#append(message, this.#door.maySign(message.name, key, nowMs), nowMs);
  }

  /** What its author may not send takes its place unseen, so that it cannot block what comes behind it. [P12] */
  #append(message: Message, isAllowed: boolean, nowMs: number): void {
    const { name, text, action, id, lc, ts, key, sig } = message;
    const written = { kind: 'message', name, text, action, id, lc, ts, key, sig } as Message;
    if (isTooLong(text)) this.#ledger.append({ ...written, text: '', void: true }, nowMs);
    else this.#ledger.append(isAllowed ? written : { ...written, void: true }, nowMs);
  }

  #tellMessage({ message }: Entry): void {
    if (!message.void) this.#event(messageEvent(message, false));
  }

  /** Once: what is left in an old connection's queue comes before the join and must not be answered again and again. */
  #tellToJoin(from: string): void {
    if (this.#strangers.has(from)) return;
    if (this.#strangers.size >= maxStrangers) this.#strangers.clear();
    this.#strangers.add(from);
    this.#send([from], { kind: 'rejoin', delayMs: 0 });
  }

  /** Answered, so that a client can wait for what is under way: closing a socket with unread data loses what it sent. */
  #farewell(from: string, session: Session): void {
    this.#leave(from, session);
    if (session.dev !== undefined) this.#send([from], { kind: 'leave', name: this.#options.name });
  }

  #leave(from: string, { who }: Session): void {
    this.#forget(from);
    const departure = this.#members.leave(who, from);
    if (departure) this.#tellDeparture(departure);
  }

  #lose(from: string, nowMs: number): void {
    const session = this.#sessions.get(from);
    if (!session) return;
    // A legacy client comes back as somebody new, so waiting for it would only count a ghost.
    if (session.dev === undefined) return this.#leave(from, session);
    this.#forget(from);
    this.#members.lose(session.who, from, nowMs);
  }

  #forget(from: string): void {
    this.#sessions.delete(from);
    this.#readers.close(from);
  }

  /** A device has one connection; an older one is a leftover that libzmq has not reported yet. */
  #dropOlderSessions(dev: string, newer: string): void {
    for (const [from, session] of this.#sessions) {
      if (session.dev !== dev || from === newer) continue;
      this.#forget(from);
      this.#members.leave(session.who, from);
    }
  }

  #tellDeparture({ name, reason }: Departure): void {
    const { online } = this;
    const text = `${name} ${reason === 'lost' ? 'lost the connection' : 'left the room'}. ${online} online.`;
    this.#announce({ notice: 'leave', who: name, online, reason, text });
    this.#event({ type: 'leave', server: this.#options.name, name, online, reason });
  }

  #announce(notice: Omit<Notice, 'kind' | 'name'>): void {
    this.#feed.announce({ kind: 'notice', name: this.#options.name, ...notice }, this.#ledger.head);
  }

  /** Said to everybody at once, also to readers that are behind: there will be no later. */
  #close(nowMs: number): void {
    this.#pump(nowMs);
    const farewell = { name: this.#options.name, text: 'Server is off.' };
    const legacy = this.#routingIds((session) => session.dev === undefined);
    const modern = this.#routingIds((session) => session.dev !== undefined);
    this.#send(modern, { kind: 'notice', notice: 'shutdown', ...farewell });
    this.#send(legacy, { kind: 'message', ...farewell });
  }

  #tick(nowMs: number): void {
    for (const departure of this.#members.expire(nowMs)) this.#tellDeparture(departure);
    for (const [from, { dev, heardAtMs }] of this.#sessions)
      if (dev !== undefined && nowMs - heardAtMs > sessionTimeoutMs) this.#lose(from, nowMs);
    if (nowMs - this.#heartbeatAtMs >= heartbeatIntervalMs) this.#beat(nowMs);
    if (this.#ignored.frames > 0) this.#effects.push({ type: 'ignored', ...this.#ignored });
    this.#ignored = { frames: 0, reason: '' };
  }

  #beat(nowMs: number): void {
    this.#heartbeatAtMs = nowMs;
    for (const to of this.#routingIds((session) => session.dev !== undefined))
      this.#send([to], { kind: 'heartbeat', seq: this.#readers.sentTo(to) });
  }

  #trim(nowMs: number): void {
    this.#trimmedAtMs = nowMs;
    this.#ledger.trim(nowMs);
  }

  #pump(nowMs: number): void {
    for (const batch of this.#readers.pump(nowMs)) this.#effects.push({ type: 'send', ...batch });
  }

  #greeting(): string {
    return `You are now online. ${this.online} online.`;
  }

  get #isFull(): boolean {
    return this.#sessions.size >= (this.#options.maxClients ?? Number.POSITIVE_INFINITY);
  }

  get #full() {
    return { name: this.#options.name, text: 'The room is full.' };
  }

  #routingIds(wanted: (session: Session) => boolean): string[] {
    return [...this.#sessions].filter(([, session]) => wanted(session)).map(([to]) => to);
  }

  #refuse(to: string, code: Refused['code'], text: string): void {
    this.#send([to], { kind: 'refused', name: this.#options.name, text, code });
  }

  #ignore(reason: string): void {
    this.#ignored = { frames: this.#ignored.frames + 1, reason };
  }

  #send(to: string[], frame: Frame): void {
    if (to.length > 0) this.#effects.push({ type: 'send', to, data: encode(frame) });
  }

  #event(event: ChatEvent): void {
    this.#effects.push({ type: 'event', event });
  }
}

/** The empty log has no hash to speak of. */
const hashed = (hash: string | undefined) => (hash ? { hash } : {});
const isTooLong = (text: string) => text.length > maxTextBytes || Buffer.byteLength(text) > maxTextBytes;
