import { ChatError } from '../../errors.ts';
import {
  type Challenge,
  type Frame,
  type Join,
  type Message,
  type MessageId,
  protocolVersion,
  type Received,
  type Refused,
  type Welcome,
} from '../../protocol/frames.ts';
import { joinProof } from '../../protocol/signed.ts';
import type { Crypto, Identity } from '../crypto.ts';
import type { ChatEvent } from '../events.ts';
import { defaultFlow, type Flow, maxWaiting, silentMs } from '../limits.ts';
import { Copy } from '../log/copy.ts';
import { emptyHash, type Store } from '../log/store.ts';
import { isName } from '../names.ts';
import { legacyEvent, markMention, messageEvent, noticeEvent, plainMessage, waitingText } from '../narrate.ts';
import type { ConversationEffect, ConversationInput, Waiting } from '../turn.ts';
import { Courier } from './courier.ts';
import { Naming } from './naming.ts';
import { Replay } from './replay.ts';
import { Roster } from './roster.ts';

/**
 * A client's side of a room. Pure: inputs in, effects out.
 *
 *   down --connected--> joining --challenge--> joining (with proof) --welcome--> live   (a version-1 server)
 *                       joining --plain message--> live, legacy                         (the original's server)
 *   any  --disconnected--> down
 *   live --gap | rejoin | heartbeat ahead of the cursor--> joining    (whatever was missed is read again)
 *   live --silentMs without a frame--> silent --any frame, or silentMs--> joining
 *   joining --silentMs without a welcome--> joining     (it was lost; only if the server is known to be none of the original)
 *   joining --refused--> refused --named--> joining     (or joining at once, if there is a name from before)
 *   live --named--> joining                             (under the new name; a legacy server is not asked)
 *   live --leave--> leaving --leave answered--> down
 *   welcome with fork: mending, until the log is read again up to its head; then what it lost is given back
 *
 * Always true, whatever arrives and whenever the process dies:
 *   I2 entries are taken in the order of the log, each once, without a gap;
 *   I3 a message is shown once, even if another log holds it again;
 *   I4, I5 what was typed is on disk before it is sent, and stays in the outbox until it is seen in the log;
 *   C1 log frames count only while live: between join and welcome they belong to an older session;
 *   I9 a legacy server is sent nothing but join, leave and messages.
 */
type State = 'down' | 'joining' | 'live' | 'silent' | 'refused' | 'leaving';

const ackIntervalMs = 5_000;
const legacyServer = 'this server runs the original program: no receipts and nothing missed is sent again.';
/** Heartbeats without an echo while something is under way, before it is sent again. */
const maxUnanswered = 3;

export type SessionOptions = {
  name: string;
  /** Names the data folder this runs in: message ids count within it. */
  dev: string;
  identity: Identity;
  crypto: Crypto;
  /** Only find out whether a server answers: nothing is proven, nobody is told. */
  check?: boolean;
  /** Where the store is, to name it in an error. */
  folder?: string;
  /** First join: how many of the newest entries to begin with. */
  history: number;
  /** Show what was written while this program did not run. */
  replay: boolean;
  /** Most messages of one replay that are shown. */
  maxReplay: number;
  /** Entries of the log kept in the store. */
  maxKept: number;
  flow?: Flow;
};

export class Session {
  readonly #options: SessionOptions;
  readonly #copy: Copy;
  readonly #courier: Courier;
  readonly #naming: Naming;
  readonly #roster: Roster;
  #state: State = 'down';
  #legacy = false;
  #server = '';
  #proven = false;
  #answered = false;
  #everLive = false;
  readonly #replay = new Replay();
  /** Entries up to here were in the log when the session opened. */
  #head = 0;
  /** Own messages up to this n were in the log when the session opened. */
  #logged = 0;
  #unanswered = 0;
  #acked = 0;
  #ackedAtMs = 0;
  #heardAtMs = 0;
  #joinedAtMs = 0;
  #rejoinAtMs: number | undefined;
  #lostAtMs: number | undefined;
  #effects: ConversationEffect[] = [];

  constructor(options: SessionOptions, store: Store) {
    this.#options = options;
    this.#naming = new Naming(options.name);
    this.#roster = new Roster(options.identity.key);
    this.#roster.isMine(this.#naming.name);
    this.#copy = new Copy(store, options.maxKept);
    this.#courier = new Courier(options, this.#copy, store);
  }

  get name(): string {
    return this.#naming.name;
  }

  get online(): boolean {
    return this.#state === 'live' || this.#answered;
  }

  get left(): boolean {
    return this.#state !== 'leaving';
  }

  get waiting(): Waiting[] {
    return this.#courier.own.map(waitingText);
  }

  get others(): string[] {
    return this.#roster.others;
  }

  get present(): number {
    return this.#roster.present;
  }

  step(input: ConversationInput, nowMs: number): ConversationEffect[] {
    this.#effects = [];
    this.#take(input, nowMs);
    const change = this.#copy.takeChange();
    if (change) this.#emit({ type: 'commit', change });
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
        return this.#type(input, nowMs);
      case 'committed':
        this.#copy.settle(input.change);
        this.#courier.settle(input.change.pending ?? []);
        return this.#upload(nowMs);
      case 'named':
        return this.#rename(input.name, nowMs);
      case 'tick':
        return this.#tick(nowMs);
      case 'leave':
        return this.#leave();
    }
  }

  #leave(): void {
    this.#rejoinAtMs = undefined;
    if (this.#state === 'live') this.#send({ kind: 'leave', name: this.#naming.name });
    this.#state = this.#state === 'live' && !this.#legacy ? 'leaving' : 'down';
  }

  /** What is typed bears the old name until the server has taken the new one: so nothing is ever sent under a refused one. */
  #rename(name: string, nowMs: number): void {
    if (this.#state === 'leaving') return;
    if (this.#state === 'live' && this.#legacy) return this.#showFixedName();
    this.#naming.want(name);
    if (this.#state === 'refused' || (this.#state === 'live' && this.#naming.isOpen)) return this.#join(nowMs);
    const message = this.#naming.isOpen ? `you will be called ${name} when you are online` : `you are called ${name}`;
    this.#show({ type: 'status', code: 'NAME', message });
  }

  #showFixedName(): void {
    const message = 'This server cannot rename; leave and come back with --name.';
    this.#show({ type: 'error', code: 'NAME_REFUSED', message });
  }

  #join(nowMs: number): void {
    this.#state = 'joining';
    this.#naming.ask();
    this.#proven = false;
    this.#unanswered = 0;
    this.#heardAtMs = nowMs;
    this.#joinedAtMs = nowMs;
    this.#rejoinAtMs = undefined;
    this.#send(this.#joinFrame);
  }

  get #joinFrame(): Join {
    const { identity, dev, history } = this.#options;
    const { log, cursor: since, hash } = this.#copy;
    const who = { kind: 'join', name: this.#naming.asked, version: protocolVersion, key: identity.key, dev } as const;
    return log === '' ? { ...who, history } : { ...who, log, since, ...(hash !== emptyHash && { hash }) };
  }

  #receive(frame: Received, nowMs: number): void {
    if (frame.kind === 'batch') for (const part of frame.frames) this.#receive(part, nowMs);
    else if (this.#state === 'joining') this.#receiveJoining(frame, nowMs);
    else if (this.#state === 'live') this.#receiveLive(frame, nowMs);
    else if (this.#state === 'leaving' && frame.kind === 'leave') this.#state = 'down';
  }

  #receiveJoining(frame: Received, nowMs: number): void {
    switch (frame.kind) {
      case 'challenge':
        return this.#prove(frame);
      case 'welcome':
        return this.#proven ? this.#welcome(frame, nowMs) : undefined;
      case 'rejoin':
        return this.#rejoin(frame.delayMs, nowMs);
      case 'refused':
        return this.#proven ? this.#refused(frame, nowMs) : undefined;
      case 'notice':
        // No part of the log: it would not come again.
        return this.#isResuming && !this.#legacy ? this.#show(noticeEvent(frame)) : undefined;
      case 'message':
        return frame.seq === undefined && !this.#proven ? this.#welcomeLegacy(frame, nowMs) : undefined;
    }
  }

  /** Who has another name to go by is back under that one. */
  #refused({ code, text }: Refused, nowMs: number): void {
    if (code === 'NAME_REFUSED' && this.#naming.refuse()) {
      this.#show({ type: 'error', code, message: text });
      return this.#join(nowMs);
    }
    this.#state = 'refused';
    this.#emit({ type: 'fail', error: new ChatError(code, text) });
  }

  #receiveLive(frame: Received, nowMs: number): void {
    // An original server relays whatever a member sends: nothing else is its own word.
    if (this.#legacy && frame.kind !== 'message') return;
    switch (frame.kind) {
      case 'message':
        return this.#legacy ? this.#show(legacyEvent(frame, this.#server)) : this.#entry(frame, nowMs);
      case 'notice':
        return this.#show(noticeEvent(frame));
      case 'heartbeat':
        return this.#heartbeat(frame.seq, nowMs);
      case 'rejoin':
        return this.#rejoin(frame.delayMs, nowMs);
    }
  }

  /** The server sent more than came, or what went out is not coming back: somewhere a frame was lost. [P10] */
  #heartbeat(sentSeq: number, nowMs: number): void {
    this.#unanswered = this.#courier.underWay > 0 ? this.#unanswered + 1 : 0;
    if (sentSeq > this.#copy.cursor || this.#unanswered >= maxUnanswered) this.#join(nowMs);
  }

  #prove({ nonce, server }: Challenge): void {
    this.#answered = this.#options.check === true;
    if (this.#answered) return;
    const join = this.#joinFrame;
    this.#server ||= server;
    this.#proven = true;
    this.#send({ ...join, proof: this.#options.identity.sign(joinProof(nonce, server, join)) });
  }

  #welcome(welcome: Welcome, nowMs: number): void {
    const { name, head, n = 0, online, members } = welcome;
    this.#legacy = false;
    this.#server = name;
    const isFirst = this.#copy.log === '';
    const isOther = welcome.fork || welcome.log !== this.#copy.log;
    const mayForget = this.#naming.isRefused || isOther || !this.#everLive;
    const was = this.#naming.take(isName(welcome.who) ? welcome.who : undefined);
    this.#place(welcome);
    // It may not know another name as mine (it died before that was on disk), and what bears one would be void.
    if (mayForget) this.#courier.rename(this.#naming.name, name);
    this.#acked = this.#copy.cursor;
    this.#ackedAtMs = nowMs;
    this.#head = head;
    this.#logged = n;
    if (n > this.#courier.lastN) return this.#failCopied('its messages were numbered further elsewhere');
    if (isOther || !this.#isResuming) this.#beginReplay(isFirst);
    this.#meet(members, online);
    this.#goOnline(name, online, nowMs, members);
    this.#showRenamed(was);
    this.#courier.restart();
    this.#caughtUp(nowMs);
    this.#upload(nowMs);
    if (this.#naming.isOpen) this.#join(nowMs);
  }

  #meet(members: string[], online: number): void {
    this.#roster.isMine(this.#naming.name);
    this.#roster.begin(members, online);
  }

  #showRenamed(was: string | undefined): void {
    if (was !== undefined) this.#show({ type: 'renamed', was, name: this.#naming.name });
  }

  /** Makes the copy continue where the session begins. */
  #place({ log, since, hash = emptyHash, fork, firstMs }: Welcome): void {
    const { cursor } = this.#copy;
    const same = log === this.#copy.log && since === cursor && !fork;
    if (same) return;
    if (!fork && this.#copy.log === log)
      this.#show({ type: 'gap', from: cursor + 1, to: since, ...(firstMs !== undefined && { firstMs }) });
    const kept = this.#copy.restart(log, since, hash);
    if (fork) this.#courier.fork(kept);
  }

  /** When the session has read up to where it began. */
  #caughtUp(nowMs: number): void {
    if (this.#copy.cursor < this.#head) return;
    // What the log had and no longer keeps was not seen, but it has arrived.
    this.#courier.acceptLogged(this.#logged);
    this.#logged = 0;
    if (!this.#courier.isMending) return;
    const count = this.#courier.mend(this.#server, nowMs);
    const given =
      count === 0 ? 'it was read again.' : `${count} lost ${count === 1 ? 'message was' : 'messages were'} given back.`;
    this.#show({ type: 'status', code: 'RESTORED', message: `the server's log is not the one known here; ${given}` });
  }

  /** An original server has no order to give: what is sent counts as accepted. */
  #welcomeLegacy({ name, text }: Message, nowMs: number): void {
    this.#legacy = true;
    const online = Number(/(\d+) online\.$/.exec(text)?.[1] ?? 1);
    const was = this.#naming.take();
    this.#meet([], online);
    this.#goOnline(name, online, nowMs);
    this.#showRenamed(was);
    this.#upload(nowMs);
    if (!this.#naming.isOpen) return;
    this.#naming.settle();
    this.#showFixedName();
  }

  #goOnline(server: string, online: number, nowMs: number, members?: string[]): void {
    const isResuming = this.#isResuming;
    this.#state = 'live';
    this.#server = server;
    this.#everLive = true;
    // A join after a mere gap changes nothing a person should see.
    if (isResuming) return;
    const after: { afterMs?: number } = this.#lostAtMs === undefined ? {} : { afterMs: nowMs - this.#lostAtMs };
    this.#lostAtMs = undefined;
    const waiting = this.#courier.own.filter(({ sig }) => sig === undefined).length;
    const list = members && { members };
    this.#show({ type: 'state', state: 'online', server, online, legacy: this.#legacy, ...after, waiting, ...list });
    if (this.#legacy && after.afterMs === undefined)
      this.#show({ type: 'status', code: 'LEGACY_SERVER', message: legacyServer });
  }

  #goOffline(reason: 'lost' | 'silent', nowMs: number): void {
    this.#roster.lose();
    this.#rejoinAtMs = undefined;
    if (!this.#everLive || this.#lostAtMs !== undefined || this.#state === 'leaving') return;
    this.#lostAtMs = nowMs;
    this.#show({ type: 'state', state: 'offline', reason });
  }

  /** It has not been offline: what comes between two joins was not missed. */
  get #isResuming(): boolean {
    return this.#everLive && this.#lostAtMs === undefined;
  }

  /** What was written before this program started is shown only if that is wanted; of a long replay, only the end. */
  #beginReplay(isFirst: boolean): void {
    const { replay, maxReplay, history } = this.#options;
    const wanted = this.#everLive || replay || history > 0;
    const quietTo = wanted ? Math.max(this.#head - maxReplay, 0) : this.#head;
    this.#replay.begin({ from: this.#copy.cursor, to: this.#head, quietTo, isFirst });
  }

  #entry(message: Message, nowMs: number): void {
    const { seq, id } = message;
    const { cursor } = this.#copy;
    if (seq === undefined || seq <= cursor) return;
    if (seq > cursor + 1) return this.#join(nowMs);
    const isNew = this.#copy.take(message, seq, nowMs);
    if (seq - this.#acked >= (this.#options.flow ?? defaultFlow).windowEntries / 4) this.#ack(nowMs);
    if (isNew && this.#replay.isShown(seq)) this.#showEntry(message, seq);
    for (const event of this.#replay.after(seq)) this.#show(event);
    if (id) this.#accept(id, message);
    this.#caughtUp(nowMs);
    this.#upload(nowMs);
  }

  /** What is in the log waits no longer. Two programs that count with the same device would find each other's words there. */
  #accept(id: MessageId, { text, void: isVoid }: Message): void {
    const accepted = this.#courier.accept(id);
    if (accepted.length > 0) this.#unanswered = 0;
    const mine = accepted.find((message) => message.id?.n === id.n && id.dev === this.#options.dev);
    if (mine && mine.text !== text && !isVoid) this.#failCopied(`not sent: "${mine.text}"`);
  }

  #failCopied(what: string): void {
    const message = `this data folder is a copy of another one, or was restored from an older state; ${what}.`;
    const hint = `Use each data folder in one place only. To begin anew, remove ${this.#options.folder ?? 'it'}.`;
    this.#emit({ type: 'fail', error: new ChatError('DATA_COPIED', message, hint) });
  }

  #showEntry(message: Message, seq: number): void {
    const own = message.id?.dev === this.#options.dev;
    if (message.void) {
      if (own) this.#show({ type: 'error', code: 'REFUSED', message: 'The room refused a message of yours.' });
      return;
    }
    for (const event of this.#replay.before(seq, message.ts ?? 0)) this.#show(event);
    this.#show(messageEvent(message, own, this.#replay.to));
  }

  #type({ text, action }: { text: string; action?: true }, nowMs: number): void {
    if (this.#courier.isFull) {
      const message = `${maxWaiting} messages are waiting already; this one was not taken.`;
      return this.#show({ type: 'error', code: 'TOO_MANY_WAITING', message });
    }
    this.#courier.write({ name: this.#naming.name, text, ...(action && { action }) }, nowMs);
  }

  #upload(nowMs: number): void {
    if (this.#state !== 'live') return;
    if (!this.#legacy) for (const message of this.#courier.takeSigned(this.#server, nowMs)) this.#send(message);
    else
      for (const message of this.#courier.takePlain()) {
        this.#send(plainMessage(message));
        this.#show(messageEvent(message, true));
      }
  }

  #rejoin(delayMs: number, nowMs: number): void {
    if (delayMs === 0) return this.#join(nowMs);
    this.#rejoinAtMs = nowMs + delayMs;
  }

  #tick(nowMs: number): void {
    if (this.#rejoinAtMs !== undefined && nowMs >= this.#rejoinAtMs) return this.#join(nowMs);
    // Asking an original server twice would double what it delivers.
    const isKnown = this.#proven || this.#copy.log !== '';
    const isLate =
      (this.#state === 'joining' || this.#state === 'silent') && isKnown && nowMs - this.#joinedAtMs >= silentMs;
    if (isLate) return this.#join(nowMs);
    // A legacy server sends no heartbeats; its death is seen by those of ZeroMQ alone.
    if (this.#state !== 'live' || this.#legacy) return;
    if (nowMs - this.#heardAtMs >= silentMs) {
      this.#goOffline('silent', nowMs);
      this.#state = 'silent';
      this.#joinedAtMs = nowMs;
    } else if (nowMs - this.#ackedAtMs >= ackIntervalMs) this.#ack(nowMs);
  }

  #ack(nowMs: number): void {
    this.#acked = this.#copy.cursor;
    this.#ackedAtMs = nowMs;
    this.#send({ kind: 'ack', seq: this.#acked });
  }

  #send(frame: Frame): void {
    this.#emit({ type: 'send', frame });
  }

  #show(event: ChatEvent): void {
    this.#roster.hear(event);
    this.#emit({ type: 'show', event: markMention(event, this.#naming.name, this.#options.identity.key) });
  }

  #emit(effect: ConversationEffect): void {
    this.#effects.push(effect);
  }
}
