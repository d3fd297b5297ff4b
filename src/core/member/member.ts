import { FormerWords } from '../../errors.ts';
import type { Entries, Frame, Message } from '../../protocol/frames.ts';
import type { ChatEvent } from '../events.ts';
import { defaultFlow, type Flow } from '../limits.ts';
import { Copy } from '../log/copy.ts';
import { abandoned } from '../log/doubt.ts';
import { Log } from '../log/log.ts';
import type { Change, Store } from '../log/store.ts';
import { droppedEvent, markMention, takenBackEvent, tooManyWaiting } from '../narrate.ts';
import { Peers } from '../peers/peers.ts';
import {
  type Conversation,
  type Effect,
  Effects,
  type Held,
  type Input,
  type Now,
  theLink,
  type Work,
} from '../turn.ts';
import { Absences } from './absences.ts';
import { Availability } from './availability.ts';
import { Company } from './company.ts';
import { Courier, type CourierOptions } from './courier.ts';
import { Heads } from './heads.ts';
import { Naming } from './naming.ts';
import { Roster } from './roster.ts';
import { Session } from './session.ts';

/** `room` is the room that is meant, by its key; undefined if it was never met. */
export type MemberOptions = CourierOptions & {
  name: string;
  /** What was typed for this room before it was known to be this one. */
  carried?: Message[];
  /** Whether something is kept of this room, in a folder of its own. */
  keeps?: (room: string) => boolean;
  /** The data folder is a copy of the one that `dev` belongs to. */
  isCopied?: boolean;
  /** A nonce nobody can foresee, another one each time. */
  nonce: () => string;
  /** Only find out whether a server answers: nothing is proven, nobody is told. */
  check?: boolean;
  /** Where others can reach this device when the server is away; absent: nobody is linked with. */
  hosts?: readonly string[];
  /** Where the store is, to name it in an error. */
  folder?: string;
  /** First join: how many of the newest entries to begin with. */
  history: number;
  /** Show what was written while this program did not run. */
  replay: boolean;
  /** Most messages of one replay that are shown. */
  maxReplay: number;
  maxKept: number;
  /** What has no place in the log yet is not shown. */
  finalOnly?: boolean;
  /** Words that count as my name does. */
  highlights?: readonly string[];
  flow?: Flow;
};

/** Who has the conversation: a session with a version-1 server, or a room of the original's. */
export interface Talk extends Pick<Conversation, 'online' | 'hasLeft' | 'isFull' | 'work' | 'held'> {
  /** What waits may go out now. */
  readonly isOpen: boolean;
  /** There is more to do, although nothing arrives. */
  readonly isBusy: boolean;
  /** When the server was heard last, in a session. */
  readonly heardAtMs?: number | undefined;
  /** Places of the log may come from those near. */
  readonly canRead?: boolean;
  readRelayed?(entries: Entries, now: Now): void;
  /** Takes an input. Returns who takes the next one. */
  take(input: Input, now: Now): Talk;
  /** Sends what waits, as far as it may be sent now. */
  upload(now: Now): void;
}

/** A client's side of a room, as it goes from room to room. What arrives goes to whoever has the conversation now. */
export class Member implements Conversation {
  options: MemberOptions;
  readonly flow: Flow;
  readonly naming: Naming;
  company!: Company;
  absences!: Absences;
  roster!: Roster;
  copy!: Copy;
  courier!: Courier;
  peers!: Peers;
  /** How many links were dialed, in all rooms. */
  dialed = 0;
  readonly heads = new Heads(this);
  readonly availability = new Availability(this);
  /** The room that is meant, by its key; undefined until one was met. */
  room: string | undefined;
  readonly effects = new Effects();
  #talk!: Talk;
  /** How many events with a place were given out, and how many of them were shown. */
  #shows = 0;
  #shown = 0;

  constructor(options: MemberOptions, store: Store) {
    this.options = options;
    this.flow = options.flow ?? defaultFlow;
    this.naming = new Naming(options.name);
    this.move(options, store);
  }

  /** Goes to another room, with what is kept of that. What waits for the room before stays there. */
  move(place: Pick<MemberOptions, 'dev'> & Partial<MemberOptions>, store: Store): void {
    const options = { ...this.options, ...unmoved, ...place };
    const { carried = [], doubts = [] } = options;
    const isTyped = (message: Message) => this.courier?.giving.isOfRun(message);
    this.peers?.close();
    this.options = options;
    this.room = options.room;
    this.availability.restart();
    this.company = new Company(options.identity.key);
    this.company.goBy(this.naming.name);
    this.absences = new Absences(this);
    this.roster = new Roster(this, store);
    const waiting = store.pending();
    const gone = abandoned(options, waiting);
    const pending = waiting.filter((message) => !gone.includes(message));
    const log = new Log(store, options.crypto);
    this.copy = new Copy(log, options.crypto, options.maxKept, [...pending, ...doubts]);
    // Some of what was read before may be damaged here.
    for (const { seq } of log.takeFound()) this.show({ type: 'lost', seq });
    const typed = carried.filter(isTyped);
    this.courier = new Courier(options, this.copy, pending);
    this.peers = new Peers(this, pending);
    this.#talk = new Session(this);
    // Whose identity was lost is somebody new, in the folder of who it was.
    if (options.isCopied || !options.crypto.isDeviceOf(options.identity.key, options.dev)) this.renew();
    this.copy.buffer.forget(gone);
    for (const event of droppedEvent(gone)) this.show(event);
    this.#begin(
      carried.filter((message) => !typed.includes(message)),
      typed,
    );
  }

  /** What was typed for this room elsewhere comes first; only what was typed in this run is a pipe's. */
  #begin(before: readonly Message[], typed: readonly Message[]): void {
    this.courier.carry(before, this.name);
    this.courier.begin();
    this.courier.carry(typed, this.name);
  }

  /** Goes on as another device, before anything more is sent with the one that somebody else has, too. */
  renew(): void {
    this.courier.renew();
    this.peers.renewed();
    this.show({ type: 'status', code: 'NEW_DEVICE', message: copiedFolder });
  }

  /** The log was read: what of the words that are left is not in it is for their person to decide. */
  askAboutLeft(): void {
    const { left } = this.courier;
    if (left.messages.length > 0 && left.isAwaited)
      this.effects.push({ type: 'fail', error: new FormerWords(left.messages.map(({ text }) => text)) });
    else left.isAwaited = false;
  }

  get name(): string {
    return this.naming.name;
  }

  get online(): boolean {
    return this.#talk.online;
  }

  get hasLeft(): boolean {
    return this.#talk.hasLeft;
  }

  get isFull(): boolean {
    return this.#talk.isFull;
  }

  get waiting(): Message[] {
    return this.courier.outbox.own.filter((message) => !this.peers.provisional.has(message));
  }

  /** Who of the others is linked with this member, by the roster. */
  get near(): readonly string[] {
    return this.peers.names;
  }

  /** Of these, those who are in the room. */
  get through(): readonly string[] {
    return this.peers.through;
  }

  get shared(): { count: number; copies: number } | undefined {
    return this.peers.provisional.shared;
  }

  /** The room is there, in a session. */
  get isLive(): boolean {
    return this.heardAtMs !== undefined;
  }

  get heardAtMs(): number | undefined {
    return this.#talk.heardAtMs;
  }

  get canRead(): boolean {
    return this.#talk.canRead === true;
  }

  readRelayed(entries: Entries, now: Now): void {
    this.#talk.readRelayed?.(entries, now);
  }

  get retractable(): Message | undefined {
    return this.courier.retractable;
  }

  get work(): Work | undefined {
    return this.#talk.work ?? this.courier.sender.work;
  }

  get held(): Held | undefined {
    return this.#talk.held;
  }

  get unsent(): number {
    return this.courier.outbox.unkept.length;
  }

  get unsettled(): { inDoubt: number; ungiven: number } {
    return this.courier.unsettled;
  }

  get others(): string[] {
    return this.company.others;
  }

  get present(): number {
    return this.company.present;
  }

  whyAway(name: string): string | undefined {
    return this.absences.why(name);
  }

  turn(inputs: Iterable<Input>, now: Now): Effect[] {
    for (const input of inputs) this.#take(input, now);
    this.peers.read(now);
    if (this.peers.isGiving) this.courier.promiseAll();
    else if (this.#talk.isOpen) this.courier.promise();
    // Nothing is sent before it is on disk, so that no number is ever used twice.
    if (!this.#keep()) {
      this.#talk.upload(now);
      this.peers.upload(now);
      this.#keep();
    }
    return this.effects.take();
  }

  nextTurnMs({ ms }: Pick<Now, 'ms'>): number | undefined {
    return this.#talk.isBusy ? 0 : this.peers.nextMs(ms);
  }

  #take(input: Input, now: Now): void {
    if (this.peers.take(input, now)) return;
    if (input.type === 'typed') this.#type(input, now);
    else if (input.type === 'stoodStill') this.availability.stoodStill(input.forMs, now);
    else if (input.type === 'takeBack') this.#takeBack();
    else if (input.type === 'left') this.courier.settleLeft(input.wish, this.name);
    else if (input.type === 'drop') this.courier.dropUngiven();
    else if (input.type === 'committed') this.#settle(input.change);
    else if (input.type === 'shown') {
      this.#shown = input.place;
      this.copy.buffer.release(input.place);
      this.peers.provisional.left(input.place);
    } else this.#talk = this.#talk.take(input, now);
  }

  #settle(change: Change): void {
    this.copy.settle(change);
    this.courier.settle(change);
    this.peers.settle(change);
  }

  /** Returns true if there is something to be kept now. */
  #keep(): boolean {
    const change = this.copy.takeChange();
    if (change) this.effects.push({ type: 'commit', change });
    return change !== undefined;
  }

  #type({ text, action, re }: Input & { type: 'typed' }, now: Now): void {
    if (this.courier.outbox.isFull) return this.show(tooManyWaiting);
    this.absences.comeBack();
    this.courier.write({ name: this.name, text, ...(action && { type: 'action' }), ...(re && { re }) }, now);
  }

  #takeBack(): void {
    const message = this.courier.takeBack();
    if (message) this.show(takenBackEvent(message));
  }

  send(frame: Frame): void {
    this.effects.send(theLink, frame);
  }

  /** Events of one place of the log count as shown together: `shown` tells when. */
  showPlace(events: readonly ChatEvent[]): void {
    const last = events.length - 1;
    for (const [i, event] of events.entries()) this.show(event, i === last ? ++this.#shows : undefined);
    this.copy.buffer.awaits(this.#shows);
    this.copy.buffer.release(this.#shown);
  }

  /** An event of a room that repeats nothing. */
  showOnce(event: ChatEvent): number {
    this.show(event, ++this.#shows);
    return this.#shows;
  }

  /** So many events with a place have not left the program. */
  get unshown(): number {
    return this.#shows - this.#shown;
  }

  show(event: ChatEvent, place?: number): void {
    this.company.hear(event);
    const { identity, highlights = [] } = this.options;
    const marked = markMention(event, [this.naming.name, ...highlights], identity.key);
    this.effects.push({ type: 'show', event: marked, ...(place !== undefined && { place }) });
    this.absences.hear(event);
  }
}

/** What of the room before says nothing of the next one. */
const unmoved = { former: [], isCopied: false, given: 0, piped: undefined, doubts: [], carried: [] };
const copiedFolder =
  'this data folder is a copy, or was restored from an older state; from here on it counts as another device of yours';
