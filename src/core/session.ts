import { ChatError } from '../errors.ts';
import {
  type Frame,
  formatId,
  type Message,
  type Notice,
  protocolVersion,
  type Received,
  type Welcome,
} from '../protocol.ts';
import type { ConversationEffect, ConversationInput } from './conversation.ts';
import type { ChatEvent } from './events.ts';
import { maxWaiting, Outbox } from './outbox.ts';
import { windowEntries } from './room.ts';

/**
 * A client's side of a room. Pure: inputs in, effects out.
 *
 *   down --connected--> joining --welcome--> live                     (a version-1 server)
 *                       joining --plain message--> live, legacy       (the original's server)
 *   any  --disconnected--> down
 *   live --gap | rejoin | heartbeat ahead of the cursor--> joining    (whatever was missed is read again)
 *   live --silentMs without a frame--> silent --any frame--> joining
 *   joining --silentMs without a welcome--> joining                   (it was lost; not before the first one ever)
 *   joining --refused--> refused --named--> joining
 *   live --leave--> leaving --leave answered--> down
 *
 * Always true, whatever arrives:
 *   S1 entries are shown in the order of the log, each once;
 *   S2 what was typed stays in the outbox until it is seen in the log, and is sent again on every welcome;
 *   S3 log frames count only while live: between join and welcome they belong to an older session;
 *   S4 a legacy server is sent nothing but join, leave and messages.
 */
type State = 'down' | 'joining' | 'live' | 'silent' | 'refused' | 'leaving';

/** A live server sends a heartbeat every 2.5 s; after this long without a frame it is taken for dead or hung. */
export const silentMs = 8_000;
const ackIntervalMs = 5_000;
const legacyServer = 'this server runs the original program: no receipts and nothing missed is sent again.';

export type SessionOptions = { name: string; dev: string };

export class Session {
  readonly #dev: string;
  #name: string;
  #state: State = 'down';
  #legacy = false;
  #server = '';
  #log: string | undefined;
  #cursor = 0;
  #head = 0;
  #acked = 0;
  #ackedAtMs = 0;
  #heardAtMs = 0;
  #joinedAtMs = 0;
  #rejoinAtMs: number | undefined;
  #lostAtMs: number | undefined;
  readonly #outbox: Outbox;
  /** Highest n shown of every device: a message that a restarted server logs again is not shown again. */
  readonly #shown = new Map<string, number>();
  #effects: ConversationEffect[] = [];

  constructor({ name, dev }: SessionOptions) {
    this.#name = name;
    this.#dev = dev;
    this.#outbox = new Outbox(dev);
  }

  get online(): boolean {
    return this.#state === 'live';
  }

  get left(): boolean {
    return this.#state !== 'leaving';
  }

  get waiting(): string[] {
    return this.#outbox.texts;
  }

  step(input: ConversationInput, nowMs: number): ConversationEffect[] {
    this.#effects = [];
    this.#take(input, nowMs);
    return this.#effects;
  }

  #take(input: ConversationInput, nowMs: number): void {
    switch (input.type) {
      case 'connected':
        return this.#join(nowMs);
      case 'disconnected':
        this.#goOffline('lost', nowMs);
        this.#state = this.#state === 'refused' ? 'refused' : 'down';
        return;
      case 'frame':
        this.#heardAtMs = nowMs;
        if (this.#state === 'silent') this.#join(nowMs);
        return this.#receive(input.frame, nowMs);
      case 'typed':
        return this.#type(input.text, nowMs);
      case 'named':
        this.#name = input.name;
        if (this.#state === 'refused') this.#join(nowMs);
        return;
      case 'tick':
        return this.#tick(nowMs);
      case 'leave':
        return this.#leave();
    }
  }

  #leave(): void {
    this.#rejoinAtMs = undefined;
    if (this.#state === 'live') this.#send({ kind: 'leave', name: this.#name });
    this.#state = this.#state === 'live' && !this.#legacy ? 'leaving' : 'down';
  }

  #join(nowMs: number): void {
    this.#state = 'joining';
    this.#heardAtMs = nowMs;
    this.#joinedAtMs = nowMs;
    this.#rejoinAtMs = undefined;
    const known = this.#log === undefined ? {} : { since: this.#cursor, log: this.#log };
    this.#send({ kind: 'join', name: this.#name, version: protocolVersion, dev: this.#dev, ...known });
  }

  #receive(frame: Received, nowMs: number): void {
    if (frame.kind === 'batch') for (const part of frame.frames) this.#receive(part, nowMs);
    else if (this.#state === 'joining') this.#receiveJoining(frame, nowMs);
    else if (this.#state === 'live') this.#receiveLive(frame, nowMs);
    else if (this.#state === 'leaving' && frame.kind === 'leave') this.#state = 'down';
  }

  #receiveJoining(frame: Received, nowMs: number): void {
    if (frame.kind === 'welcome') return this.#welcome(frame, nowMs);
    if (frame.kind === 'refused') {
      this.#state = 'refused';
      return this.#emit({ type: 'fail', error: new ChatError(frame.code, frame.text) });
    }
    if (frame.kind === 'rejoin') return this.#rejoin(frame.delayMs, nowMs);
    if (frame.kind === 'message' && frame.seq === undefined) return this.#welcomeLegacy(frame, nowMs);
  }

  #receiveLive(frame: Received, nowMs: number): void {
    // An original server relays whatever a member sends: nothing else is its own word.
    if (this.#legacy && frame.kind !== 'message') return;
    switch (frame.kind) {
      case 'message':
        return this.#legacy ? this.#legacyMessage(frame) : this.#entry(frame, nowMs);
      case 'notice':
        return this.#notice(frame);
      case 'heartbeat':
        return frame.seq > this.#cursor ? this.#join(nowMs) : undefined;
      case 'rejoin':
        return this.#rejoin(frame.delayMs, nowMs);
      case 'welcome':
        return this.#welcome(frame, nowMs);
    }
  }

  #welcome({ name, log, since, head, online, members }: Welcome, nowMs: number): void {
    if (log === this.#log && since > this.#cursor) this.#show({ type: 'gap', from: this.#cursor + 1, to: since });
    this.#legacy = false;
    this.#log = log;
    this.#cursor = since;
    this.#acked = since;
    this.#head = head;
    this.#goOnline(name, online, nowMs, members);
    this.#outbox.restart();
    this.#upload();
  }

  /** An original server has no order to give: what is sent counts as accepted. */
  #welcomeLegacy({ name, text }: Message, nowMs: number): void {
    this.#legacy = true;
    const online = Number(/(\d+) online\.$/.exec(text)?.[1] ?? 1);
    this.#goOnline(name, online, nowMs);
    this.#upload();
  }

  #goOnline(server: string, online: number, nowMs: number, members?: string[]): void {
    const back = this.#state !== 'live' && this.#lostAtMs !== undefined;
    const resumed = this.#server !== '' && !back;
    this.#state = 'live';
    this.#server = server;
    // A join after a mere gap changes nothing a person should see.
    if (resumed) return;
    const after = this.#lostAtMs === undefined ? {} : { afterMs: nowMs - this.#lostAtMs };
    this.#lostAtMs = undefined;
    const waiting = this.#outbox.size;
    const list = members && { members };
    this.#show({ type: 'state', state: 'online', server, online, legacy: this.#legacy, ...after, waiting, ...list });
    if (this.#legacy && !back) this.#show({ type: 'status', code: 'LEGACY_SERVER', message: legacyServer });
  }

  #goOffline(reason: 'lost' | 'silent', nowMs: number): void {
    this.#rejoinAtMs = undefined;
    if (this.#server === '' || this.#lostAtMs !== undefined || this.#state === 'leaving') return;
    this.#lostAtMs = nowMs;
    this.#show({ type: 'state', state: 'offline', reason });
  }

  #entry(message: Message, nowMs: number): void {
    if (message.seq === undefined || message.seq <= this.#cursor) return;
    if (message.seq > this.#cursor + 1) return this.#join(nowMs);
    this.#cursor = message.seq;
    if (this.#cursor - this.#acked >= windowEntries / 4) this.#ack(nowMs);
    const { id } = message;
    const own = id?.dev === this.#dev;
    if (id) {
      if (id.n <= (this.#shown.get(id.dev) ?? 0)) return;
      this.#shown.set(id.dev, id.n);
      if (own) this.#accept(id.n);
    }
    if (!message.void) this.#showMessage(message, own);
    else if (own)
      this.#show({ type: 'error', code: 'TEXT_TOO_LONG', message: 'The room refused a message: too long.' });
  }

  #showMessage({ name, text, id, ts, seq }: Message, own: boolean): void {
    const event: ChatEvent = { type: 'message', from: { name, ...(id && { id: id.dev }) }, text, own, replay: false };
    const place = seq === undefined ? {} : { seq, replay: seq <= this.#head };
    this.#show({ ...event, ...place, ...(id && { id: formatId(id) }), ...(ts !== undefined && { sentMs: ts }) });
  }

  #notice({ name: server, notice, who: name, online = 0, reason = 'left', text }: Notice): void {
    if (notice === 'shutdown') this.#show({ type: 'shutdown', server });
    else if (notice === 'join' && name !== undefined) this.#show({ type: 'join', server, name, online });
    else if (notice === 'leave' && name !== undefined) this.#show({ type: 'leave', server, name, online, reason });
    else this.#show({ type: 'notice', server, text });
  }

  /** The original's server speaks in sentences only; its four are turned into the events they mean. */
  #legacyMessage(message: Message): void {
    if (message.name !== this.#server) return this.#showMessage(message, false);
    const { name: server, text } = message;
    const [, name, verb, count] = /^(.*) (joined|left) the room\. (\d+) online\.$/s.exec(text) ?? [];
    const online = Number(count);
    if (name && verb === 'joined') this.#show({ type: 'join', server, name, online });
    else if (name) this.#show({ type: 'leave', server, name, online, reason: 'left' });
    else if (text === 'Server is off.') this.#show({ type: 'shutdown', server });
    else this.#show({ type: 'notice', server, text });
  }

  #type(text: string, nowMs: number): void {
    if (this.#outbox.isFull) {
      const message = `${maxWaiting} messages are waiting already; this one was not taken.`;
      return this.#show({ type: 'error', code: 'TOO_MANY_WAITING', message });
    }
    this.#outbox.add(this.#name, text, nowMs);
    if (this.#state === 'live') this.#upload();
  }

  #accept(n: number): void {
    this.#outbox.accept(n);
    this.#upload();
  }

  #upload(): void {
    if (!this.#legacy) for (const message of this.#outbox.takeUnsent()) this.#send(message);
    else
      for (const { name, text, ts } of this.#outbox.accept(Number.POSITIVE_INFINITY)) {
        this.#send({ kind: 'message', name, text });
        this.#showMessage({ kind: 'message', name, text, ...(ts !== undefined && { ts }) }, true);
      }
  }

  #rejoin(delayMs: number, nowMs: number): void {
    if (delayMs === 0) return this.#join(nowMs);
    this.#rejoinAtMs = nowMs + delayMs;
  }

  #tick(nowMs: number): void {
    if (this.#rejoinAtMs !== undefined && nowMs >= this.#rejoinAtMs) return this.#join(nowMs);
    // Asking an original server twice would double what it delivers, so only a server known to be none is.
    const isLate = this.#state === 'joining' && this.#log !== undefined && nowMs - this.#joinedAtMs >= silentMs;
    if (isLate) return this.#join(nowMs);
    // A legacy server sends no heartbeats; its death is seen by those of ZeroMQ alone.
    if (this.#state !== 'live' || this.#legacy) return;
    if (nowMs - this.#heardAtMs >= silentMs) {
      this.#goOffline('silent', nowMs);
      this.#state = 'silent';
    } else if (nowMs - this.#ackedAtMs >= ackIntervalMs) this.#ack(nowMs);
  }

  #ack(nowMs: number): void {
    this.#acked = this.#cursor;
    this.#ackedAtMs = nowMs;
    this.#send({ kind: 'ack', seq: this.#cursor });
  }

  #send(frame: Frame): void {
    this.#emit({ type: 'send', frame });
  }

  #show(event: ChatEvent): void {
    this.#emit({ type: 'show', event });
  }

  #emit(effect: ConversationEffect): void {
    this.#effects.push(effect);
  }
}
