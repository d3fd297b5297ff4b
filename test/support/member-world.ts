import type { ChatEvent } from '../../src/core/events.ts';
import { givingPauseMs, unsignedMs } from '../../src/core/limits.ts';
import type { Change } from '../../src/core/log/store.ts';
import type { MemberOptions } from '../../src/core/member/member.ts';
import { Member } from '../../src/core/member/member.ts';
import { type Effect, type Input, theLink } from '../../src/core/turn.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { decode } from '../../src/protocol/codec.ts';
import type {
  Challenge,
  Frame,
  Join,
  Lost,
  Message,
  Notice,
  Received,
  SignaturesFrame,
  Single,
  Welcome,
} from '../../src/protocol/frames.ts';
import type { Row } from '../../src/protocol/rows.ts';
import {
  chainHash,
  type Head,
  headProof,
  joinProof,
  lostText,
  signedText,
  welcomeProof,
} from '../../src/protocol/signed.ts';
import { fakeCrypto, fakeIdentity, fakeSalt, signature } from './fake-crypto.ts';

/** The log of a room as a server would send it: entries that are signed, each chained to the one before. */
export class Chain {
  /** What Ann has signed for the device `A`, by its number. */
  static readonly typed = new Map<number, Message>();
  readonly id: string;
  readonly base: number;
  readonly #room: string;
  readonly #entries = new Map<number, Message>();

  /** @param base the place after which it begins */
  constructor(id = 'log', base = 0, room = 'server') {
    this.id = id;
    this.base = base;
    this.#room = room;
  }

  hashAt(seq: number): string {
    if (seq <= this.base) return seq === 0 ? '' : `h${seq}`;
    return this.entry(seq).hash ?? '';
  }

  /** What stands at a place: said before, said now, or else words of Bo's. */
  entry(seq: number, more: Partial<Message> = {}): Message {
    const known = this.#entries.get(seq);
    if (known && Object.keys(more).length === 0) return known;
    for (const later of this.#entries.keys()) if (later >= seq) this.#entries.delete(later);
    const id = { dev: 'B', n: seq };
    const when = { lc: seq, ts: 5, in: 0, salt: fakeSalt };
    const words: Message = { kind: 'message', name: 'bo', text: `text ${seq}`, id, ...when, ...more };
    const key = words.key ?? `k${words.id?.dev}`;
    const sig = signature(key, signedText(fakeCrypto, this.#room, words));
    const signed = { ...words, key, sig, at: 7, ...more };
    const entry = { ...signed, seq, hash: chainHash(fakeCrypto, this.hashAt(seq - 1), signed) };
    this.#entries.set(seq, entry);
    return entry;
  }

  /** Words of Ann's: what she has typed and signed, if she has, or else others. */
  own(seq: number, n: number, more: Partial<Message> = {}): Message {
    const {
      seq: _,
      hash: __,
      ...written
    } = Chain.typed.get(n) ?? { name: 'ann', text: `own ${n}`, id: { dev: 'A', n } };
    const { sig: ___, ...words } = written as Message;
    return this.entry(seq, Object.keys(more).length > 0 ? { ...words, ...more } : written);
  }

  /** Entries one after the other, in one frame. */
  batch(from: number, to: number): Received {
    return { kind: 'batch', frames: Array.from({ length: to - from + 1 }, (_, i) => this.entry(from + i)) };
  }

  /** A question, or a place that the room says is lost. */
  lost(seq: number): Lost {
    return { kind: 'lost', seq, hash: this.hashAt(seq) };
  }
}

export const challenge: Challenge = { kind: 'challenge', nonce: 'n', room: 'server', log: 'log', cn: 'cn' };
export const refused = (text: string): Received => ({
  kind: 'refused',
  name: 'server',
  text,
  code: 'NAME_REFUSED',
  cn: 'cn',
});
export const plain = (name: string, text: string): Message => ({ kind: 'message', name, text });
export const notice = (more: Partial<Notice>): Notice => ({
  kind: 'notice',
  name: 'server',
  text: 'words',
  notice: 'info',
  ...more,
});
/** The first words of an original server. */
export const greeting = plain('server', 'You are now online. 3 online.');
export const connected: Input = { type: 'connected', from: theLink };
export const disconnected: Input = { type: 'disconnected', from: theLink };
export const frame = (received: Received): Input => ({ type: 'frame', from: theLink, frame: received });

/** The room's word that a place is lost; `before` is the chain before it, if that is in the same frame. */
type SignLost = (lost: Lost, before?: string) => string;
const unsignedLost = () => 'unsigned';

/** Messages and lost places beyond `cursor`, as the server sends them: those that follow each other in one frame. */
export function inRows(frames: readonly Received[], cursor: number, sign: SignLost = unsignedLost): Received[] {
  const all: Received[] = [];
  for (const one of frames) {
    const last = all.at(-1);
    const isRow = (one.kind === 'message' || one.kind === 'lost') && (one.seq ?? 0) > cursor;
    if (one.kind === 'batch') all.push({ kind: 'batch', frames: inRows(one.frames, cursor, sign) as Single[] });
    else if (!isRow) all.push(one);
    else if (last?.kind === 'entries' && last.from + last.rows.length === one.seq) {
      last.rows.push(asRow(one, sign, last.hash));
      last.hash = one.hash ?? '';
    } else all.push({ kind: 'entries', from: one.seq ?? 0, rows: [asRow(one, sign)], hash: one.hash ?? '' });
  }
  return all;
}

/** Without what does not travel with it. */
function asRow(one: Row, sign: SignLost, before?: string): Row {
  if (one.kind === 'lost') return { ...one, sig: one.sig ?? sign(one, before) };
  const { hash: _, first: __, ...rest } = unsigned(one);
  return rest;
}

/** An entry whose signature is not there yet. */
export const unsigned = ({ sig: _, ...entry }: Message): Message => entry;

/** Ann's first join. */
export const join = (more: Partial<Join> = {}): Join => ({
  kind: 'join',
  name: 'ann',
  version: 1,
  key: 'kA',
  dev: 'A',
  cn: 'cn',
  ...(more.log === undefined && { history: 0 }),
  ...more,
});
export const proofOf = (name: string, server = 'server'): string =>
  signature('kA', joinProof('n', server, { kind: 'join', name, key: 'kA', dev: 'A' }));

const wishes = { history: 0, replay: true, maxReplay: 1_000, maxKept: 5_000 };

/**
 * Ann's client, on device `A` with the key `kA`, without sockets, disk and terminal: tests say what arrives, and read what
 * the last step did. What is to be kept is on disk at once, and what is shown is out at once, unless that is held back.
 */
export class MemberWorld {
  store = new MemoryStore();
  member!: Member;
  /** The key of the room that she meets, and its log. */
  room = 'server';
  log = new Chain();
  nowMs = 1_000_000;
  /** The machine's clock is wrong by so much. */
  wrongMs = 0;
  slowDisk = false;
  commits: Change[] = [];
  isHeld = false;
  /** Places that the output has not taken. */
  #unshown: number[] = [];
  /** What the last step did. */
  sent: Frame[] = [];
  shown: ChatEvent[] = [];
  failed: string[] = [];
  /** The words of the last failure. */
  failure = '';
  hungUp = 0;
  /** How many turns it took. */
  turns = 0;
  #joined: Join | undefined;
  #devices = 1;
  #asked: SignaturesFrame | undefined;

  constructor(options: Partial<MemberOptions> = {}) {
    Chain.typed.clear();
    this.start(options);
  }

  /** The program starts, with what it kept before. */
  start(options: Partial<MemberOptions> = {}): void {
    const who = {
      name: 'ann',
      dev: 'A',
      identity: fakeIdentity('kA'),
      crypto: fakeCrypto,
      nonce: () => 'cn',
      salt: () => fakeSalt,
      newDev: () => `A${++this.#devices}`,
      chance: () => 0,
    };
    const { given, piped } = this.store;
    this.member = new Member({ ...who, given, piped, ...wishes, ...options }, this.store);
    this.commits = [];
    this.#unshown = [];
  }

  /** She goes to another room, of which this is kept. */
  move(place: { room: string; dev: string }, store: MemoryStore): void {
    this.store = store;
    this.room = place.room;
    this.member.move(place, store);
  }

  step(...inputs: Input[]): void {
    this.#clear();
    this.#turn(inputs);
    this.#settle();
  }

  receive(...frames: Received[]): void {
    this.step(...inRows(frames, this.member.copy.cursor, this.#signLost).map(frame));
  }

  #signLost = ({ seq, hash = '' }: Lost, prev = this.member.copy.hash): string =>
    signature(this.room, lostText(this.room, this.log.id, { seq, prev, hash }));

  type(...texts: string[]): void {
    this.step(...texts.map((text): Input => ({ type: 'typed', text })));
  }

  rename(name: string): void {
    this.step({ type: 'named', name });
  }

  tick(ms = 0): void {
    this.nowMs += ms;
    this.step({ type: 'tick' });
  }

  /** The oldest change that waits is on disk. */
  keepOne(): void {
    this.#clear();
    this.#keepOne();
    this.#settle();
  }

  /** The output takes what comes next. */
  print(places = this.#unshown.length): void {
    this.#clear();
    this.#print(places);
    this.#settle();
  }

  welcome(more: Partial<Welcome> = {}): Welcome {
    const since = more.since ?? Math.max(more.fork ? 0 : (this.#joined?.since ?? 0), this.log.base);
    const hash = this.log.hashAt(since);
    const welcome = {
      kind: 'welcome' as const,
      name: 'server',
      text: 'You are now online. 2 online.',
      log: this.log.id,
      since,
      head: since,
      run: 'run',
      online: 2,
      members: ['ann', 'bo'],
      ...(hash && { hash }),
      ...more,
    };
    return { sig: signature(this.room, welcomeProof('cn', this.room, welcome)), ...welcome };
  }

  /** A heartbeat with a head that the room has signed. */
  beat(seq: number, more: Partial<Head> = {}): Received {
    const head = { log: this.log.id, run: 'run', seq, hash: this.log.hashAt(seq), ...more };
    const headHash = head.hash && { headHash: head.hash };
    const sig = signature(this.room, headProof(this.room, head));
    return { kind: 'heartbeat', seq: 0, head: head.seq, ...headHash, sig };
  }

  /** The server asks who this is, is told, and opens the session. */
  open(more: Partial<Welcome> = {}): void {
    this.receive({ ...challenge, room: this.room });
    const asked = this.sent;
    this.receive(this.welcome(more));
    this.sent = [...asked.filter(({ kind }) => kind !== 'join'), ...this.sent];
  }

  goOnline(more: Partial<Welcome> = {}): void {
    this.step(connected);
    this.open(more);
  }

  goLegacy(): void {
    this.step(connected);
    this.receive(greeting);
  }

  /** The connection breaks, and there is another, to a server that welcomes her. */
  comeBack(more: Partial<Welcome> = {}): void {
    this.step(disconnected);
    this.goOnline(more);
  }

  /** What she keeps is asked for its signatures, and they come: those of the log, or what is said. */
  fetchSignatures(said: { [seq: number]: string } = {}): void {
    for (;;) {
      if (!this.#asked) this.tick(unsignedMs);
      const asked = this.#asked;
      if (!asked) return;
      this.#asked = undefined;
      const sigs = Array.from({ length: this.store.head - asked.seq + 1 }, (_, i) => {
        const seq = asked.seq + i;
        return said[seq] ?? this.log.entry(seq).sig ?? '';
      });
      this.receive({ ...asked, sigs });
    }
  }

  /** The server's log is another one, or this one as it was before. What she kept has its signatures by then. */
  meet(log: Chain, more: Partial<Welcome> = {}): void {
    this.fetchSignatures();
    this.step(disconnected);
    this.log = log;
    this.goOnline({ fork: true, ...more });
    this.pause();
  }

  /** What others wrote is given back only now. */
  pause(): void {
    const { sent, shown } = this;
    this.nowMs += givingPauseMs.shortest;
    this.receive({ kind: 'unknown' });
    [this.sent, this.shown] = [
      [...sent, ...this.sent],
      [...shown, ...this.shown],
    ];
  }

  /** A join from a cursor, with the hash there. */
  joinAt(since: number, more: Partial<Join> = {}): Join {
    const hash = this.log.hashAt(since);
    return join({ log: this.log.id, since, ...(hash && { hash }), ...more });
  }

  get did(): object {
    return { sent: this.sent, shown: this.shown, failed: this.failed, hungUp: this.hungUp };
  }

  get texts(): string[] {
    return this.shown.map((event) => (event.type === 'message' ? event.text : event.type));
  }

  /** What was sent: messages by device and number, the rest by kind. */
  get sentIds(): string[] {
    return this.sent.map((sent) => (sent.kind === 'message' ? `${sent.id?.dev}${sent.id?.n}` : sent.kind));
  }

  get waiting(): string[] {
    return this.member.waiting.map(({ text }) => text);
  }

  #clear(): void {
    [this.sent, this.shown, this.failed, this.hungUp, this.turns] = [[], [], [], 0, 0];
  }

  #turn(inputs: Input[]): void {
    this.turns++;
    const now = { ms: this.nowMs, wallMs: this.nowMs + this.wrongMs };
    for (const effect of this.member.turn(inputs, now)) this.#sort(effect);
  }

  #sort(effect: Effect): void {
    if (effect.type === 'send') this.#send(decode(Buffer.from(effect.data)) as Frame);
    else if (effect.type === 'commit') this.#note(effect.change);
    else if (effect.type === 'hangUp') this.hungUp++;
    else if (effect.type === 'fail') [this.failed, this.failure] = [[effect.error.code], effect.error.message];
    else if (effect.type === 'show') {
      this.shown.push(effect.event);
      if (effect.place !== undefined) this.#unshown.push(effect.place);
    }
  }

  #note(change: Change): void {
    this.commits.push(change);
    for (const message of change.pending ?? [])
      if (message.id?.dev === 'A' && message.sig) Chain.typed.set(message.id.n, message);
  }

  #send(sent: Frame): void {
    if (sent.kind === 'join') this.#joined = sent;
    if (sent.kind === 'signatures') this.#asked = sent;
    // Tests read what was uploaded message by message.
    if (sent.kind === 'upload' && sent.away !== undefined) {
      const { k, away } = sent;
      this.sent.push({ kind: 'upload', k, messages: [], away });
    } else if (sent.kind === 'upload') this.sent.push(...sent.messages);
    else if (sent.kind === 'leave') this.sent.push({ kind: 'leave', name: sent.name });
    else this.sent.push(sent);
  }

  #settle(): void {
    for (;;) {
      if (!this.slowDisk && this.commits.length > 0) this.#keepOne();
      else if (this.commits.length === 0 && this.member.nextTurnMs({ ms: this.nowMs }) === 0) this.#turn([]);
      else if (!this.isHeld && this.#unshown.length > 0) this.#print(this.#unshown.length);
      else return;
    }
  }

  #print(places: number): void {
    const place = this.#unshown.splice(0, places).at(-1);
    if (place !== undefined) this.#turn([{ type: 'shown', place }]);
  }

  #keepOne(): void {
    const change = this.commits.shift();
    if (!change) return;
    this.store.apply(change);
    this.#turn([{ type: 'committed', change }]);
  }
}

/** What a step does that does nothing. */
export const nothing = { sent: [], shown: [], failed: [], hungUp: 0 };
