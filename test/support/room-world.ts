import type { ChatEvent } from '../../src/core/events.ts';
import { MemoryLog } from '../../src/core/log.ts';
import { Room, type RoomInput } from '../../src/core/room.ts';
import { decode } from '../../src/protocol.ts';

/** One frame as it stands on the wire. */
export type Json = Record<string, unknown>;

/** A room without sockets: tests say what arrives as JSON, and read what each connection was sent as JSON. */
export class RoomWorld {
  readonly log: MemoryLog;
  readonly room: Room;
  readonly events: ChatEvent[] = [];
  readonly ignored: { frames: number; reason: string }[] = [];
  nowMs = 1_000_000;
  /** Connections whose queue is full: what is sent to them is not taken, and the room is told so. */
  readonly clogged = new Set<string>();
  #inbox = new Map<string, Json[]>();
  #outcomes: RoomInput[] = [];

  constructor({ name = 'server', logId = 'log', limit = 10_000, maxClients = Number.POSITIVE_INFINITY } = {}) {
    this.log = new MemoryLog(logId, limit);
    this.room = new Room({ name, maxClients }, this.log);
  }

  turn(...inputs: RoomInput[]): void {
    const all = [...this.#outcomes.splice(0), ...inputs];
    for (const effect of this.room.turn(all, this.nowMs)) {
      if (effect.type === 'event') this.events.push(effect.event);
      else if (effect.type === 'ignored') this.ignored.push({ frames: effect.frames, reason: effect.reason });
      else for (const to of effect.to) this.#deliver(to, effect.data);
    }
  }

  /** Frames of one connection, arriving in one turn. */
  say(from: string, ...frames: (Json | string)[]): void {
    this.turn(...frames.map((frame) => RoomWorld.frame(from, frame)));
  }

  static frame(from: string, frame: Json | string): RoomInput {
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
    return { type: 'frame', from, frame: decode(new TextEncoder().encode(text)) };
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

  #deliver(to: string, data: string): void {
    if (this.clogged.has(to)) {
      this.#outcomes.push({ type: 'full', to });
      return;
    }
    const frames = this.#inbox.get(to) ?? [];
    this.#inbox.set(to, frames);
    frames.push(...([JSON.parse(data)] as Json[]).flat());
  }
}
