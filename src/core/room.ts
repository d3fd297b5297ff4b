import {
  encode,
  type Frame,
  formatId,
  type Join,
  type Message,
  maxBatchEntries,
  maxTextBytes,
  type Notice,
  type Received,
} from '../protocol.ts';
import type { ChatEvent } from './events.ts';
import { Feed, type Item, type Position } from './feed.ts';
import type { Log } from './log.ts';
import { type Departure, Members } from './members.ts';
import { nameKey, normalizeName, safeName, whyNameRefused } from './names.ts';

/**
 * The room: one log, and everybody, the author too, is a reader of it. Pure: inputs in, effects out.
 *
 * A session (one connection, by its routing id):
 *   unknown --join--> open --leave | gone | unreachable | silent--> unknown
 * An open version-1 session reads the log from its cursor: `acked <= sent <= head`, `sent - acked <= windowEntries`.
 *
 * Always true, whatever arrives:
 *   R1 an entry is in the log before anybody is sent it;
 *   R2 a version-1 session is sent the entries after its cursor in order, each once, without a gap;
 *   R3 per device the log holds n in rising order, each once;
 *   R4 a session that never sent a version is sent only {name, text};
 *   R5 `online` counts members, not connections.
 */
export const windowEntries = 512;
export const heartbeatIntervalMs = 2_500;
/** A version-1 session from which nothing came for this long has expired. */
export const sessionTimeoutMs = 20_000;
const retryFullMs = 30;
const maxBatchBytes = 32_768;
/** How many unknown connections are remembered as told to join; beyond, they may be told again. */
const maxStrangers = 10_000;

export type RoomInput =
  | { type: 'frame'; from: string; frame: Received }
  /** The connection is gone: a frame could not be sent to it. */
  | { type: 'unreachable'; to: string }
  /** The connection's queue is full: a frame was not taken. */
  | { type: 'full'; to: string }
  | { type: 'tick' }
  | { type: 'close' };

export type RoomEffect =
  | { type: 'send'; to: string[]; data: string }
  | { type: 'event'; event: ChatEvent }
  | { type: 'ignored'; frames: number; reason: string };

type Session = {
  who: string;
  name: string;
  legacy: boolean;
  sent: Position;
  /** `sent` before the newest batch, to fall back to when that batch was not taken. */
  sentBefore: Position;
  acked: number;
  /** A legacy client does not want its own messages back: the places of those it has not passed yet. */
  own: Set<number>;
  /** Set while the connection's queue is full. */
  retryAtMs?: number;
  heardAtMs: number;
};

export type RoomOptions = { name: string; maxClients?: number };

export class Room {
  readonly #name: string;
  readonly #maxClients: number;
  readonly #log: Log;
  readonly #feed: Feed;
  readonly #sessions = new Map<string, Session>();
  readonly #members = new Members();
  readonly #last = new Map<string, number>();
  readonly #strangers = new Set<string>();
  #ignored = { frames: 0, reason: '' };
  #heartbeatAtMs = 0;
  #effects: RoomEffect[] = [];

  constructor({ name, maxClients = Number.POSITIVE_INFINITY }: RoomOptions, log: Log) {
    this.#name = name;
    this.#maxClients = maxClients;
    this.#log = log;
    this.#feed = new Feed(log);
  }

  get online(): number {
    return this.#members.online;
  }

  /** Takes everything that arrived in one turn of the event loop, then lets every reader read on. */
  turn(inputs: Iterable<RoomInput>, nowMs: number): RoomEffect[] {
    this.#effects = [];
    for (const input of inputs) this.#take(input, nowMs);
    this.#pump(nowMs);
    return this.#effects;
  }

  #take(input: RoomInput, nowMs: number): void {
    switch (input.type) {
      case 'frame':
        return this.#receive(input.from, input.frame, nowMs);
      case 'unreachable':
        return this.#lose(input.to, nowMs);
      case 'full':
        return this.#holdBack(input.to, nowMs);
      case 'tick':
        return this.#tick(nowMs);
      case 'close':
        return this.#close();
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
        if (session && frame.seq > session.acked && frame.seq <= session.sent.seq) session.acked = frame.seq;
        return;
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
    const name = normalizeName(join.name);
    const refusal = whyNameRefused(name) ?? this.#whyNameTaken(name);
    if (refusal) return this.#send([from], { kind: 'refused', name: this.#name, text: refusal, code: 'NAME_REFUSED' });
    const old = this.#sessions.get(from);
    const who = join.dev ?? from;
    // Who comes back on a new connection takes the place of the old one.
    const isIn = old !== undefined || this.#routingIds((session) => session.who === who).length > 0;
    if (!isIn && this.#isFull) return this.#send([from], { ...this.#full, kind: 'refused', code: 'ROOM_FULL' });
    if (old && (old.who !== who || old.name !== name)) this.#leave(from, old);
    this.#dropOlderSessions(who, from);

    const cursor = this.#cursorFor(join);
    this.#open(from, who, name, false, cursor, nowMs);
    this.#send([from], {
      kind: 'welcome',
      name: this.#name,
      text: this.#greeting(),
      log: this.#log.id,
      since: cursor,
      head: this.#log.head,
      online: this.online,
      members: this.#members.names,
    });
  }

  /** Where this client reads on: after what it has, or from now on. What is no longer kept cannot be sent. */
  #cursorFor({ since, log }: Join): number {
    if (since === undefined) return this.#log.head;
    const known = log === this.#log.id && since <= this.#log.head;
    return Math.max(known ? since : 0, this.#log.first - 1);
  }

  #joinLegacy(from: string, rawName: string, nowMs: number): void {
    const old = this.#sessions.get(from);
    if (!old && this.#isFull) return this.#send([from], { ...this.#full, kind: 'message' });
    const name = old?.name ?? this.#guestName(rawName);
    if (!old) this.#open(from, from, name, true, this.#log.head, nowMs);
    this.#send([from], { kind: 'message', name: this.#name, text: this.#greeting() });
  }

  #open(from: string, who: string, name: string, legacy: boolean, cursor: number, nowMs: number): void {
    this.#strangers.delete(from);
    if (this.#members.enter(who, name, from)) {
      const { online } = this;
      this.#announce({ notice: 'join', who: name, online, text: `${name} joined the room. ${online} online.` });
      this.#event({ type: 'join', server: this.#name, name, online });
    }
    // Its notices begin after its own: who joins is not told of it.
    const sent = { seq: cursor, notice: this.#feed.end.notice };
    const session = { who, name, legacy, sent, sentBefore: sent, acked: cursor, own: new Set<number>() };
    this.#sessions.set(from, { ...session, heardAtMs: nowMs });
  }

  #message(from: string, session: Session | undefined, message: Message, nowMs: number): void {
    // For a session without a version an id is an unknown key.
    if (message.id && !session?.legacy) return this.#messageWithId(from, session, message, nowMs);
    if (!session) this.#joinLegacy(from, message.name, nowMs);
    const author = this.#sessions.get(from);
    if (!author) return;
    if (tooLong(message.text)) {
      const text = `Your message was not sent: it is longer than ${maxTextBytes} bytes.`;
      return this.#send([from], { kind: 'message', name: this.#name, text });
    }
    const id = { dev: this.#log.id, n: this.#log.head + 1 };
    this.#append({ kind: 'message', name: author.name, text: message.text, id, ts: nowMs }, from);
  }

  #messageWithId(from: string, session: Session | undefined, message: Message, nowMs: number): void {
    if (!message.id) return;
    const { dev, n } = message.id;
    if (session?.who !== dev) return this.#tellToJoin(from);
    if (n <= (this.#last.get(dev) ?? 0)) return;
    this.#last.set(dev, n);
    const { name } = session;
    const ts = message.ts ?? nowMs;
    // A text nobody may send takes its place unseen, so that it cannot block its author's later ones.
    if (tooLong(message.text)) this.#append({ kind: 'message', name, text: '', id: message.id, ts, void: true }, from);
    else this.#append({ kind: 'message', name, text: message.text, id: message.id, ts }, from);
  }

  #append(message: Message, from: string): void {
    const { seq } = this.#log.append(message);
    const author = this.#sessions.get(from);
    if (author?.legacy) author.own.add(seq);
    if (message.void) return;
    const { name, text } = message;
    const id = message.id && formatId(message.id);
    const sender = message.id ? { name, id: message.id.dev } : { name };
    const event: ChatEvent = { type: 'message', seq, from: sender, text, own: false, replay: false };
    this.#event({ ...event, ...(id && { id }), ...(message.ts !== undefined && { sentMs: message.ts }) });
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
    if (!session.legacy) this.#send([from], { kind: 'leave', name: this.#name });
  }

  #leave(from: string, { who }: Session): void {
    this.#sessions.delete(from);
    const departure = this.#members.leave(who, from);
    if (departure) this.#tellDeparture(departure);
  }

  #lose(from: string, nowMs: number): void {
    const session = this.#sessions.get(from);
    if (!session) return;
    // A legacy client comes back as somebody new, so waiting for it would only count a ghost.
    if (session.legacy) return this.#leave(from, session);
    this.#sessions.delete(from);
    this.#members.lose(session.who, from, nowMs);
  }

  /** A device has one connection; an older one is a leftover that libzmq has not reported yet. */
  #dropOlderSessions(who: string, newer: string): void {
    for (const [from, session] of this.#sessions) {
      if (session.who !== who || from === newer) continue;
      this.#sessions.delete(from);
      this.#members.enter(who, session.name, newer);
      this.#members.leave(who, from);
    }
  }

  #tellDeparture({ name, reason }: Departure): void {
    const { online } = this;
    const text = `${name} ${reason === 'lost' ? 'lost the connection' : 'left the room'}. ${online} online.`;
    this.#announce({ notice: 'leave', who: name, online, reason, text });
    this.#event({ type: 'leave', server: this.#name, name, online, reason });
  }

  #announce(notice: Omit<Notice, 'kind' | 'name'>): void {
    this.#feed.announce({ kind: 'notice', name: this.#name, ...notice });
  }

  /** Said to everybody at once, also to readers that are behind: there will be no later. */
  #close(): void {
    this.#pumpAll();
    const farewell = { name: this.#name, text: 'Server is off.' };
    const [legacy, modern] = [true, false].map((kind) => this.#routingIds((session) => session.legacy === kind));
    this.#send(modern ?? [], { kind: 'notice', notice: 'shutdown', ...farewell });
    this.#send(legacy ?? [], { kind: 'message', ...farewell });
  }

  #tick(nowMs: number): void {
    for (const departure of this.#members.expire(nowMs)) this.#tellDeparture(departure);
    for (const [from, session] of this.#sessions)
      if (!session.legacy && nowMs - session.heardAtMs > sessionTimeoutMs) this.#lose(from, nowMs);
    if (nowMs - this.#heartbeatAtMs >= heartbeatIntervalMs) {
      this.#heartbeatAtMs = nowMs;
      for (const [to, session] of this.#sessions)
        if (!session.legacy) this.#send([to], { kind: 'heartbeat', seq: session.sent.seq });
    }
    if (this.#ignored.frames > 0) this.#effects.push({ type: 'ignored', ...this.#ignored });
    this.#ignored = { frames: 0, reason: '' };
  }

  #holdBack(to: string, nowMs: number): void {
    const session = this.#sessions.get(to);
    // Nothing can be sent again to a legacy client without the risk of sending it twice. [P16]
    if (!session || session.legacy) return;
    session.sent = session.sentBefore;
    session.retryAtMs = nowMs + retryFullMs;
  }

  /** One batch for every reader that is behind; readers at one position share its bytes. */
  #pump(nowMs: number): void {
    for (const session of this.#sessions.values())
      if (session.retryAtMs !== undefined && nowMs >= session.retryAtMs) delete session.retryAtMs;
    this.#pumpAll();
  }

  #pumpAll(): void {
    const groups = new Map<string, { at: Position; limit: number; to: string[]; sessions: Session[] }>();
    for (const [to, session] of this.#sessions) {
      session.sentBefore = session.sent;
      if (!this.#isReady(session)) continue;
      const { sent, acked, legacy } = session;
      const limit = legacy ? maxBatchEntries : Math.min(maxBatchEntries, windowEntries - (sent.seq - acked));
      const key = `${sent.seq} ${sent.notice} ${limit} ${legacy}`;
      const group = groups.get(key) ?? { at: sent, limit, to: [], sessions: [] };
      groups.set(key, group);
      group.to.push(to);
      group.sessions.push(session);
    }
    for (const { at, limit, to, sessions } of groups.values()) {
      const { items, next } = this.#feed.read(at, limit, maxBatchBytes);
      if (sessions[0]?.legacy) for (const item of items) this.#sendLegacy(item, to, sessions);
      else this.#sendBatch(items, to);
      for (const session of sessions) session.sent = next;
    }
  }

  #isReady({ sent, acked, retryAtMs, legacy }: Session): boolean {
    const { end } = this.#feed;
    const behind = sent.seq < end.seq || sent.notice < end.notice;
    return behind && retryAtMs === undefined && (legacy || sent.seq - acked < windowEntries);
  }

  /** When the next turn is due although nothing arrives: ms from now, or undefined. */
  nextTurnMs(nowMs: number): number | undefined {
    let dueMs: number | undefined;
    for (const session of this.#sessions.values()) {
      if (this.#isReady(session)) return 0;
      if (session.retryAtMs !== undefined)
        dueMs = Math.min(dueMs ?? retryFullMs, Math.max(session.retryAtMs - nowMs, 1));
    }
    return dueMs;
  }

  #sendBatch(items: Item[], to: string[]): void {
    if (items.length === 0) return;
    const data = items.map((item) => item.wire).join(',');
    this.#effects.push({ type: 'send', to, data: items.length === 1 ? data : `[${data}]` });
  }

  /** One entry or notice in the original's form: name and text only, never a void, never to its own author. */
  #sendLegacy({ entry, notice }: Item, to: string[], sessions: Session[]): void {
    if (notice) {
      const text = notice.text.replace(' lost the connection.', ' left the room.');
      return this.#send(to, { kind: 'message', name: notice.name, text });
    }
    if (!entry) return;
    const others = to.filter((_, i) => !sessions[i]?.own.delete(entry.seq));
    const { name, text } = entry.message;
    if (!entry.message.void) this.#send(others, { kind: 'message', name, text });
  }

  #greeting(): string {
    return `You are now online. ${this.online} online.`;
  }

  get #isFull(): boolean {
    return this.#sessions.size >= this.#maxClients;
  }

  get #full() {
    return { name: this.#name, text: 'The room is full.' };
  }

  #whyNameTaken(name: string): string | undefined {
    return nameKey(name) === nameKey(this.#name) ? `"${name}" is the name of the server.` : undefined;
  }

  /** A legacy client cannot be asked for another name, so its name is made safe and cannot pass for the server's. */
  #guestName(raw: string): string {
    const name = safeName(raw);
    return this.#whyNameTaken(name) ? `${name} (guest)` : name;
  }

  #routingIds(wanted: (session: Session, routingId: string) => boolean): string[] {
    return [...this.#sessions].filter(([to, session]) => wanted(session, to)).map(([to]) => to);
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

const tooLong = (text: string) => text.length > maxTextBytes || Buffer.byteLength(text) > maxTextBytes;
