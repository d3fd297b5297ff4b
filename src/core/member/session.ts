import { ChatError } from '../../errors.ts';
import type { Entries, Received, Refused, Welcome } from '../../protocol/frames.ts';
import { rereadMs, silentMs } from '../limits.ts';
import { isName } from '../names.ts';
import { noticeEvent } from '../narrate.ts';
import { type Held, type Input, type Now, theLink, type Work } from '../turn.ts';
import { Delivery } from './delivery.ts';
import { Handshake } from './handshake.ts';
import type { Member, Talk } from './member.ts';
import { OriginalRoom } from './original-room.ts';
import { Pulse } from './pulse.ts';
import { Reading } from './reading.ts';
import { Signatures } from './signatures.ts';

/**
 * A member's session with a version-1 server: from the handshake to the goodbye.
 *
 *   down --connected--> joining --challenge--> joining (with proof) --welcome--> live
 *                       joining --plain message--> (an original's room takes over, original-room.ts)
 *   any  --disconnected--> down
 *   live --gap | rejoin | heartbeat ahead of the cursor--> joining    (whatever was missed is read again)
 *   live | joining --silentMs without a frame--> down, hung up        (unless it may be an original server)
 *   joining --refused--> refused --named--> joining     (or joining at once, if there is a name from before)
 *   live --named--> joining                             (under the new name)
 *   live --leave--> leaving --leave answered--> down
 *   welcome with fork: mending, until the log is read again up to its head; then what it lost is given back
 *
 *   I4, I5 what was typed is on disk before it is sent, and stays in the outbox until it is seen in the log;
 *   C1 log frames count only while live: before a welcome they are of an older session.
 */
type State = 'down' | 'joining' | 'live' | 'refused' | 'leaving';

export class Session implements Talk {
  readonly #member: Member;
  readonly #reading: Reading;
  readonly #delivery: Delivery;
  readonly #handshake: Handshake;
  readonly #signatures: Signatures;
  readonly #pulse: Pulse;
  #state: State = 'down';
  /** The newest frame in a session, or the newest join on the way to one. */
  #heardAtMs = 0;
  /** When I join again; until then no entries are read. */
  #rejoinAtMs: number | undefined;

  constructor(member: Member) {
    this.#member = member;
    this.#reading = new Reading(member);
    this.#delivery = new Delivery(member.effects, member.options, member.flow);
    this.#handshake = new Handshake(member, this.#delivery);
    this.#signatures = new Signatures(member);
    this.#pulse = new Pulse(member);
  }

  /** The server waits for the acks: what it sends is bounded. */
  readonly isFull = false;

  get isBusy(): boolean {
    return this.#signatures.isBusy;
  }

  get isOpen(): boolean {
    return this.#state === 'live' && !this.#member.courier.sender.isMending;
  }

  get work(): Work | undefined {
    return this.#state === 'live' ? this.#reading.work : undefined;
  }

  get held(): Held | undefined {
    return this.#state === 'live' ? this.#pulse.held : undefined;
  }

  get heardAtMs(): number | undefined {
    return this.#state === 'live' ? this.#heardAtMs : undefined;
  }

  /** Nobody but those near can say what the log is. */
  get canRead(): boolean {
    return this.#state === 'down' && !this.#member.courier.sender.isMending && !this.#reading.isFull;
  }

  /** The room has signed where this leads. [P54] */
  readRelayed(entries: Entries, now: Now): void {
    if (this.canRead) this.#reading.take(entries, now);
  }

  get online(): boolean {
    return this.#state === 'live' || this.#handshake.isAnswered;
  }

  get hasLeft(): boolean {
    return this.#state !== 'leaving';
  }

  take(input: Input, now: Now): Talk {
    if (input.type === 'frame') return this.#frame(input.frame, now);
    if (input.type === 'connected') this.#connected(input, now);
    else if (input.type === 'disconnected') this.#disconnected('lost', now);
    else if (input.type === 'named') this.#rename(input.name, now);
    else if (input.type === 'away') this.#member.absences.go(input.text);
    else if (input.type === 'tick') this.#tick(now);
    else if (input.type === 'leave') this.#leave();
    return this;
  }

  upload(now: Now): void {
    this.#signatures.check();
    if (this.#state !== 'live') return;
    this.#signatures.ask(now);
    const away = this.#member.absences.takeUnsaid();
    if (away !== undefined) this.#delivery.sayAway(away);
    this.#delivery.upload(this.#member.courier.takeSigned(now));
    this.#pulse.keepUp(now);
  }

  #leave(): void {
    this.#rejoinAtMs = undefined;
    if (this.#state === 'live') this.#delivery.leave(this.#member.naming.name);
    this.#state = this.#state === 'live' ? 'leaving' : 'down';
  }

  #disconnected(reason: 'lost' | 'silent', now: Now): void {
    this.#rejoinAtMs = undefined;
    this.#member.company.present = 0;
    if (this.#state !== 'leaving') this.#member.availability.goOffline(reason, now);
    this.#state = this.#state === 'refused' ? 'refused' : 'down';
  }

  /** What is typed bears the old name until the server has taken the new one: nothing is sent under a refused one. */
  #rename(name: string, now: Now): void {
    const { naming } = this.#member;
    if (this.#state === 'leaving') return;
    naming.want(name);
    if (this.#state === 'refused' || (this.#state === 'live' && naming.isOpen)) return this.#join(now);
    const message = naming.isOpen ? `you will be called ${name} when you are online` : `you are called ${name}`;
    this.#member.show({ type: 'status', code: 'NAME', message });
  }

  /** A server of the original would tell everybody of whoever only looks in. */
  #connected({ isOriginal, isSecure }: Input & { type: 'connected' }, now: Now): void {
    this.#delivery.isSecure = isSecure === true;
    if (!isOriginal) return this.#join(now);
    this.#handshake.isAnswered = true;
    this.#member.show({ type: 'status', code: 'LEGACY_SERVER', message: whatIsUnknown });
  }

  #join(now: Now): void {
    this.#state = 'joining';
    this.#pulse.echoed();
    this.#heardAtMs = now.ms;
    this.#rejoinAtMs = undefined;
    this.#handshake.join();
  }

  #frame(frame: Received, now: Now): Talk {
    const isOriginal =
      this.#state === 'joining' && !this.#handshake.isProven && frame.kind === 'message' && frame.seq === undefined;
    if (isOriginal) return this.#handshake.isFor(undefined) ? new OriginalRoom(this.#member, this, frame, now) : this;
    if (this.#state !== 'joining') this.#heardAtMs = now.ms;
    this.#receive(frame, now);
    return this;
  }

  #receive(frame: Received, now: Now): void {
    if (frame.kind === 'batch') for (const part of frame.frames) this.#receive(part, now);
    else if (this.#state === 'joining') this.#receiveJoining(frame, now);
    else if (this.#state === 'live') this.#receiveLive(frame, now);
    else if (this.#state === 'leaving' && frame.kind === 'leave') this.#state = 'down';
  }

  #receiveJoining(frame: Received, now: Now): void {
    switch (frame.kind) {
      case 'challenge':
        return this.#handshake.prove(frame);
      case 'welcome':
        return this.#welcome(frame, now);
      case 'rejoin':
        return this.#rejoin(frame.delayMs, now);
      case 'refused':
        return this.#refused(frame, now);
      case 'shutdown':
      case 'notice':
        // No part of the log: it would not come again.
        return this.#member.availability.isResuming ? this.#notice(frame) : undefined;
    }
  }

  /** Who has another name to go by is back under that one. */
  #refused(refused: Refused, now: Now): void {
    const { code, text } = refused;
    if (!this.#handshake.isRefused(refused)) return;
    if (code === 'NAME_REFUSED' && this.#member.naming.refuse()) {
      this.#member.show({ type: 'error', code, message: text });
      return this.#join(now);
    }
    this.#state = 'refused';
    this.#member.effects.push({ type: 'fail', error: new ChatError(code, text) });
  }

  #receiveLive(frame: Received, now: Now): void {
    switch (frame.kind) {
      case 'entries':
        return this.#entries(frame, now);
      case 'message':
        return this.#reading.mend(frame);
      case 'lost':
        return this.#pulse.answer(frame);
      case 'shutdown':
      case 'notice':
        return this.#notice(frame);
      case 'signatures':
        return this.#signatures.take(frame);
      case 'roster':
        return this.#member.roster.take(frame);
      case 'heartbeat':
        this.#member.heads.hear(frame);
        this.#pulse.hold(frame);
        if (this.#pulse.misses(frame, this.#reading.isFull) && this.#rejoinAtMs === undefined) this.#join(now);
        return;
      case 'had':
        return this.#reading.had(frame, now);
      case 'hole':
        return this.#member.courier.sender.meetHole(frame.id, now);
      case 'receipt':
        this.#pulse.hold(frame);
        return this.#member.courier.outbox.keepUpTo(frame.kept);
      case 'rejoin':
        return this.#rejoin(frame.delayMs, now);
    }
  }

  #notice(frame: Received & { kind: 'notice' | 'shutdown' }): void {
    if (frame.kind === 'shutdown') this.#member.show({ type: 'shutdown', server: frame.name });
    else this.#member.show(noticeEvent(frame));
  }

  /** What the log says from `from` on. What I know already comes again after a hurried join. */
  #entries(frame: Entries, now: Now): void {
    const { copy, courier } = this.#member;
    const { underWay } = courier.outbox;
    if (this.#reading.isFull || this.#rejoinAtMs !== undefined) return;
    if (frame.from > copy.cursor + 1) return this.#join(now);
    const { dev } = courier;
    // It was changed on its way, or the server is not what it says it is: it is read again, but not at once.
    if (!this.#reading.take(frame, now)) return this.#rejoin(rereadMs, now);
    if (courier.dev !== dev) return this.#join(now);
    if (courier.outbox.underWay < underWay) this.#pulse.echoed();
  }

  #welcome(welcome: Welcome, now: Now): void {
    const { naming, courier } = this.#member;
    const { name, online, members, topic, n = 0, nHash } = welcome;
    const { room, cn } = this.#handshake;
    if (!this.#handshake.isWelcome(welcome)) return;
    if (courier.isShared(room, n, nHash) || this.#handshake.isElsewhere(welcome)) {
      this.#member.renew();
      return this.#join(now);
    }
    const was = naming.take(isName(welcome.who) ? welcome.who : undefined);
    this.#reading.begin(welcome);
    this.#signatures.restart();
    courier.restart(room, naming.name, n, now);
    this.#member.room = room;
    this.#member.availability.tellLabel(name);
    this.#member.company.goBy(naming.name);
    this.#member.company.begin(members, online);
    this.#member.absences.begin(welcome);
    this.#member.roster.bar(welcome.unlinked === true);
    this.#member.availability.goOnline({ server: name, online, legacy: false, members, room }, now);
    this.#member.availability.tellTopic(topic);
    if (was !== undefined) this.#member.show({ type: 'renamed', was, name: naming.name });
    this.#state = 'live';
    this.#heardAtMs = now.ms;
    this.#member.heads.begin(cn, welcome);
    this.#reading.caughtUp(now);
    this.#pulse.begin(now);
    if (naming.isOpen) this.#join(now);
  }

  #rejoin(delayMs: number, now: Now): void {
    if (delayMs === 0) return this.#join(now);
    this.#rejoinAtMs = now.ms + delayMs;
  }

  #tick(now: Now): void {
    const isDue = this.#rejoinAtMs !== undefined && now.ms >= this.#rejoinAtMs;
    if (isDue || (this.#state === 'live' && this.#member.courier.sender.mayTryAgain(now))) return this.#join(now);
    // An original server sends no heartbeats; its death is seen by TCP alone.
    const isKnown =
      this.#state === 'live' ||
      (this.#state === 'joining' && (this.#handshake.isProven || this.#member.copy.log !== ''));
    if (isKnown && now.ms - this.#heardAtMs >= silentMs) {
      this.#disconnected('silent', now);
      return this.#member.effects.push({ type: 'hangUp', to: theLink });
    }
    if (this.#state === 'live') this.#pulse.tick(now);
  }
}

const whatIsUnknown =
  'the original program listens there. Whether it still answers nobody can ask without being announced to everybody.';
