import { ChatError } from '../../errors.ts';
import type { Frame, Join, Message, Received } from '../../protocol/frames.ts';
import { protocolVersion } from '../../protocol/frames.ts';
import type { ChatEvent } from '../events.ts';
import { defaultFlow, heartbeatIntervalMs, legacyMs, secondHelloMs, silentMs, unheardLimit } from '../limits.ts';
import { Outbox } from '../log/outbox.ts';
import { nameKey, safeName } from '../names.ts';
import {
  blankNotShown,
  isBlank,
  isShown,
  markMention,
  messageEvent,
  plainMessage,
  takenBackEvent,
  tooManyWaiting,
} from '../narrate.ts';
import { type Conversation, type Effect, Effects, type Input, type Now, theLink } from '../turn.ts';
import { Receipts } from './receipts.ts';

/**
 * One of two people. The connecting side says hello, the binding side answers.
 *
 *   down --connected--> greeting --hello--> together
 *                       greeting --plain message, or legacyMs without a hello--> together, legacy
 *   greeting --disconnected, nothing heard, twice in a row--> fail: the other side is taken
 *   together --goodbye | disconnected | silentMs without a frame--> down
 *   together --leave--> leaving --goodbye answered--> down
 *   any --hello--> together                        (the other program was started again)
 *
 * A taken side gives no hello, as the original; but libzmq ends a connection to it when there is a second hello. [P42]
 *
 * Always true, whatever arrives:
 *   D1 a message is shown once, in the order it was typed;
 *   D2 what was typed stays in the outbox until the peer has acknowledged it;
 *   D3 a peer that never sent a version is sent only frames with name and text;
 *   D4 a message is acknowledged when its text has left this program, so an output that is behind holds back its author.
 */
type State = 'down' | 'greeting' | 'together' | 'leaving';

export class Pair implements Conversation {
  readonly name: string;
  readonly #dev: string;
  readonly #binds: boolean;
  readonly #outbox: Outbox;
  #lastN = 0;
  /** Up to here somebody may have been given what was typed. */
  #givenN = 0;
  #state: State = 'down';
  /** Who was met last; without a `dev` until its name is known: the original says it with its first message. */
  #peer = { name: '', dev: '', legacy: false };
  readonly #receipts = new Receipts();
  #unheard = 0;
  #isBlankTold = false;
  #hellos = 0;
  #greetedAtMs = 0;
  #heardAtMs = 0;
  #beatAtMs = 0;
  readonly #effects = new Effects();

  constructor({ name, dev, binds }: { name: string; dev: string; binds: boolean }) {
    this.name = name;
    this.#dev = dev;
    this.#binds = binds;
    this.#outbox = new Outbox(dev);
  }

  get online(): boolean {
    return this.#state === 'together';
  }

  get hasLeft(): boolean {
    return this.#state !== 'leaving';
  }

  /** The original program takes no receipts: only its connection can hold it back. */
  get isFull(): boolean {
    return this.#peer.legacy && this.#receipts.inside >= defaultFlow.windowEntries;
  }

  get waiting(): readonly Message[] {
    return this.#outbox.own;
  }

  get retractable(): Message | undefined {
    return this.#lastN > this.#givenN ? this.#outbox.own.at(-1) : undefined;
  }

  get unsent(): number {
    return this.#outbox.own.length;
  }

  get unsettled(): { inDoubt: number; ungiven: number } {
    const ungiven = this.#outbox.own.filter(({ id }) => (id?.n ?? 0) > this.#givenN).length;
    return { inDoubt: this.unsent - ungiven, ungiven };
  }

  get others(): string[] {
    return this.online && this.#peer.dev !== '' ? [this.#peer.name] : [];
  }

  get present(): number {
    return this.online ? 2 : 0;
  }

  turn(inputs: Iterable<Input>, now: Now): Effect[] {
    for (const input of inputs) this.#take(input, now);
    return this.#effects.take();
  }

  #take(input: Input, { ms, wallMs }: Now): void {
    switch (input.type) {
      case 'connected':
        return this.#greet(ms);
      case 'disconnected':
        return this.#disconnected();
      case 'frame':
        this.#heardAtMs = ms;
        return this.#receive(input.frame);
      case 'shown':
        return this.#acknowledge(input.place);
      case 'typed':
        return this.#type(input, wallMs);
      case 'takeBack':
        return this.#takeBack();
      case 'named': {
        const message = 'Between two people names stay; leave and come back with --name.';
        return this.#show({ type: 'error', code: 'NAME_REFUSED', message });
      }
      case 'tick':
        return this.#tick(ms);
      case 'leave':
        return this.#leave();
    }
  }

  #leave(): void {
    if (this.online) this.#goodbye();
    this.#state = this.online && !this.#peer.legacy ? 'leaving' : 'down';
  }

  #goodbye(): void {
    this.#send({ kind: 'leave', name: this.name, text: `${this.name} left the chat.` });
  }

  #greet(ms: number): void {
    if (this.online) return;
    this.#state = 'greeting';
    this.#greetedAtMs = ms;
    this.#hellos = 0;
    if (!this.#binds) this.#hello();
  }

  #hello(reply?: true): void {
    const text = `${this.name} is ${++this.#hellos > 1 ? 'waiting for an answer' : 'here'}.`;
    const me = { name: this.name, version: protocolVersion, dev: this.#dev };
    this.#send({ kind: 'join', ...me, text, ...(reply && { reply }) });
  }

  #disconnected(): void {
    if (this.#state === 'greeting' && !this.#binds && ++this.#unheard >= unheardLimit) {
      const hint = 'Ask them to end that talk first, or to listen on another --port.';
      const error = new ChatError('PEER_TAKEN', 'that side is already talking to someone.', hint);
      this.#effects.push({ type: 'fail', error });
    }
    this.#part('lost');
  }

  #receive(frame: Received): void {
    this.#unheard = 0;
    // Who is leaving meets nobody any more: only what was said before can still be answered.
    if (this.#state === 'leaving' && frame.kind !== 'leave' && frame.kind !== 'ack') return;
    switch (frame.kind) {
      case 'join':
        return this.#meet(frame);
      case 'leave':
        if (this.online && !this.#peer.legacy) this.#goodbye();
        return this.#part('left');
      case 'message':
        return this.#message(frame);
      case 'ack':
        for (const message of this.#outbox.accept({ dev: this.#dev, n: frame.seq }))
          this.#show(messageEvent(message, true));
        return this.#upload();
      case 'heartbeat':
        // The connection had only been silent: ask again.
        if (!this.online) this.#hello();
    }
  }

  #meet({ name, version, dev = name, reply }: Join): void {
    if (version === undefined) return;
    if (!reply) this.#hello(true);
    if (this.#peer.dev !== dev) this.#part('lost');
    this.#outbox.restart();
    this.#together({ name: this.#nameOf(name), dev, legacy: false });
  }

  #together(peer: { name: string; dev: string; legacy: boolean }): void {
    const already = this.online;
    this.#state = 'together';
    this.#peer = peer;
    if (!already) {
      this.#isBlankTold = false;
      this.#show({ type: 'state', state: 'online', online: 2, legacy: peer.legacy });
      this.#show({ type: 'join', name: peer.name, online: 2 });
    }
    this.#upload();
  }

  #part(reason: 'left' | 'lost'): void {
    const { name } = this.#peer;
    const was = this.online;
    this.#state = 'down';
    if (!was) return;
    this.#show({ type: 'leave', name, online: 1, reason });
    this.#show({ type: 'state', state: 'offline', reason, peer: name });
  }

  /** Nobody has checked it, and it may be mine. */
  #nameOf(raw: string): string {
    const name = safeName(raw);
    return nameKey(name) === nameKey(this.name) ? `${name} (peer)` : name;
  }

  #message(received: Message): void {
    const message = { ...received, name: this.#nameOf(received.name) };
    const { name, id } = message;
    if (!this.online) this.#together({ name, dev: id?.dev ?? name, legacy: id === undefined });
    if (this.#peer.legacy) this.#peer = { name, dev: name, legacy: true };
    if (!id && isBlank(message)) return this.#passOver(name);
    // What comes again is acknowledged again, unless its text is still inside.
    if (id && this.#receipts.has(id))
      return this.#receipts.isInside(id) ? undefined : this.#send({ kind: 'ack', seq: id.n });
    const place = this.#receipts.take(id, isShown(message));
    if (isShown(message)) this.#show(messageEvent(message, false), place);
    else if (this.#receipts.isNext(id)) this.#acknowledge(place);
  }

  #passOver(name: string): void {
    if (!this.#isBlankTold) this.#show(blankNotShown(name));
    this.#isBlankTold = true;
  }

  /** What a peer that is gone has said needs no receipt. [P41] */
  #acknowledge(place: number): void {
    const id = this.#receipts.release(place, this.#peer.dev);
    const isHere = this.#state === 'leaving' || (this.online && !this.#peer.legacy);
    if (id && isHere) this.#send({ kind: 'ack', seq: id.n });
  }

  #type({ text, action }: { text: string; action?: true }, wallMs: number): void {
    if (this.#outbox.isFull) return this.#show(tooManyWaiting);
    const id = { dev: this.#dev, n: ++this.#lastN };
    this.#outbox.add({ kind: 'message', name: this.name, text, ...(action && { type: 'action' }), id, ts: wallMs });
    if (this.online) this.#upload();
  }

  #takeBack(): void {
    const message = this.retractable;
    if (!message) return;
    this.#outbox.remove((waiting) => waiting === message);
    this.#lastN--;
    this.#show(takenBackEvent(message));
  }

  /** An own message is shown when the peer has it; to the original program, which gives no receipts, when it is sent. */
  #upload(): void {
    const { legacy } = this.#peer;
    const unsent = legacy ? this.#outbox.remove(() => true) : this.#outbox.takeUnsent();
    this.#givenN = Math.max(this.#givenN, ...unsent.map(({ id }) => id?.n ?? 0));
    for (const message of unsent) this.#send(legacy ? plainMessage(message) : message);
    if (legacy) for (const message of unsent) this.#show(messageEvent(message, true));
  }

  #tick(ms: number): void {
    const waitedMs = this.#state === 'greeting' ? ms - this.#greetedAtMs : 0;
    if (waitedMs >= secondHelloMs && this.#hellos === 1 && !this.#binds) this.#hello();
    if (waitedMs >= legacyMs) return this.#together({ name: 'The other side', dev: '', legacy: true });
    if (!this.online || this.#peer.legacy) return;
    if (ms - this.#heardAtMs >= silentMs) return this.#part('lost');
    if (ms - this.#beatAtMs < heartbeatIntervalMs) return;
    this.#beatAtMs = ms;
    this.#send({ kind: 'heartbeat', seq: 0 });
  }

  #send(frame: Frame): void {
    this.#effects.send(theLink, frame);
  }

  #show(event: ChatEvent, place?: number): void {
    this.#effects.push({ type: 'show', event: markMention(event, [this.name]), ...(place !== undefined && { place }) });
  }
}
