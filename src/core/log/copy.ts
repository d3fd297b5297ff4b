import { type Erasure, withoutWords } from '../../protocol/erasure.ts';
import { isTooLong, type Lost, type Message, type MessageId } from '../../protocol/frames.ts';
import type { Row } from '../../protocol/rows.ts';
import { type Crypto, chainHash, digestOf, formatId, lostText, wrongSignature } from '../../protocol/signed.ts';
import type { Now } from '../turn.ts';
import { Draft } from './draft.ts';
import { type Log, whole } from './log.ts';
import {
  type Change,
  type Device,
  type Erased,
  emptyHash,
  type Mark,
  type Place,
  type Signature,
  type Signed,
} from './store.ts';

/** So many of the newest places are read at the start: to read all of a long copy would take seconds. */
const checkedAtStart = 5_500;
/** The copy is trimmed to `limit` places when it is this share longer. */
const slack = 0.1;

type Enrolled = Pick<Change, 'members' | 'addresses' | 'forgotten' | 'roster'>;
/** A place that was read: it is kept, with what it brings, as soon as everything up to `shows` has been shown. */
type Taken = { place: Place | undefined; shows: number; dropped: MessageId[]; marks: Mark[]; erased: Erased[] };

/**
 * A client's copy of the room's log. Reading runs ahead of what was shown, and that of what is on disk.
 *
 *   K2 `log`, `cursor` and `hash` always belong together; K3 an id counts as seen once, for ever;
 *   K1 what is kept was shown, and is the log without a gap.
 */
export class Copy {
  /** The log this is a copy of; '' before the first. */
  log: string;
  /** The last place that was read, the chain up to there, and the last place up to which all was shown. */
  cursor: number;
  hash: string;
  shown: number;
  signed: Signed | undefined;
  /** When the room took what was read last, by its clock. */
  atMs: number | undefined;
  readonly #kept: Log;
  readonly #crypto: Crypto;
  readonly #limit: number;
  #lc: number;
  #unsigned: number;
  #taken: Taken[] = [];
  /** Highest n of those devices of which something is read and not on disk yet. */
  readonly #seen = new Map<string, number>();
  /** By id: what is erased by what is read and not on disk yet. */
  readonly #erased = new Map<string, Erasure>();
  #draft: Draft;

  constructor(kept: Log, crypto: Crypto, limit: number, pending: readonly Message[]) {
    this.#kept = kept;
    this.#crypto = crypto;
    this.#limit = limit;
    this.log = kept.store.log;
    this.cursor = kept.head;
    this.shown = kept.head;
    this.hash = kept.store.headHash;
    this.signed = kept.store.signed;
    this.#draft = new Draft(kept.store);
    this.#lc = kept.store.lc;
    this.atMs = kept.read(kept.head, 1)[0]?.message?.at;
    const recent = kept.read(kept.head - checkedAtStart + 1, checkedAtStart);
    const entries = recent.flatMap(({ message }) => message ?? []);
    for (const { lc = 0 } of [...entries, ...pending]) this.#lc = Math.max(this.#lc, lc);
    this.#unsigned = entries.find(({ sig }) => sig === undefined)?.seq ?? kept.head + 1;
  }

  /** Read and not shown yet. */
  get behind(): number {
    return this.#taken.length;
  }

  get lost(): Place[] {
    return this.#isKept ? [...this.#kept.lost.values()] : [];
  }

  /** No place is lost here, on disk or on its way there. */
  get isWhole(): boolean {
    return this.lost.length === 0 && this.#unkept.every(({ message }) => message);
  }

  /** A Lamport counter above everything seen and written here; at its end, which only malice reaches, it stays. [P18] */
  nextLc(): number {
    this.#lc = Math.min(this.#lc + 1, Number.MAX_SAFE_INTEGER);
    return this.#lc;
  }

  seen(dev: string): number {
    return Math.max(this.#seen.get(dev) ?? 0, this.#draft.mark(dev)?.n ?? 0);
  }

  has(text: string, ts: number | undefined): boolean {
    return this.#entries().some((message) => message.ts === ts && message.text === text);
  }

  /** The entry at `seq`, if it is here, on disk or on its way there, and what it was. */
  entryAt(seq: number, hash: string): Message | undefined {
    const kept = this.#isKept ? this.#kept.read(seq, 1) : [];
    return [...kept, ...this.#unkept].find((place) => place.seq === seq && place.hash === hash)?.message;
  }

  /** The chain up to `seq`, if that was read and is known here. */
  hashAt(seq: number): string | undefined {
    const read = seq === this.cursor ? this : this.#unkept.find((place) => place.seq === seq);
    const hash = read?.hash ?? (this.#isKept ? this.#kept.hashAt(seq) : undefined);
    return hash === emptyHash && seq > 0 ? undefined : hash;
  }

  /** The chain after each of these, if they were read next; undefined if one is lost without the word of the room. [P28] */
  hashesOf(rows: readonly Row[], room: string): string[] | undefined {
    const hashes: string[] = [];
    for (const row of rows) {
      const prev = hashes.at(-1) ?? this.hash;
      if (row.kind === 'lost' && !this.#isLost(row, prev, room)) return undefined;
      hashes.push(row.kind === 'lost' ? (row.hash ?? emptyHash) : chainHash(this.#crypto, prev, row));
    }
    return hashes;
  }

  /** It goes on from the chain here, or from where the room does not know it any more. */
  #isLost({ seq, hash = emptyHash, sig = '' }: Lost, prev: string, room: string): boolean {
    const says = (prev: string) => this.#crypto.verify(room, lostText(room, this.log, { seq, prev, hash }), sig);
    return says(prev) || (prev !== emptyHash && says(emptyHash));
  }

  /** Reads the next place: `hash` is the chain after it. Returns the message if no log had it before. */
  take(seq: number, hash: string, message: Message | undefined, { wallMs }: Now): Message | 'lost' | undefined {
    const said = message && { message: this.erasedIn({ ...message, seq, hash }) };
    const atMs = message ? (message.at ?? 0) : wallMs;
    this.#taken.push({
      place: { seq, prev: this.hash, hash, atMs, ranMs: 0, ...said },
      shows: Number.POSITIVE_INFINITY,
      dropped: [],
      marks: [],
      erased: [],
    });
    this.cursor = seq;
    this.hash = hash;
    if (!said) return 'lost';
    this.atMs = said.message.at;
    this.#lc = Math.max(this.#lc, said.message.lc ?? 0);
    return this.#isNew(said.message) ? said.message : undefined;
  }

  /** The newest place that was read counts as shown when everything up to `shows` is. */
  awaits(shows: number): void {
    const taken = this.#taken.at(-1);
    if (taken) taken.shows = shows;
  }

  /** Everything up to this was shown. */
  release(shown: number): void {
    while ((this.#taken[0]?.shows ?? Number.POSITIVE_INFINITY) <= shown) this.#keep(this.#taken.shift() as Taken);
    if (this.#taken.length > 0) return;
    this.#seen.clear();
    this.#erased.clear();
  }

  /** The oldest place on disk whose signature is to be fetched, and the newest place there. */
  get oldestUnsigned(): number {
    this.#unsigned = Math.max(this.#unsigned, this.#isKept ? this.#kept.first : 0);
    while (this.#unsigned <= this.keptHead && !isUnsigned(this.keptAt(this.#unsigned))) this.#unsigned++;
    return this.#unsigned;
  }

  get keptHead(): number {
    return this.#isKept ? this.#kept.head : 0;
  }

  keptAt(seq: number): Message | undefined {
    return this.#isKept ? this.#kept.read(seq, 1).find((place) => place.seq === seq)?.message : undefined;
  }

  /** What there is of signatures from the oldest on: what has none by now is not looked for again before the next start. */
  addSignatures(signatures: readonly Signature[], from: number, to: number): void {
    // It may have moved back: a place between is whole again.
    if (this.#unsigned === from) this.#unsigned = to + 1;
    if (signatures.length > 0) this.#draft.addSignatures(signatures);
  }

  /**
   * An entry for a place that is lost here, on disk or on its way there. Returns true if it is the one. The chain does not
   * cover its signature, so that is fetched like all others.
   */
  mend({ sig: _, ...message }: Message): boolean {
    const isThere = ({ seq }: Place) => seq === message.seq;
    const taken = this.#taken.find(({ place }) => place && isThere(place));
    const place = taken?.place ?? this.#draft.places.find(isThere) ?? this.lost.find(isThere);
    const entry = place && whole(place, this.erasedIn(message), this.#crypto);
    if (!entry) return false;
    if (taken) taken.place = entry;
    else this.#draft.mend(entry);
    this.#unsigned = Math.min(this.#unsigned, entry.seq);
    const { id } = message;
    if (id && this.isOfAuthor(message)) this.see(id);
    return true;
  }

  /** Goes on from another place or in another log. Returns the messages that were kept of the old one. */
  restart(log: string, seq: number, hash: string): Message[] {
    const old = [...this.#entries(), ...this.#unkept.flatMap(({ message }) => message ?? [])];
    // What was read and not shown is shown all the same, but is no part of this log.
    for (const taken of this.#taken) taken.place = undefined;
    this.log = log;
    this.cursor = seq;
    this.shown = seq;
    this.hash = hash;
    this.atMs = undefined;
    this.#unsigned = seq + 1;
    this.#draft.restart(log, seq, hash);
    return old;
  }

  /** Messages that must be kept until they are known to be in the log, whatever was said of them before. */
  keep(messages: readonly Message[]): void {
    const ids = new Set(messages.map(({ id }) => id && formatId(id)));
    for (const taken of this.#taken) taken.dropped = taken.dropped.filter((id) => !ids.has(formatId(id)));
    this.#draft.keep(messages.map((message) => this.erasedIn(message)));
  }

  /** The newest place that was read tells it: these words go with that. Returns the place that loses them, if it is here. */
  erase(erasure: Erasure): number | undefined {
    const place = this.#placeOf(erasure.id);
    if (place?.message && digestOf(this.#crypto, place.message) !== erasure.words) return undefined;
    this.#erased.set(formatId(erasure.id), erasure);
    const erased = { ...erasure, ...(place && { seq: place.seq }) };
    const newest = this.#taken.at(-1);
    if (newest) newest.erased.push(erased);
    else this.#draft.erase(erased);
    return place?.seq;
  }

  /** The message without its words, if they are erased. */
  erasedIn(message: Message): Message {
    const id = message.id ? formatId(message.id) : '';
    return withoutWords(this.#crypto, message, this.#erased.get(id) ?? this.#draft.erasure(id));
  }

  /** Messages that need no keeping any more, as soon as what was read up to now is kept. */
  drop(messages: readonly Message[]): void {
    const ids = messages.flatMap(({ id }) => id ?? []);
    const newest = this.#taken.at(-1);
    if (newest) newest.dropped.push(...ids);
    else this.#draft.drop(ids);
  }

  /** Messages that need no keeping any more, together with whatever else is written now. */
  forget(messages: readonly Message[]): void {
    this.#draft.drop(messages.flatMap(({ id }) => id ?? []));
  }

  /** What was seen of this device last, and its hash. */
  mark(dev: string): Mark | undefined {
    const isThis = (mark: Mark) => mark.dev === dev;
    const newest = this.#taken.findLast(({ marks }) => marks.some(isThis));
    return newest?.marks.findLast(isThis) ?? this.#draft.mark(dev);
  }

  /** What is typed from now on is of this device. */
  use(device: Device): void {
    this.#draft.device(device);
  }

  /** A log has had everything of this device up to `n`, whether it is still kept or not. */
  see(mark: Mark): void {
    const seen = this.seen(mark.dev);
    if (mark.n < seen || (mark.n === seen && !(mark.hash && !this.mark(mark.dev)?.hash))) return;
    this.#seen.set(mark.dev, mark.n);
    const newest = this.#taken.at(-1);
    if (newest) newest.marks.push(mark);
    else this.#draft.see(mark);
  }

  /** Who the members of the room are, as far as that has changed. */
  enroll({ members = [], addresses = [], forgotten = [], roster }: Enrolled): void {
    if (forgotten.length > 0) this.#draft.forget(forgotten);
    for (const member of members) this.#draft.enroll(member);
    for (const address of addresses) this.#draft.reach(address);
    if (roster) this.#draft.goOn(roster);
  }

  sign(signed: Signed): void {
    this.signed = signed;
    this.#draft.sign(signed);
  }

  /** What is to be written now, if anything. It MUST be settled before anything else is done here. */
  takeChange(): Change | undefined {
    this.#trim();
    const { change } = this.#draft;
    if (change) this.#draft = new Draft(this.#kept.store);
    return change;
  }

  settle(change: Change): void {
    this.#kept.settle(change);
  }

  /** A message counts only if its device is its author's: nobody else can use up its numbers. [P3] */
  isOfAuthor({ id, key }: Message): boolean {
    return !id || key === undefined || this.#crypto.isDeviceOf(key, id.dev);
  }

  #isNew(message: Message): boolean {
    const { id } = message;
    if (!id) return true;
    if (!this.isOfAuthor(message) || id.n <= this.seen(id.dev)) return false;
    this.see(id);
    return true;
  }

  #placeOf(id: MessageId): Place | undefined {
    const isIt = ({ message }: Place) => message?.id && formatId(message.id) === formatId(id);
    return this.#unkept.find(isIt) ?? (this.#isKept ? this.#kept.find(id) : undefined);
  }

  #keep({ place, dropped, marks, erased }: Taken): void {
    if (place) this.#draft.append(place);
    if (place) this.shown = place.seq;
    for (const mark of marks) this.#draft.see(mark);
    for (const erasure of erased) this.#draft.erase(erasure);
    this.#draft.drop(dropped);
  }

  #trim(): void {
    const from = this.shown - this.#limit + 1;
    const isLong = this.#isKept && this.shown - this.#kept.first + 1 > this.#limit * (1 + slack);
    // What is trimmed must be on disk: its chain is read there.
    const hash = isLong && from - 1 <= this.#kept.head ? this.#kept.hashAt(from - 1) : undefined;
    if (hash !== undefined) this.#draft.trim(from, hash);
  }

  /** What is on disk is a part of this log, and not of one before it. */
  get #isKept(): boolean {
    return !this.#draft.isRestart;
  }

  get #unkept(): Place[] {
    return [...this.#draft.places, ...this.#taken.flatMap(({ place }) => place ?? [])];
  }

  #entries(): Message[] {
    return this.#kept.read(this.#kept.first, this.#kept.head).flatMap(({ message }) => message ?? []);
  }
}

const isUnsigned = (message: Message | undefined): boolean => message !== undefined && message.sig === undefined;

/** Only what its author signed can be given back to a log that lost it. */
export const canBeKept = (message: Message): boolean => {
  const { id, key, text, void: isVoid } = message;
  const isWhole = id !== undefined && key !== undefined && !isVoid;
  return isWhole && isSigned(message) && !isTooLong(text);
};

/** Its signature is here, and is right. */
export const isSigned = ({ sig }: Message): boolean => sig !== undefined && sig !== wrongSignature;
