import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Router } from 'zeromq';
import type { Input } from '../core/turn.ts';
import { bind } from './bind.ts';
import { allTaken, decodeParts, type Outcome, outcomeOf, type Untaken } from './frames.ts';
import { openRouter, release } from './sockets.ts';

/** Few, so that one turn of the room is short: what waits longer waits in ZeroMQ, in a queue for each connection. */
const maxTurnFrames = 64;
const maxKnownIds = 10_000;
/** How long the socket is read on while it closes. */
const farewellMs = 200;
const forEver = -1;

/** The room's ROUTER socket. Connections are named by their routing ids, as strings, one character a byte. */
export class RouterLink {
  readonly endpoint: string;
  readonly #socket: Router;
  /** Routing ids as ZeroMQ wants them. */
  readonly #ids = new Map<string, Buffer>();
  #turn: Promise<Input[]> | undefined;
  #closed = false;

  private constructor(socket: Router, endpoint: string) {
    this.#socket = socket;
    this.endpoint = endpoint;
  }

  static async bind(endpoint: string): Promise<RouterLink> {
    const socket = openRouter();
    return new RouterLink(socket, await bind(socket, endpoint));
  }

  /**
   * What has arrived, a turn's worth each time it is asked for, until the socket is closed. Nothing is read in between:
   * a flood waits in its own connection, and a send costs half as much while no read is pending.
   */
  async *inputs(): AsyncGenerator<Input[]> {
    for (let turn = await this.#read(); turn.length > 0; turn = await this.#read()) {
      yield turn;
      await nextTurn();
    }
  }

  /**
   * Hands one frame to the queues of many connections, at once or not at all. MUST NOT be given more for a connection
   * that was full in the same turn: its queue may have room again, and what is taken then has overtaken.
   */
  async send(to: readonly string[], data: string): Promise<Untaken> {
    if (this.#closed) return allTaken;
    const bytes = Buffer.from(data);
    const sent = to.map((id) => this.#socket.send([this.#idOf(id), bytes]));
    try {
      await Promise.all(sent);
      return allTaken;
    } catch {
      // Asked for its events, the socket hears which queues have room again; by itself it does once in a millisecond.
      void this.#socket.readable;
      return this.#sort(to, await Promise.all(sent.map(outcomeOf)));
    }
  }

  /**
   * ZeroMQ goes on sending what it has taken, for its linger time. Reads on for a moment before: a socket that is closed
   * with unread data takes with it what it has just sent. [P29]
   */
  async close(): Promise<void> {
    setTimeout(() => {
      this.#closed = true;
      release(this.#socket);
    }, farewellMs);
    for await (const _ of this.inputs());
  }

  #sort(to: readonly string[], outcomes: Outcome[]): Untaken {
    const those = (outcome: Outcome) => to.filter((_, i) => outcomes[i] === outcome);
    const [full, gone] = [those('full'), those('gone')];
    for (const id of gone) this.#ids.delete(id);
    return { full, gone };
  }

  #idOf(id: string): Buffer {
    let bytes = this.#ids.get(id);
    if (bytes) return bytes;
    if (this.#ids.size >= maxKnownIds) this.#ids.clear();
    bytes = Buffer.from(id, 'latin1');
    this.#ids.set(id, bytes);
    return bytes;
  }

  /** Everything that waits, and at least one thing; nothing once the socket is closed. */
  #read(): Promise<Input[]> {
    this.#turn ??= this.#readTurn().finally(() => (this.#turn = undefined));
    return this.#turn;
  }

  async #readTurn(): Promise<Input[]> {
    const inputs: Input[] = [];
    while (inputs.length < maxTurnFrames) {
      const parts = await this.#receive(inputs.length);
      if (!parts) break;
      inputs.push(this.#input(parts));
    }
    return inputs;
  }

  /** Waits for the first of a turn, and for no other. */
  async #receive(before: number): Promise<Buffer[] | undefined> {
    if (this.#closed) return undefined;
    try {
      if (before < 2) this.#socket.receiveTimeout = before === 0 ? forEver : 0;
      return await this.#socket.receive();
    } catch (error) {
      if (this.#closed || (error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
      throw error;
    }
  }

  #input([id, ...parts]: Buffer[]): Input {
    const from = id?.toString('latin1') ?? '';
    const frame = decodeParts(parts);
    if (frame.kind !== 'gone') return { type: 'frame', from, frame };
    this.#ids.delete(from);
    return { type: 'disconnected', from };
  }
}
