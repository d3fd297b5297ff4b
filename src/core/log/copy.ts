import type { Erasure } from '../../protocol/erasure.ts';
import type { Lost, Message, MessageId } from '../../protocol/frames.ts';
import type { Row } from '../../protocol/rows.ts';
import { type Crypto, chainHash, digestOf, formatId, lostText } from '../../protocol/signed.ts';
import type { Now } from '../turn.ts';
import { type Log, whole } from './log.ts';
import { type Change, emptyHash, type Place, type Signature, type Signed } from './store.ts';
import { WriteBuffer } from './write-buffer.ts';

/** So many of the newest places are read at the start: to read all of a long copy would take seconds. */
const checkedAtStart = 5_500;
/** The copy is trimmed to `limit` places when it is this share longer. */
const slack = 0.1;

/**
 * A client's copy of the room's log. Reading runs ahead of what was shown, and that of what is on disk.
 *
 *   K2 `log`, `cursor` and `hash` always belong together; K3 an id counts as seen once, for ever;
 *   K1 what is kept was shown, and is the log without a gap.
 */
export class Copy {
  /** The log this is a copy of; '' before the first. */
  log: string;
  /** The last place that was read, and the chain up to there. */
  cursor: number;
  hash: string;
  signed: Signed | undefined;
  /** When the room took what was read last, by its clock. */
  atMs: number | undefined;
  readonly buffer: WriteBuffer;
  readonly #kept: Log;
  readonly #crypto: Crypto;
  readonly #limit: number;
  /** The highest counter of what was read in a log, which is that of all that it had. */
  logLc = 0;
  #lc: number;
  #unsigned: number;

  constructor(kept: Log, crypto: Crypto, limit: number, pending: readonly Message[]) {
    this.#kept = kept;
    this.#crypto = crypto;
    this.#limit = limit;
    this.log = kept.store.log;
    this.cursor = kept.head;
    this.hash = kept.store.headHash;
    this.signed = kept.store.signed;
    this.buffer = new WriteBuffer(kept.store, crypto);
    this.#lc = kept.store.lc;
    this.atMs = kept.read(kept.head, 1)[0]?.message?.at;
    const recent = kept.read(kept.head - checkedAtStart + 1, checkedAtStart);
    const entries = recent.flatMap(({ message }) => message ?? []);
    for (const { lc = 0 } of entries) this.logLc = Math.max(this.logLc, lc);
    for (const { lc = 0 } of [...entries, ...pending]) this.#lc = Math.max(this.#lc, lc);
    this.#unsigned = entries.find(({ sig }) => sig === undefined)?.seq ?? kept.head + 1;
  }

  get lost(): Place[] {
    return this.#isKept ? [...this.#kept.lost.values()] : [];
  }

  /** No place is lost here, on disk or on its way there. */
  get isWhole(): boolean {
    return this.lost.length === 0 && this.buffer.places.every(({ message }) => message);
  }

  /** A Lamport counter above everything seen and written here; at its end, which only malice reaches, it stays. [P18] */
  nextLc(): number {
    this.#lc = Math.min(this.#lc + 1, Number.MAX_SAFE_INTEGER);
    return this.#lc;
  }

  /** The highest counter that was heard or used here. */
  get heardLc(): number {
    return this.#lc;
  }

  /** What is said from now on is said after it. */
  hear({ lc = 0 }: Message): void {
    this.#lc = Math.max(this.#lc, lc);
  }

  has(text: string, ts: number | undefined): boolean {
    return this.#entries().some((message) => message.ts === ts && message.text === text);
  }

  /** The entry at `seq`, if it is here, on disk or on its way there, and what it was. */
  entryAt(seq: number, hash: string): Message | undefined {
    const kept = this.#isKept ? this.#kept.read(seq, 1) : [];
    return [...kept, ...this.buffer.places].find((place) => place.seq === seq && place.hash === hash)?.message;
  }

  /** The chain up to `seq`, if that was read and is known here. */
  hashAt(seq: number): string | undefined {
    const read = seq === this.cursor ? this : this.buffer.places.find((place) => place.seq === seq);
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
    const said = message && { message: this.buffer.erasedIn({ ...message, seq, hash }) };
    const atMs = message ? (message.at ?? 0) : wallMs;
    this.buffer.take({ seq, prev: this.hash, hash, atMs, ranMs: 0, ...said });
    this.cursor = seq;
    this.hash = hash;
    if (!said) return 'lost';
    this.atMs = said.message.at;
    this.logLc = Math.max(this.logLc, said.message.lc ?? 0);
    this.hear(said.message);
    return this.#isNew(said.message) ? said.message : undefined;
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

  /** What is on disk after this place, up to another one, but for what is lost. */
  keptAfter(seq: number, to = this.keptHead): Message[] {
    const from = Math.max(seq + 1, this.#kept.first);
    const places = from <= to ? this.#kept.read(from, to - from + 1) : [];
    return places.flatMap(({ message }) => message ?? []);
  }

  keptAt(seq: number): Message | undefined {
    return this.#isKept ? this.#kept.read(seq, 1).find((place) => place.seq === seq)?.message : undefined;
  }

  /** What there is of signatures from the oldest on: what has none by now is not looked for again before the next start. */
  addSignatures(signatures: readonly Signature[], from: number, to: number): void {
    // It may have moved back: a place between is whole again.
    if (this.#unsigned === from) this.#unsigned = to + 1;
    if (signatures.length > 0) this.buffer.draft.addSignatures(signatures);
  }

  /**
   * An entry for a place that is lost here, on disk or on its way there. Returns true if it is the one. The chain does not
   * cover its signature, so that is fetched like all others.
   */
  mend({ sig: _, ...message }: Message): boolean {
    const isThere = ({ seq }: Place) => seq === message.seq;
    const place = this.buffer.places.find(isThere) ?? this.lost.find(isThere);
    const entry = place && whole(place, this.buffer.erasedIn(message), this.#crypto);
    if (!entry) return false;
    this.buffer.mend(entry);
    this.#unsigned = Math.min(this.#unsigned, entry.seq);
    const { id } = message;
    if (id && this.isOfAuthor(message)) this.buffer.see(id);
    return true;
  }

  /** Goes on from another place or in another log. Returns the messages that were kept of the old one. */
  restart(log: string, seq: number, hash: string): Message[] {
    const old = [...this.#entries(), ...this.buffer.places.flatMap(({ message }) => message ?? [])];
    this.log = log;
    this.cursor = seq;
    this.hash = hash;
    this.atMs = undefined;
    this.#unsigned = seq + 1;
    this.buffer.restart(log, seq, hash);
    return old;
  }

  /** The newest place that was read tells it: these words go with that. Returns the place that loses them, if it is here. */
  erase(erasure: Erasure): number | undefined {
    const place = this.#placeOf(erasure.id);
    if (place?.message && digestOf(this.#crypto, place.message) !== erasure.words) return undefined;
    this.buffer.erase({ ...erasure, ...(place && { seq: place.seq }) });
    return place?.seq;
  }

  sign(signed: Signed): void {
    this.signed = signed;
    this.buffer.draft.sign(signed);
  }

  /** What is to be written now, if anything. It MUST be settled before anything else is done here. */
  takeChange(): Change | undefined {
    this.#trim();
    return this.buffer.takeChange();
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
    if (!this.isOfAuthor(message) || id.n <= this.buffer.seen(id.dev)) return false;
    this.buffer.see(id);
    return true;
  }

  #placeOf(id: MessageId): Place | undefined {
    const isIt = ({ message }: Place) => message?.id && formatId(message.id) === formatId(id);
    return this.buffer.places.find(isIt) ?? (this.#isKept ? this.#kept.find(id) : undefined);
  }

  #trim(): void {
    const from = this.buffer.shown - this.#limit + 1;
    const isLong = this.#isKept && this.buffer.shown - this.#kept.first + 1 > this.#limit * (1 + slack);
    // What is trimmed must be on disk: its chain is read there.
    const hash = isLong && from - 1 <= this.#kept.head ? this.#kept.hashAt(from - 1) : undefined;
    if (hash !== undefined) this.buffer.draft.trim(from, hash);
  }

  /** What is on disk is a part of this log, and not of one before it. */
  get #isKept(): boolean {
    return !this.buffer.draft.isRestart;
  }

  #entries(): Message[] {
    return this.#kept.read(this.#kept.first, this.#kept.head).flatMap(({ message }) => message ?? []);
  }
}

const isUnsigned = (message: Message | undefined): boolean => message !== undefined && message.sig === undefined;
