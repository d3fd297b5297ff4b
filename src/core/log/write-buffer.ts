import { type Erasure, withoutWords } from '../../protocol/erasure.ts';
import type { Message, MessageId } from '../../protocol/frames.ts';
import { type Crypto, formatId } from '../../protocol/signed.ts';
import { Draft } from './draft.ts';
import type { Change, Device, Entry, Erased, Mark, Place, Store } from './store.ts';

type Enrolled = Pick<Change, 'members' | 'addresses' | 'forgotten' | 'roster'>;
/** A place that was read: it is kept, with what it brings, as soon as everything up to `shows` has been shown. */
type Taken = { place: Place | undefined; shows: number; dropped: MessageId[]; marks: Mark[]; erased: Erased[] };

/**
 * What a client has read of a log and not written yet: what was not shown waits, in its order; what was shown is in the draft
 * of the next write. What comes with a place is written with it, and not before.
 */
export class WriteBuffer {
  draft: Draft;
  /** The last place up to which all was shown. */
  shown: number;
  readonly #store: Store;
  readonly #crypto: Crypto;
  #taken: Taken[] = [];
  /** By device, and by id: the newest mark, and what is erased, by what is read and not on disk yet. */
  readonly #marks = new Map<string, Mark>();
  readonly #erased = new Map<string, Erasure>();

  constructor(store: Store, crypto: Crypto) {
    this.#store = store;
    this.#crypto = crypto;
    this.draft = new Draft(store);
    this.shown = store.head;
  }

  /** Read and not shown yet. */
  get behind(): number {
    return this.#taken.length;
  }

  get places(): Place[] {
    return [...this.draft.places, ...this.#taken.flatMap(({ place }) => place ?? [])];
  }

  take(place: Place): void {
    this.#taken.push({ place, shows: Number.POSITIVE_INFINITY, dropped: [], marks: [], erased: [] });
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
    this.#marks.clear();
    this.#erased.clear();
  }

  #keep({ place, dropped, marks, erased }: Taken): void {
    if (place) this.draft.append(place);
    if (place) this.shown = place.seq;
    for (const mark of marks) this.draft.see(mark);
    for (const erasure of erased) this.draft.erase(erasure);
    this.draft.drop(dropped);
  }

  /** Puts the entry where its place was read without it. */
  mend(entry: Entry): void {
    const taken = this.#taken.find(({ place }) => place?.seq === entry.seq);
    if (taken) taken.place = entry;
    else this.draft.mend(entry);
  }

  /** What was read and not shown is shown all the same, but is no part of this log. */
  restart(log: string, seq: number, hash: string): void {
    for (const taken of this.#taken) taken.place = undefined;
    this.shown = seq;
    this.draft.restart(log, seq, hash);
  }

  /** Messages that must be kept until they are known to be in the log, whatever was said of them before. */
  keep(messages: readonly Message[]): void {
    const ids = new Set(messages.map(({ id }) => id && formatId(id)));
    for (const taken of this.#taken) taken.dropped = taken.dropped.filter((id) => !ids.has(formatId(id)));
    this.draft.keep(messages.map((message) => this.erasedIn(message)));
  }

  /** Messages that need no keeping any more, as soon as what was read up to now is kept. */
  drop(messages: readonly Message[]): void {
    const ids = messages.flatMap(({ id }) => id ?? []);
    const newest = this.#taken.at(-1);
    if (newest) newest.dropped.push(...ids);
    else this.draft.drop(ids);
  }

  /** Messages that need no keeping any more, together with whatever else is written now. */
  forget(messages: readonly Message[]): void {
    this.draft.drop(messages.flatMap(({ id }) => id ?? []));
  }

  /** These words go with the newest place that was read. */
  erase(erased: Erased): void {
    this.#erased.set(formatId(erased.id), erased);
    const newest = this.#taken.at(-1);
    if (newest) newest.erased.push(erased);
    else this.draft.erase(erased);
  }

  /** The message without its words, if they are erased. */
  erasedIn(message: Message): Message {
    const id = message.id ? formatId(message.id) : '';
    return withoutWords(this.#crypto, message, this.#erased.get(id) ?? this.draft.erasure(id));
  }

  seen(dev: string): number {
    return this.mark(dev)?.n ?? 0;
  }

  /** What was seen of this device last, and its hash. */
  mark(dev: string): Mark | undefined {
    return this.#marks.get(dev) ?? this.draft.mark(dev);
  }

  /** A log has had everything of this device up to `n`, whether it is still kept or not. */
  see(mark: Mark): void {
    const known = this.mark(mark.dev);
    const seen = known?.n ?? 0;
    if (mark.n < seen || (mark.n === seen && !(mark.hash && !known?.hash))) return;
    this.#marks.set(mark.dev, mark);
    const newest = this.#taken.at(-1);
    if (newest) newest.marks.push(mark);
    else this.draft.see(mark);
  }

  /** What is typed from now on is of this device. */
  use(device: Device): void {
    this.draft.device(device);
  }

  /** Who the members of the room are, as far as that has changed. */
  enroll({ members = [], addresses = [], forgotten = [], roster }: Enrolled): void {
    if (forgotten.length > 0) this.draft.forget(forgotten);
    for (const member of members) this.draft.enroll(member);
    for (const address of addresses) this.draft.reach(address);
    if (roster) this.draft.goOn(roster);
  }

  /** What is to be written now, if anything. It MUST be settled before anything else is done here. */
  takeChange(): Change | undefined {
    const { change } = this.draft;
    if (change) this.draft = new Draft(this.#store);
    return change;
  }
}
