import type { ChatEvent } from '../../src/core/events.ts';
import type { Flow, Pace } from '../../src/core/limits.ts';
import type { Position } from '../../src/core/log/feed.ts';
import type { Change } from '../../src/core/log/store.ts';
import { isShown, messageEvent, noticeEvent } from '../../src/core/narrate.ts';
import { Room } from '../../src/core/room/room.ts';
import type { Effect, Input, Now, Send } from '../../src/core/turn.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import type { Join } from '../../src/protocol/frames.ts';
import { joinProof, sessionInfo, sessionSalt } from '../../src/protocol/signed.ts';
import { fakeCrypto, fakeIdentity, fakeSalt, signature } from './fake-crypto.ts';
import { entry, hello, type Json, range } from './people.ts';
import { hashAt } from './places.ts';

export type RoomWorldOptions = {
  name?: string;
  maxClients?: number;
  admitted?: ReadonlySet<string>;
  limit?: number;
  unlinked?: boolean;
  ageMs?: number;
  flow?: Flow;
  /** How fast one may write; absent: as fast as it goes. */
  pace?: Pace;
  store?: MemoryStore;
  /** What the room's key has signed goes here. */
  signed?: string[];
};

const theNonce = 'nonce';

/**
 * A room without sockets and disk: tests say what arrives as JSON, and read what each connection was sent as JSON.
 * A version-1 join is followed by the same join with its proof, as a client would answer the challenge; the challenge
 * itself is not kept. What a member says is sealed and counted, as its client would do it. What the room wants on disk is there at once, unless `slowDisk` is set.
 */
export class RoomWorld {
  readonly log: MemoryStore;
  readonly room: Room;
  readonly hungUp: string[] = [];
  readonly ignored: { frames: number; reason: string }[] = [];
  /** What the room shows besides what it says to everybody. */
  readonly shown: ChatEvent[] = [];
  /** Every frame that was sent, before it was taken or not. */
  readonly sent: Send[] = [];
  nowMs = 1_000_000;
  /** By how much the machine's clock is wrong. */
  wrongMs = 0;
  /** What is to be kept waits in `commits` until `commit` is called. */
  slowDisk = false;
  readonly commits: Change[] = [];
  /** Connections whose queue is full: what is sent to them is not taken, and the room is told so. */
  readonly clogged = new Set<string>();
  /** Connections that take so many frames more in one turn. */
  readonly narrow = new Map<string, number>();
  readonly #events: ChatEvent[] = [];
  #watched: Position = { seq: 0, notice: 0 };
  #inbox = new Map<string, Json[]>();
  /** The key of each connection's newest proof, and how many uploads were sealed with it. */
  readonly #sessions = new Map<string, { key: string; uploads: number }>();

  constructor({ name = 'server', limit = 10_000, ageMs = 1e12, store, signed, pace, ...more }: RoomWorldOptions = {}) {
    this.log = store ?? new MemoryStore('log');
    const retention = { entries: limit, ageMs };
    const { sign, ...keys } = fakeIdentity('server');
    const identity = {
      ...keys,
      sign(text: string) {
        signed?.push(text);
        return sign(text);
      },
    };
    const secrets = { nonce: () => theNonce, salt: () => fakeSalt, crypto: fakeCrypto, identity };
    this.room = new Room({ name, retention, dev: 'run', pace, ...secrets, ...more }, this.log);
  }

  get now(): Now {
    return { ms: this.nowMs, wallMs: this.nowMs + this.wrongMs };
  }

  /** What was said to everybody, as whoever reads along at the server is shown it. */
  get events(): ChatEvent[] {
    const { items, next } = this.room.feed.read(this.#watched, 1e6, 1e9);
    this.#watched = next;
    for (const { place, notice } of items) {
      if (notice) this.#events.push(noticeEvent(notice));
      else if (place?.message && isShown(place.message)) this.#events.push(messageEvent(place.message, false));
    }
    return this.#events;
  }

  /** One turn, and those that come of it at once. */
  turn(...inputs: Input[]): void {
    let next = inputs;
    do {
      next = this.#perform(this.room.turn(next, this.now));
      while (!this.slowDisk && this.commits.length > 0) next.push(this.#keep());
    } while (next.length > 0);
  }

  /** The change that waits is on disk. */
  commit(): void {
    if (this.commits.length > 0) this.turn(this.#keep());
  }

  /** Frames of one connection, arriving in one turn; joins are proven. */
  say(from: string, ...frames: (Json | string)[]): void {
    this.turn(...frames.flatMap((frame) => this.frames(from, frame)));
  }

  /** One frame exactly as it is. Returns what comes back, with challenges. */
  ask(from: string, frame: Json): Json[] {
    this.take(from);
    this.#keepsChallenges = true;
    this.turn(RoomWorld.frame(from, frame));
    this.#keepsChallenges = false;
    return this.take(from);
  }
  #keepsChallenges = false;

  /** They come in, and everybody has heard of it: by their first letters; Lea and Max with the original program. */
  joins(...names: string[]): void {
    for (const name of names)
      this.say(name.slice(0, 1), ['lea', 'max'].includes(name) ? { auth: 1, name } : hello(name));
    this.forget();
  }

  /** A join of somebody who has read up to `since`. */
  helloAt(name: string, since: number, more: Json = {}): Json {
    return hello(name, { since, log: 'log', ...(since > 0 && { h: hashAt(this.log, since) }), ...more });
  }

  /** Ann says so many things in one turn. */
  talk(count: number, from = 1): void {
    this.say('a', ...range(from, from + count - 1).map((n) => entry('ann', n)));
  }

  /** A message as the log has it. */
  placed({ sig: _, first: __, ...frame }: Json, seq: number): Json {
    return { ...frame, seq, h: hashAt(this.log, seq), at: this.log.read(seq, 1)[0]?.atMs };
  }

  static frame(from: string, frame: Json | string): Input {
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
    return { type: 'frame', from, frame: decode(new TextEncoder().encode(text)) };
  }

  /** The frame as a client would send it: a version-1 join twice, the second time with its proof, and words sealed. */
  frames(from: string, frame: Json | string): Input[] {
    if (typeof frame === 'string') return [RoomWorld.frame(from, frame)];
    const isJoin = frame.auth === 1 && frame.key !== undefined;
    if (!isJoin) return [RoomWorld.frame(from, this.sealed(from, frame))];
    return [RoomWorld.frame(from, frame), RoomWorld.frame(from, this.proves(from, frame))];
  }

  /** The join with its proof; what this connection says from now on is sealed with the key that it makes. */
  proves(from: string, join: Json): Json {
    const { key = '', dev, cn = '' } = join as { key?: string; dev?: string; cn?: string };
    const info = sessionInfo('server', { key, dev } as Join);
    const session = fakeIdentity(key).sessionKey('server', sessionSalt(theNonce, cn), info) ?? '';
    this.#sessions.set(from, { key: session, uploads: 0 });
    return RoomWorld.proven(join);
  }

  /** What needs a seal, as text with one; everything else as it is. */
  sealed(from: string, frame: Json): Json | string {
    const session = this.#sessions.get(from);
    const isMessage = frame.id !== undefined && frame.seq === undefined;
    const said = isMessage ? { m: [frame] } : frame.away !== undefined ? frame : undefined;
    if (!session || !(said || frame.auth === 0)) return frame;
    return seal(said ? { up: ++session.uploads, ...said } : frame, session.key);
  }

  /** Several messages in one upload. */
  bundle(from: string, ...messages: Json[]): string {
    const { key = '', uploads = 0 } = this.#sessions.get(from) ?? {};
    this.#sessions.set(from, { key, uploads: uploads + 1 });
    return seal({ up: uploads + 1, m: messages }, key);
  }

  static proven(join: Json, { room = 'server', key = String(join.key), nonce = theNonce, secure = false } = {}): Json {
    const { name, dev } = join as { name: string; dev: string };
    const text = joinProof(nonce, room, { kind: 'join', name, key: String(join.key), dev } satisfies Join, secure);
    return { ...join, proof: signature(key, text) };
  }

  /** Time passes, then the clock ticks. */
  tick(ms = 0): void {
    this.nowMs += ms;
    this.turn({ type: 'tick' });
  }

  /** What this connection was sent since the last look, batches taken apart. */
  take(to: string): Json[] {
    const frames = this.#inbox.get(to) ?? [];
    this.#inbox.delete(to);
    return frames;
  }

  /** The seqs of the entries this connection was sent since the last look. */
  takeSeqs(to: string): unknown[] {
    return this.take(to)
      .filter((frame) => 'seq' in frame)
      .map((frame) => frame.seq);
  }

  /** The notices among what it was sent. */
  takeNotices(to: string): Json[] {
    return this.take(to).filter(({ notice }) => notice !== undefined);
  }

  forget(): void {
    this.#inbox.clear();
  }

  #keep(): Input {
    const change = this.commits.shift() as Change;
    this.log.apply(change);
    return { type: 'committed', change };
  }

  #perform(effects: Effect[]): Input[] {
    const results: Input[] = [];
    const full = new Set<string>();
    for (const effect of effects) {
      if (effect.type === 'ignored') this.ignored.push({ frames: effect.frames, reason: effect.reason });
      else if (effect.type === 'commit') this.#take(effect.change);
      else if (effect.type === 'show') this.shown.push(effect.event);
      else if (effect.type === 'hangUp') this.hungUp.push(effect.to);
      else if (effect.type === 'send') results.push(...this.#send(effect, full));
    }
    return results;
  }

  #take(change: Change): void {
    this.commits.push(change);
    if (this.commits.length > 1) throw new Error('two changes are under way');
  }

  /** What comes behind a frame that was not taken is not taken either, without another word. */
  #send(send: Send, full: Set<string>): Input[] {
    this.sent.push(send);
    const untaken = send.to.filter((to) => !full.has(to) && !this.#isTaken(to, send.data));
    for (const to of untaken) full.add(to);
    // As the real one: what comes behind is not taken either.
    return send.to.filter((to) => full.has(to)).map((from) => ({ type: 'full', from, sent: send }));
  }

  /** Entries one by one, with the hash that their reader comes to. */
  #apart(json: Json): Json[] {
    const frame = RoomWorld.frame('', json);
    if (frame.type !== 'frame' || frame.frame.kind !== 'entries') return [json];
    return frame.frame.rows.map((row) => ({ ...JSON.parse(encode(row)), h: hashAt(this.log, row.seq ?? 0) }));
  }

  #isTaken(to: string, data: string): boolean {
    const frames = ([JSON.parse(data)] as Json[]).flat().flatMap((frame) => this.#apart(frame));
    for (const { seq = 0 } of frames)
      if (Number(seq) > this.log.head) throw new Error(`entry ${seq} was sent before it was on disk`);
    const room = this.narrow.get(to) ?? 1;
    if (this.clogged.has(to) || room === 0) return false;
    if (this.narrow.has(to)) this.narrow.set(to, room - 1);
    const inbox = this.#inbox.get(to) ?? [];
    this.#inbox.set(to, inbox);
    inbox.push(...frames.filter((frame) => this.#keepsChallenges || !('nonce' in frame)));
    return true;
  }
}

/** The frame with the MAC of what stands before it. */
export function seal(frame: Json, key: string): string {
  const text = JSON.stringify(frame).slice(0, -1);
  return `${text},"mac":"${fakeCrypto.mac(key, text)}"}`;
}
