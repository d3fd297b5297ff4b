import { type Erasure, withoutWords } from '../../protocol/erasure.ts';
import type { Message, MessageId } from '../../protocol/frames.ts';
import { type Crypto, digestOf, formatId, type Identity, signedHash, signedText } from '../../protocol/signed.ts';
import type { Copy } from '../log/copy.ts';
import { byCause, idOf } from '../log/ordered.ts';
import { Outbox } from '../log/outbox.ts';
import type { Change, Pending } from '../log/store.ts';
import type { Now } from '../turn.ts';
import { Giving } from './giving.ts';
import { canBeKept } from './giving-back.ts';
import { Left } from './left.ts';
import { Sender } from './sender.ts';
import { Unread } from './unread.ts';

export type CourierOptions = {
  /** Names the data folder this runs in: message ids count within it. */
  dev: string;
  /** Devices of this folder from before it was copied: their words wait here to be asked about. */
  former?: string[];
  /** How far this device had given its words away, and what of them was a pipe's. */
  given?: number;
  piped?: number | undefined;
  /** What this person's other devices have left in doubt: given to the room, which has not said that it has it. */
  doubts?: Message[];
  /** Nobody sits here who could be told later: what this run gives to nobody goes with it. */
  isPipe?: boolean;
  newDev: () => string;
  identity: Identity;
  crypto: Crypto;
  /** What stands with a text, so that nobody can guess it by its digest; another one each time. */
  salt: () => string;
  /** In [0, 1), by chance. */
  chance: () => number;
  room?: string;
};

/**
 * Brings into the log what is not there yet: what was typed here, and, after the log has lost entries, what is known
 * of those. Everything stays in the outbox, and in the store, until the log is known to have it.
 */
export class Courier {
  outbox: Outbox;
  dev: string;
  readonly left: Left;
  /** The highest n that a message of mine bears. */
  lastN: number;
  readonly giving: Giving;
  readonly sender: Sender;
  readonly #options: CourierOptions;
  readonly #copy: Copy;
  readonly #unread: Unread;
  /** The room's key, which signatures cover; undefined until the room is met. */
  #room: string | undefined;

  constructor(options: CourierOptions, copy: Copy, pending: readonly Message[]) {
    this.#options = options;
    this.#copy = copy;
    this.#room = options.room;
    const { dev, former = [], given = 0, doubts = [] } = options;
    const isLeft = ({ id }: Message) => id !== undefined && former.includes(id.dev);
    this.dev = dev;
    this.left = new Left(pending.filter(isLeft).sort(byCause));
    this.#unread = new Unread(copy);
    const waiting = pending.filter((message) => !isLeft(message));
    this.outbox = new Outbox(
      dev,
      waiting,
      doubts.map((message) => copy.buffer.erasedIn(message)),
    );
    this.sender = new Sender(this, copy, options.chance);
    this.giving = new Giving(options);
    this.lastN = Math.max(copy.buffer.seen(dev), given, ...waiting.map(({ id }) => (id?.dev === dev ? id.n : 0)));
  }

  /** What is typed from now on is of this run. */
  begin(): void {
    if (this.giving.begin(this.lastN)) this.#useDevice();
  }

  /** What was typed in this run, and the room is not known to have: given away all the same, or not. */
  get unsettled(): { inDoubt: number; ungiven: number } {
    const { giving, outbox } = this;
    const unkept = outbox.unkept.filter((message) => giving.isOfRun(message));
    const ungiven = unkept.filter(giving.isNew).length;
    return { inDoubt: unkept.length - ungiven + this.left.inDoubt, ungiven: ungiven + giving.dropped };
  }

  /** A change is on disk. */
  settle(change: Change): void {
    this.giving.settle(change);
    this.#unread.settle();
  }

  /** What goes out next counts as given before it does. [P16] */
  promise(): void {
    const { next } = this.outbox;
    if (!this.left.isAwaited && next > this.giving.given) this.#useDevice(next);
  }

  /** All that is typed is given to somebody near. */
  promiseAll(): void {
    if (!this.left.isAwaited && this.lastN > this.giving.given) this.#useDevice(this.lastN);
  }

  /** A member near has said this: it is kept until a log has it. */
  adoptNear(message: Message): void {
    this.#copy.hear(message);
    const unshown: Pending = { ...message, unshown: true };
    if (this.outbox.replace(unshown)) this.#copy.buffer.keep([unshown]);
  }

  /** What was typed in this run and given to nobody is not wanted any more. */
  dropUngiven(): void {
    const dropped = this.outbox.remove(this.giving.isNew);
    this.giving.dropped += dropped.length;
    this.#copy.buffer.forget(dropped);
  }

  /** What was typed for this room elsewhere is said here, unless it was kept here before. */
  carry(messages: readonly Message[], name: string): void {
    const isHere = ({ text, ts }: Message) =>
      this.#copy.has(text, ts) || this.outbox.own.some((own) => own.ts === ts && own.text === text);
    this.#writeAnew(
      messages.filter((message) => !isHere(message)),
      name,
    );
  }

  /** Goes on as another device: with this one somebody else counts, too. What a log had of it is given back as ever. */
  renew(): void {
    const { giving, outbox } = this;
    const { older, others } = outbox;
    const { isLost } = this.sender;
    const left = outbox.own.filter((message) => !isLost(message) && !outbox.isOlder(message));
    this.left.add(left, (message) => giving.isOfRun(message));
    this.dev = this.#options.newDev();
    this.outbox = new Outbox(this.dev, [...others, ...outbox.own.filter(isLost)], older);
    this.lastN = 0;
    giving.renew(this.dev);
    this.#useDevice();
  }

  /** The same words, as the device of now. */
  #writeAnew(messages: readonly Message[], name: string): void {
    for (const message of messages) this.write({ ...wordsOf(message), name }, { wallMs: message.ts ?? 0 });
  }

  /** True if somebody else counts with my device: with an n that was never used here, or other words under one that was. [P23] */
  isShared(room: string, n: number, hash: string | undefined): boolean {
    if (n > this.lastN) return true;
    const mark = this.#copy.buffer.mark(this.dev);
    const waiting = this.outbox.find({ dev: this.dev, n });
    // What is not signed has gone to nobody from here.
    if (waiting && !waiting.sig) return true;
    const mine = waiting ? signedHash(this.#options.crypto, room, waiting) : mark?.n === n ? mark.hash : undefined;
    return mine !== undefined && hash !== undefined && mine !== hash;
  }

  /** The words that are left go out anew, or are not wanted any more. */
  settleLeft(wish: 'resend' | 'discard' | 'keep', name: string): void {
    const left = this.left.decide(wish);
    if (wish === 'resend') this.#writeAnew(left, name);
    this.#letGo(left);
  }

  /** What is in the log by its hash has arrived, whoever sent it. */
  findLeft(entry: Message): void {
    this.#letGo(this.left.take((message) => this.#isSame(message, entry)));
  }

  #letGo(left: readonly Message[]): void {
    if (left.length === 0) return;
    this.#copy.buffer.forget(left);
    this.#useDevice();
  }

  #useDevice(given = this.giving.given): void {
    this.#copy.buffer.use({ dev: this.dev, former: this.left.devices, given, piped: this.giving.piped });
  }

  /** The same words under the same number: one of two copies may have signed them under another name. */
  #isSame(message: Message, entry: Message): boolean {
    const { crypto } = this.#options;
    return idOf(message) === idOf(entry) && digestOf(crypto, message) === digestOf(crypto, entry);
  }

  write(words: Pick<Message, 'name' | 'text' | 'type' | 're'>, { wallMs }: Pick<Now, 'wallMs'>): void {
    const id = { dev: this.dev, n: ++this.lastN };
    const when = { lc: this.#copy.nextLc(), ts: Math.max(wallMs, 0), in: this.#copy.buffer.seen(this.dev) };
    const message: Message = { kind: 'message', ...words, id, ...when, salt: this.#options.salt() };
    const written = this.#room === undefined ? message : this.#sign(message, this.#room);
    this.outbox.add(written);
    this.#copy.buffer.keep([written]);
  }

  /** What was typed last, if it was given to nobody: it may still be unsaid. */
  get retractable(): Message | undefined {
    const newest = this.outbox.own.at(-1);
    return newest?.id?.n === this.lastN && this.giving.isUngiven(newest) ? newest : undefined;
  }

  /** Unsays it: its number is free again, for nothing was typed behind it. */
  takeBack(): Message | undefined {
    const message = this.retractable;
    if (!message) return undefined;
    this.outbox.remove((waiting) => waiting === message);
    this.#copy.buffer.forget([message]);
    this.lastN--;
    return message;
  }

  /**
   * A new connection to the room, which has the words of this device up to `n`. What was typed before it was met is signed
   * now, under the name that it has taken.
   */
  restart(room: string, name: string, n: number, now: Now): void {
    this.#room = room;
    const sign = (message: Message) => (message.sig ? message : this.#sign({ ...message, name }, room));
    this.#copy.buffer.keep(this.outbox.change(sign));
    this.outbox.restart();
    this.left.hold();
    this.sender.restart(n, now);
  }

  /** The log is not the one these entries were read in. */
  fork(kept: readonly Message[]): void {
    const lost = [...kept, ...this.#unread.take()]
      .filter((message) => canBeKept(message) && this.#copy.isOfAuthor(message))
      .map(({ seq: _, hash: __, ...message }) => this.#copy.buffer.erasedIn(message));
    this.sender.fork(lost);
  }

  /** A message of mine is in the log. What it said is known here, unless it is void. */
  see(entry: Message, mine: Message | undefined): void {
    const said = mine ?? (entry.void ? undefined : entry);
    if (said?.id && this.#room)
      this.#copy.buffer.see({ ...said.id, hash: signedHash(this.#options.crypto, this.#room, said) });
  }

  /** A message is in the log. Returns what waited here for that, up to its n. */
  accept(id: MessageId): Message[] {
    this.sender.accept(id);
    const accepted = this.outbox.accept(id);
    if (accepted.length < 2 && this.#unread.isEmpty) return accepted;
    return this.#unread.setAside(accepted, (message) => idOf(message) === formatId(id));
  }

  /** What waits here comes back without the signature that it went out with, or was read with in a log that is gone. */
  withKnownSignature(message: Message): Message {
    const { crypto } = this.#options;
    const { sig, ...known } = (message.id && this.outbox.find(message.id)) || {};
    const isSame = sig && signedText(crypto, '', known as Message) === signedText(crypto, '', message);
    return isSame ? { ...message, sig } : message;
  }

  /** Nothing that waits here brings these words back. */
  erase(erasure: Erasure): void {
    const change = (message: Message) =>
      idOf(message) === formatId(erasure.id) ? withoutWords(this.#options.crypto, message, erasure) : message;
    // What another place has left in doubt is kept there.
    this.#copy.buffer.keep(this.outbox.change(change).filter((message) => !this.outbox.isOlder(message)));
    this.#unread.change(change);
    // What was erased was said.
    this.#letGo(this.left.take((message) => change(message) !== message));
  }

  /** The log had everything up to this of its device, whether it is still kept or not. What is kept of it was read. Returns what waited. */
  acceptLogged({ dev, n }: MessageId, hash?: string): Message[] {
    if (this.#waitsFor(dev)) this.#copy.buffer.see({ dev, n, ...(hash && { hash }) });
    const accepted = this.accept({ dev, n });
    this.#copy.buffer.drop(this.#unread.setAside(accepted, () => false));
    return accepted;
  }

  #waitsFor(dev: string): boolean {
    return dev === this.dev || this.outbox.waitsFor(dev);
  }

  /** What is to be sent to the room now. */
  takeSigned(now: Now): Message[] {
    return this.left.isAwaited ? [] : this.sender.take(now);
  }

  /** What is to be sent to an original server now: it counts as accepted. */
  takePlain(): Message[] {
    if (this.left.isAwaited) return [];
    const plain = this.outbox.remove((message) => message.sig === undefined && !this.giving.isUngiven(message));
    const newest = plain.at(-1)?.id;
    if (newest) this.#copy.buffer.see(newest);
    this.#copy.buffer.drop(plain);
    return plain;
  }

  #sign(message: Message, room: string): Message {
    const { identity, crypto } = this.#options;
    return { ...message, key: identity.key, sig: identity.sign(signedText(crypto, room, message)) };
  }
}

const wordsOf = ({ text, type, re }: Message) => ({ text, ...(type && { type }), ...(re && { re }) });
