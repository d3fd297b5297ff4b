import type { ChatEvent } from '../../src/core/events.ts';
import type { Flow } from '../../src/core/limits.ts';
import type { Change } from '../../src/core/log/store.ts';
import { Room, type RoomInput } from '../../src/core/room/room.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { decode } from '../../src/protocol/codec.ts';
import type { Join } from '../../src/protocol/frames.ts';
import { joinProof } from '../../src/protocol/signed.ts';
import { fakeCrypto, signature } from './fake-crypto.ts';

/** One frame as it stands on the wire. */
export type Json = Record<string, unknown>;
export type RoomWorldOptions = {
  name?: string;
  maxClients?: number;
  limit?: number;
  ageMs?: number;
  flow?: Flow;
  store?: MemoryStore;
};

const nonce = (routingId: string) => `nonce-${routingId}`;

/**
 * A room without sockets and disk: tests say what arrives as JSON, and read what each connection was sent as JSON.
 * A version-1 join is followed by the same join with its proof, as a client would answer the challenge; the challenge
 * itself is not kept. What the room wants on disk is there at once, unless `slowDisk` is set.
 */
export class RoomWorld {
  readonly log: MemoryStore;
  readonly room: Room;
  readonly events: ChatEvent[] = [];
  readonly ignored: { frames: number; reason: string }[] = [];
  nowMs = 1_000_000;
  /** What is to be kept waits in `commits` until `commit` is called. */
  slowDisk = false;
  readonly commits: Change[] = [];
  /** Connections whose queue is full: what is sent to them is not taken, and the room is told so. */
  readonly clogged = new Set<string>();
  #inbox = new Map<string, Json[]>();
  #outcomes: RoomInput[] = [];

  constructor({
    name = 'server',
    limit = 10_000,
    ageMs = 1e12,
    store = new MemoryStore('log'),
    ...more
  }: RoomWorldOptions = {}) {
    this.log = store;
    const retention = { entries: limit, ageMs };
    this.room = new Room({ name, retention, dev: 'run', nonce, crypto: fakeCrypto, ...more }, store);
  }

  turn(...inputs: RoomInput[]): void {
    this.#turn([...this.#outcomes.splice(0), ...inputs]);
    while (!this.slowDisk && this.commits.length > 0) this.commit();
  }

  /** The oldest change that waits is on disk. */
  commit(): void {
    const change = this.commits.shift();
    if (!change) return;
    this.log.apply(change);
    this.#turn([{ type: 'committed', change }]);
  }

  /** Frames of one connection, arriving in one turn; joins are proven. */
  say(from: string, ...frames: (Json | string)[]): void {
    this.turn(...frames.flatMap((frame) => RoomWorld.frames(from, frame)));
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

  static frame(from: string, frame: Json | string): RoomInput {
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
    return { type: 'frame', from, frame: decode(new TextEncoder().encode(text)) };
  }

  /** The frame; a version-1 join twice, the second time with its proof. */
  static frames(from: string, frame: Json | string): RoomInput[] {
    const plain = RoomWorld.frame(from, frame);
    const isJoin = typeof frame !== 'string' && frame.auth === 1 && frame.key !== undefined;
    return isJoin ? [plain, RoomWorld.frame(from, RoomWorld.proven(from, frame))] : [plain];
  }

  static proven(from: string, join: Json, { server = 'server', key = String(join.key) } = {}): Json {
    const { name, dev } = join as { name: string; dev: string };
    const text = joinProof(nonce(from), server, { kind: 'join', name, key: String(join.key), dev } satisfies Join);
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

  #turn(inputs: RoomInput[]): void {
    for (const effect of this.room.turn(inputs, this.nowMs)) {
      if (effect.type === 'event') this.events.push(effect.event);
      else if (effect.type === 'ignored') this.ignored.push({ frames: effect.frames, reason: effect.reason });
      else if (effect.type === 'commit') this.commits.push(effect.change);
      else for (const to of effect.to) this.#deliver(to, effect.data);
    }
  }

  #deliver(to: string, data: string): void {
    const sent = ([JSON.parse(data)] as Json[]).flat();
    for (const { seq = 0 } of sent)
      if (Number(seq) > this.log.head) throw new Error(`entry ${seq} was sent before it was on disk`);
    if (this.clogged.has(to)) {
      this.#outcomes.push({ type: 'full', to });
      return;
    }
    const frames = this.#inbox.get(to) ?? [];
    this.#inbox.set(to, frames);
    frames.push(...sent.filter((frame) => this.#keepsChallenges || !('nonce' in frame)));
  }
}
