import type { Message, MessageId } from '../../protocol/frames.ts';
import { type Crypto, formatId, type Identity, signedText } from '../../protocol/signed.ts';
import { lateMs, mendPatienceMs } from '../limits.ts';
import { type Copy, canBeKept } from '../log/copy.ts';
import { idOf, Outbox } from '../log/outbox.ts';
import type { Now } from '../turn.ts';

export type CourierOptions = {
  dev: string;
  identity: Identity;
  crypto: Crypto;
  /** What stands with a text, so that nobody can guess it by its digest; another one each time. */
  salt: () => string;
  room?: string;
};

/**
 * Brings into the log what is not there yet: what was typed here, and, after the log has lost entries, what is known
 * of those. Everything stays in the outbox, and in the store, until the log is known to have it.
 */
export class Courier {
  readonly outbox: Outbox;
  /** The highest n that was given to a message of mine. */
  lastN: number;
  /** From a fork until the log is read again: before that nobody knows what it lacks. */
  isMending: boolean;
  readonly #options: CourierOptions;
  readonly #copy: Copy;
  #mendedAtMs = 0;
  /** What was taken from a log that is gone. */
  #lost = new Set<Message>();
  /** The room's key, which signatures cover; undefined until the room is met. */
  #room: string | undefined;
  /** Highest n of each device that is in this log, and that is on its way there over this connection. */
  readonly #inLog = new Map<string, number>();
  readonly #onWay = new Map<string, number>();
  /** Devices of which something was sent on this connection. */
  readonly #begun = new Set<string>();

  constructor(options: CourierOptions, copy: Copy, pending: readonly Message[]) {
    this.#options = options;
    this.#copy = copy;
    this.#room = options.room;
    this.outbox = new Outbox(options.dev, pending);
    this.isMending = this.outbox.others.length > 0;
    this.lastN = Math.max(copy.seen(options.dev), ...this.outbox.own.map(({ id }) => id?.n ?? 0));
  }

  write(words: Pick<Message, 'name' | 'text' | 'type'>, { wallMs }: Now): void {
    const { dev, salt } = this.#options;
    const id = { dev, n: ++this.lastN };
    const when = { lc: this.#copy.nextLc(), ts: Math.max(wallMs, 0), in: this.#copy.seen(dev) };
    const message: Message = { kind: 'message', ...words, id, ...when, salt: salt() };
    const written = this.#room === undefined ? message : this.#sign(message, this.#room);
    this.outbox.add(written);
    this.#copy.keep([written]);
  }

  /** A new connection to the room. What was typed before it was met is signed now, under the name that it has taken. */
  restart(room: string, name: string): void {
    this.#room = room;
    const sign = (message: Message) => (message.sig ? message : this.#sign({ ...message, name }, room));
    this.#copy.keep(this.outbox.change(sign));
    this.outbox.restart();
    this.#begun.clear();
    this.#onWay.clear();
  }

  /** The log is not the one these entries were read in. */
  fork(kept: readonly Message[]): void {
    this.isMending = true;
    this.#inLog.clear();
    const lost = kept.filter(canBeKept).map(({ seq: _, hash: __, ...message }) => message);
    const adopted = this.outbox.adopt(lost);
    this.#lost = new Set(adopted);
    this.#copy.keep(adopted);
  }

  /** The log is read again: what it does not hold can be given back. Returns how much that is. */
  mend({ ms }: Now): number {
    this.isMending = false;
    this.#mendedAtMs = ms;
    return this.outbox.own.filter((message) => this.#lost.has(message)).length + this.outbox.others.length;
  }

  /** A message is in the log. Returns what waited here for that, up to its n. */
  accept({ dev, n }: MessageId): Message[] {
    // Only what is given back has to know what it follows.
    if (this.isMending || this.outbox.others.length > 0) raise(this.#inLog, dev, n);
    return this.outbox.accept({ dev, n });
  }

  /** Own words come back without the signature that they went out with. */
  withOwnSignature(message: Message): Message {
    const { crypto, dev } = this.#options;
    const { sig, ...own } =
      (message.id?.dev === dev && this.outbox.own.find(({ id }) => id?.n === message.id?.n)) || {};
    const isSame = sig && signedText(crypto, '', own as Message) === signedText(crypto, '', message);
    return isSame ? { ...message, sig } : message;
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

  /** What is to be sent to the room now. */
  takeSigned({ ms, wallMs }: Now): Message[] {
    if (this.isMending) return [];
    const isPatient = ms - this.#mendedAtMs >= mendPatienceMs;
    const unsent = this.outbox.takeUnsent((message) => this.#canFollow(message, isPatient));
    return unsent.map((message) => {
      const said = late(message, wallMs);
      return this.#isFirst(message, isPatient) ? { ...said, first: true } : said;
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

  #sign(message: Message, room: string): Message {
    const { identity, crypto } = this.#options;
    return { ...message, key: identity.key, sig: identity.sign(signedText(crypto, room, message)) };
  }

  /** What is somebody else's goes behind what lies before it, or when nobody else had that. [P28] */
  #canFollow({ id }: Message, isPatient: boolean): boolean {
    if (!id) return false;
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
}

/** What was in a log has its time of acceptance; of what was not, only this clock knows how long ago it was typed. */
function late(message: Message, wallMs: number): Message {
  const ago = message.at === undefined ? wallMs - (message.ts ?? wallMs) : 0;
  return ago > lateMs ? { ...message, ago } : message;
}

const raise = (highest: Map<string, number>, dev: string, n: number) =>
  highest.set(dev, Math.max(n, highest.get(dev) ?? 0));
