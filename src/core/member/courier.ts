import { type Erasure, withoutWords } from '../../protocol/erasure.ts';
import type { Message, MessageId } from '../../protocol/frames.ts';
import { type Crypto, digestOf, formatId, type Identity, signedHash, signedText } from '../../protocol/signed.ts';
import { lateMs, mendPatienceMs } from '../limits.ts';
import { type Copy, canBeKept } from '../log/copy.ts';
import { byCause, idOf, Outbox } from '../log/outbox.ts';
import type { Change } from '../log/store.ts';
import type { Now, Work } from '../turn.ts';
import { Giving } from './giving.ts';
import { GivingBack } from './giving-back.ts';
import { Left } from './left.ts';

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
  /** From a fork until the log is read again: before that nobody knows what it lacks. */
  isMending: boolean;
  readonly #options: CourierOptions;
  readonly #copy: Copy;
  readonly #others: GivingBack;
  /** What was taken from a log that is gone. */
  #lost = new Set<Message>();
  /** In the log by its number, but not read: its place may be lost here, and if the log is lost, too, these are the words. */
  #unread: Message[] = [];
  /** The room's key, which signatures cover; undefined until the room is met. */
  #room: string | undefined;
  /** Something of my own was sent on this connection. */
  #hasBegun = false;
  /** How far the room had my words, and until when another place may bring what it lacks. */
  #told = { n: 0, untilMs: 0 };

  constructor(options: CourierOptions, copy: Copy, pending: readonly Message[]) {
    this.#options = options;
    this.#copy = copy;
    this.#room = options.room;
    const { dev, former = [], given = 0, doubts = [] } = options;
    const isLeft = ({ id }: Message) => id !== undefined && former.includes(id.dev);
    this.dev = dev;
    this.left = new Left(pending.filter(isLeft).sort(byCause));
    this.#others = new GivingBack(options.chance);
    const waiting = pending.filter((message) => !isLeft(message));
    this.outbox = new Outbox(
      dev,
      waiting,
      doubts.map((message) => copy.erasedIn(message)),
    );
    this.isMending = this.outbox.others.length > 0;
    this.giving = new Giving(options);
    this.lastN = Math.max(copy.seen(dev), given, ...waiting.map(({ id }) => (id?.dev === dev ? id.n : 0)));
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

  /** A change is on disk: with the last lost place there is nothing more to hold words for. */
  settle(change: Change): void {
    this.giving.settle(change);
    if (this.#unread.length > 0 && this.#copy.isWhole) this.#copy.drop(this.#unread.splice(0));
  }

  /** What goes out next counts as given before it does. [P16] */
  promise(): void {
    const { next } = this.outbox;
    if (!this.left.isAwaited && next > this.giving.given) this.#useDevice(next);
  }

  /** What was typed in this run and given to nobody is not wanted any more. */
  dropUngiven(): void {
    const dropped = this.outbox.remove(this.giving.isNew);
    this.giving.dropped += dropped.length;
    this.#copy.forget(dropped);
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
    const isLost = (message: Message) => this.#lost.has(message);
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
    const mark = this.#copy.mark(this.dev);
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
    this.#copy.forget(left);
    this.#useDevice();
  }

  #useDevice(given = this.giving.given): void {
    this.#copy.use({ dev: this.dev, former: this.left.devices, given, piped: this.giving.piped });
  }

  /** The same words under the same number: one of two copies may have signed them under another name. */
  #isSame(message: Message, entry: Message): boolean {
    const { crypto } = this.#options;
    return idOf(message) === idOf(entry) && digestOf(crypto, message) === digestOf(crypto, entry);
  }

  write(words: Pick<Message, 'name' | 'text' | 'type' | 're'>, { wallMs }: Pick<Now, 'wallMs'>): void {
    const id = { dev: this.dev, n: ++this.lastN };
    const when = { lc: this.#copy.nextLc(), ts: Math.max(wallMs, 0), in: this.#copy.seen(this.dev) };
    const message: Message = { kind: 'message', ...words, id, ...when, salt: this.#options.salt() };
    const written = this.#room === undefined ? message : this.#sign(message, this.#room);
    this.outbox.add(written);
    this.#copy.keep([written]);
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
    this.#copy.forget([message]);
    this.lastN--;
    return message;
  }

  /**
   * A new connection to the room, which has the words of this device up to `n`. What was typed before it was met is signed
   * now, under the name that it has taken.
   */
  restart(room: string, name: string, n: number, { ms }: Now): void {
    this.#room = room;
    this.#told = { n, untilMs: ms + mendPatienceMs };
    const sign = (message: Message) => (message.sig ? message : this.#sign({ ...message, name }, room));
    this.#copy.keep(this.outbox.change(sign));
    this.outbox.restart();
    this.left.hold();
    this.#hasBegun = false;
    this.#others.restart();
  }

  /** The log is not the one these entries were read in. */
  fork(kept: readonly Message[]): void {
    this.isMending = true;
    this.#others.fork();
    const lost = [...kept, ...this.#unread.splice(0)]
      .filter((message) => canBeKept(message) && this.#copy.isOfAuthor(message))
      .map(({ seq: _, hash: __, ...message }) => this.#copy.erasedIn(message));
    const adopted = this.outbox.adopt(lost);
    this.#lost = new Set(adopted);
    this.#copy.keep(adopted);
  }

  /** The log is read again: what it does not hold can be given back. Returns how much that is. */
  mend({ ms }: Now): number {
    this.isMending = false;
    this.#others.begin(this.outbox.others.length, ms);
    return this.outbox.own.filter((message) => this.#lost.has(message)).length + this.outbox.others.length;
  }

  /** What others wrote is being given back. */
  get work(): Work | undefined {
    return this.#others.work(this.outbox.others.length);
  }

  /** A message of mine is in the log. What it said is known here, unless it is void. */
  see(entry: Message, mine: Message | undefined): void {
    const said = mine ?? (entry.void ? undefined : entry);
    if (said?.id && this.#room)
      this.#copy.see({ ...said.id, hash: signedHash(this.#options.crypto, this.#room, said) });
  }

  /** A message is in the log. Returns what waited here for that, up to its n. */
  accept(id: MessageId): Message[] {
    this.#others.accept(id, this.isMending || this.outbox.others.length + this.outbox.older.length > 0);
    const accepted = this.outbox.accept(id);
    if (accepted.length < 2 && this.#unread.length === 0) return accepted;
    return this.#setAside(accepted, (message) => idOf(message) === formatId(id));
  }

  /** Of what has arrived, what was not read is held as long as a place is lost here. Returns the rest. */
  #setAside(accepted: readonly Message[], isRead: (message: Message) => boolean): Message[] {
    const arrived = [...this.#unread, ...accepted];
    this.#unread = this.#copy.isWhole ? [] : arrived.filter((message) => canBeKept(message) && !isRead(message));
    return arrived.filter((message) => !this.#unread.includes(message));
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
    this.#copy.keep(this.outbox.change(change).filter((message) => !this.outbox.isOlder(message)));
    const unread = this.#unread.map(change);
    this.#copy.keep(unread.filter((message) => !this.#unread.includes(message)));
    this.#unread = unread;
    // What was erased was said.
    this.#letGo(this.left.take((message) => change(message) !== message));
  }

  /** The log had everything up to this of its device, whether it is still kept or not. What is kept of it was read. */
  acceptLogged({ dev, n }: MessageId, hash?: string): void {
    if (this.#waitsFor(dev)) this.#copy.see({ dev, n, ...(hash && { hash }) });
    this.#copy.drop(this.#setAside(this.accept({ dev, n }), () => false));
  }

  #waitsFor(dev: string): boolean {
    return dev === this.dev || [...this.outbox.others, ...this.outbox.older].some(({ id }) => id?.dev === dev);
  }

  /** The room lacks what lies before this, and takes nothing more of others' until the next proof. [P35] */
  meetHole(id: MessageId, { ms }: Now): void {
    this.#others.meetHole(id, ms);
    this.outbox.recall();
    // Its own device may skip what is lost: it stays in doubt until that one runs.
    const { older } = this.outbox;
    if (older.length > 0) this.outbox.remove((message) => message.id?.dev === id.dev && older.includes(message));
  }

  /** After a hole everything of other devices is given again, as long as there is something. */
  mayTryAgain({ ms }: Now): boolean {
    const { others, older } = this.outbox;
    return this.#others.mayTryAgain(ms) && others.length + older.length > 0;
  }

  /** What is to be sent to the room now: own words, and, after a pause, those of others. */
  takeSigned(now: Now): Message[] {
    if (this.isMending || this.left.isAwaited) return [];
    this.#others.pause(now.ms);
    const isHeld = now.ms < this.#told.untilMs && this.#isElsewhere;
    const unsent = this.outbox.takeUnsent((message) => this.#mayGo(message, now, isHeld));
    // Everything that this device wrote below it has been seen in a log. [P17]
    const first = this.#hasBegun ? undefined : unsent.find(({ id }) => id?.dev === this.dev);
    this.#hasBegun ||= first !== undefined;
    return unsent.map((message) => ({
      ...late(message, now.wallMs),
      ...(message === first && { first: true as const }),
    }));
  }

  /** What lies before my next words was settled by another place, and the room has lost it since: that place may have kept it. */
  get #isElsewhere(): boolean {
    const { lowest } = this.outbox;
    return lowest !== undefined && !this.#hasBegun && lowest > Math.max(this.#copy.seen(this.dev), this.#told.n) + 1;
  }

  /** What is to be sent to an original server now: it counts as accepted. */
  takePlain(): Message[] {
    if (this.left.isAwaited) return [];
    const plain = this.outbox.remove((message) => message.sig === undefined && !this.giving.isUngiven(message));
    const newest = plain.at(-1)?.id;
    if (newest) this.#copy.see(newest);
    this.#copy.drop(plain);
    return plain;
  }

  #sign(message: Message, room: string): Message {
    const { identity, crypto } = this.#options;
    return { ...message, key: identity.key, sig: identity.sign(signedText(crypto, room, message)) };
  }

  #mayGo(message: Message, now: Now, isOwnHeld: boolean): boolean {
    if (message.id?.dev === this.dev) return !isOwnHeld;
    // What is in doubt follows what its own place has had in the log: but for one that was lost it need not wait.
    if (this.outbox.isOlder(message) && !this.#others.isNeeded) return !this.#others.isHeld;
    return this.#others.mayGo(message, now.ms);
  }
}

/** What was in a log has its time of acceptance; of what was not, only this clock knows how long ago it was typed. */
function late(message: Message, wallMs: number): Message {
  const ago = message.at === undefined ? wallMs - (message.ts ?? wallMs) : 0;
  return ago > lateMs ? { ...message, ago } : message;
}

const wordsOf = ({ text, type, re }: Message) => ({ text, ...(type && { type }), ...(re && { re }) });
