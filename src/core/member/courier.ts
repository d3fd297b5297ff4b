import type { Message, MessageId } from '../../protocol/frames.ts';
import { type Crypto, formatId, type Identity, signedText } from '../../protocol/signed.ts';
import { mendPatienceMs } from '../limits.ts';
import { type Copy, canBeKept } from '../log/copy.ts';
import { idOf, Outbox } from '../log/outbox.ts';
import type { Now } from '../turn.ts';

export type CourierOptions = { dev: string; identity: Identity; crypto: Crypto };

/**
 * Brings into the log what is not there yet: what was typed here, and, after the log has lost entries, what is known
 * of those. Everything stays in the outbox, and in the store, until the log is known to have it.
 */
export class Courier {
  readonly outbox: Outbox;
  /** The highest n that was given to a message of mine. */
  lastN: number;
  /** From a fork until the log is read again: before that nobody knows what it lacks. */
  isMending = false;
  readonly #options: CourierOptions;
  readonly #copy: Copy;
  #mendedAtMs = 0;
  /** The name of the room on the newest connection: signatures cover it. */
  #room = '';
  /** Ids of messages that were signed for a room of another name: they wait until this is that room again. */
  #elsewhere = new Set<string>();
  /** Highest n of each device that is in this log, and that is on its way there over this connection. */
  readonly #inLog = new Map<string, number>();
  readonly #onWay = new Map<string, number>();
  /** Devices of which something was sent on this connection. */
  readonly #begun = new Set<string>();

  constructor(options: CourierOptions, copy: Copy, pending: readonly Message[]) {
    this.#options = options;
    this.#copy = copy;
    this.outbox = new Outbox(options.dev, pending);
    this.lastN = Math.max(copy.seen(options.dev), ...this.outbox.own.map(({ id }) => id?.n ?? 0));
  }

  write(words: Pick<Message, 'name' | 'text' | 'action'>, { wallMs }: Now): void {
    const id = { dev: this.#options.dev, n: ++this.lastN };
    const message: Message = { kind: 'message', ...words, id, lc: this.#copy.nextLc(), ts: Math.max(wallMs, 0) };
    this.outbox.add(message);
    this.#copy.keep([message]);
  }

  /** A new connection. Another room than before may lack other messages. */
  restart(room: string): void {
    const { own, others } = this.outbox;
    if (room !== this.#room) this.isMending ||= [...own, ...others].some(({ sig }) => sig !== undefined);
    this.#room = room;
    this.outbox.restart();
    this.#begun.clear();
    this.#onWay.clear();
  }

  /** What was typed here and waits, or is given back, bears this name from now on, and is signed for this room. */
  rename(name: string): void {
    const renamed = this.outbox.change((message) => {
      if (message.sig !== undefined) return this.#sign({ ...message, name });
      return message.name === name ? message : { ...message, name };
    });
    this.#copy.keep(renamed);
  }

  /** The log is not the one these entries were read in. */
  fork(kept: readonly Message[]): void {
    this.isMending = true;
    this.#inLog.clear();
    const lost = kept.filter(canBeKept).map(({ seq: _, hash: __, ...message }) => message);
    this.#copy.keep(this.outbox.adopt(lost));
  }

  /** The log is read again: what it does not hold can be given back, if it is genuine. Returns how much that is. */
  mend({ ms }: Now): number {
    this.isMending = false;
    this.#mendedAtMs = ms;
    this.#elsewhere = new Set(this.outbox.others.filter((message) => !this.#isForThisRoom(message)).map(idOf));
    for (const [dev, n] of this.#inLog) this.#copy.drop(this.accept({ dev, n }));
    const own = this.outbox.own.filter(({ sig }) => sig !== undefined);
    return own.length + this.outbox.others.length - this.#elsewhere.size;
  }

  /** A message is in the log. Returns what waited here for that, up to its n. */
  accept({ dev, n }: MessageId): Message[] {
    // Only what is given back has to know what it follows.
    if (this.isMending || this.outbox.others.length > 0) raise(this.#inLog, dev, n);
    // Which room the words of others are for is known when the log is read again.
    const isMine = dev === this.#options.dev;
    return this.outbox.accept({ dev, n }, (other) => !isMine && (this.isMending || this.#elsewhere.has(idOf(other))));
  }

  /** The log had everything up to `n` of my device, whether it is still kept or not. */
  acceptLogged(n: number): void {
    const { dev, identity } = this.#options;
    this.#copy.see({ dev, n, key: identity.key });
    this.#copy.drop(this.outbox.accept({ dev, n }));
  }

  /** The log had this message of somebody else, which was given back, and keeps it no longer. */
  acceptHad(id: MessageId): void {
    // It does not count as seen: where it is still kept, it comes, and may never have been shown here.
    if (this.outbox.others.some((other) => idOf(other) === formatId(id))) this.#copy.drop(this.accept(id));
  }

  takeSigned({ ms }: Now): Message[] {
    if (this.isMending) return [];
    const isPatient = ms - this.#mendedAtMs >= mendPatienceMs;
    const unsent = this.outbox.takeUnsent((message) => this.#canFollow(message, isPatient));
    return unsent.map((message) => {
      const signed = message.sig ? message : this.#sign(message);
      return this.#isFirst(message, isPatient) ? { ...signed, first: true } : signed;
    });
  }

  /** What is to be sent to an original server now: it counts as accepted. */
  takePlain(): Message[] {
    const { dev, identity } = this.#options;
    const plain = this.outbox.remove(({ sig }) => sig === undefined);
    const newest = plain.at(-1)?.id;
    if (newest) this.#copy.see({ dev, n: newest.n, key: identity.key });
    this.#copy.drop(plain);
    return plain;
  }

  #sign(message: Message): Message {
    const { identity } = this.#options;
    return { ...message, key: identity.key, sig: identity.sign(signedText(this.#room, message)) };
  }

  /** What is somebody else's goes to its own room only, behind what lies before it, or when nobody else had that. [P28] */
  #canFollow(message: Message, isPatient: boolean): boolean {
    const { id } = message;
    if (!id || this.#elsewhere.has(idOf(message))) return false;
    const before = Math.max(this.#inLog.get(id.dev) ?? 0, this.#onWay.get(id.dev) ?? 0);
    if (id.n > before + 1 && !isPatient) return false;
    raise(this.#onWay, id.dev, id.n);
    return true;
  }

  /**
   * True for the lowest n of a device on this connection, if nothing below it is to come: all that this device wrote
   * below has been seen in a log; what others wrote below could have been given back meanwhile. [P26]
   */
  #isFirst({ id }: Message, isPatient: boolean): boolean {
    const dev = id?.dev ?? '';
    const isLowest = !this.#begun.has(dev);
    this.#begun.add(dev);
    return isLowest && (dev === this.#options.dev || isPatient);
  }

  #isForThisRoom(message: Message): boolean {
    const { key = '', sig } = message;
    return sig !== undefined && this.#options.crypto.verify(key, signedText(this.#room, message), sig);
  }
}

const raise = (highest: Map<string, number>, dev: string, n: number) =>
  highest.set(dev, Math.max(n, highest.get(dev) ?? 0));
