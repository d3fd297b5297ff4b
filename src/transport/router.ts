import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { type Full, type Input, openMark, secureMark } from '../core/turn.ts';
import { ChatError } from '../errors.ts';
import { isEnd } from '../protocol/codec.ts';
import { bind, portOf } from './endpoint.ts';
import { bytesOf, type Encryption, GoneRouter } from './sockets.ts';

/** Few, so that one turn of the room, and the pause behind it, is short: more waits in ZeroMQ, in a queue for each connection. */
const maxTurn = { frames: 64, bytes: 65_536 };
/**
 * The binding copies a short text for each connection: to be told when each has let go of a shared buffer costs more. A buffer of
 * so few bytes it copies, too, and that is cheaper.
 */
const copied = { text: 2_048, buffer: 128 };
const farewellMs = 200;
/** The system lets go of a port soon after libzmq has: tried so often for it, with so long between. */
const rebinding = { tries: 100, pauseMs: 20 };

/**
 * The room's ROUTER socket. Connections are named by their routing ids, one character a byte, behind a mark of the door that
 * they came in by: whoever chooses an id for itself cannot choose a door.
 */
export class RouterLink {
  /**
   * What has arrived, a turn's worth each time it is asked for. Nothing is read in between: a flood waits in its own
   * connection, and a send costs half as much while no read is pending.
   */
  readonly inputs: AsyncGenerator<Input[]> = this.#read();
  readonly #encryption: Encryption | undefined;
  readonly #mark: string;
  #socket: GoneRouter;
  #endpoint = '';
  #bound: Promise<void> = Promise.resolve();
  /** Who has said something, and is not known to be gone, with its routing id. */
  readonly #present = new Map<string, Buffer>();

  /**
   * @param mark of the door, with which no other one's begins
   * @param isOpenToAll it has no encryption, and nobody is asked who may come in
   */
  constructor(encryption?: Encryption, mark = encryption ? secureMark : openMark, isOpenToAll = false) {
    this.#encryption = encryption;
    this.#mark = mark;
    this.#socket = new GoneRouter(encryption, isOpenToAll);
  }

  get isSecure(): boolean {
    return this.#encryption !== undefined;
  }

  readonly isOwn = (id: string): boolean => id.startsWith(this.#mark);

  async bind(endpoint: string, ...others: string[]): Promise<string> {
    this.#endpoint = await bind(this.#socket, endpoint, ...others);
    return this.#endpoint;
  }

  /**
   * Gives each all of its frames in a row, so that the system gets them together. Returns those whose queue is full. They MUST
   * NOT be given more in the same turn: there may be room again, and what is taken then has overtaken. One that has ended is
   * passed over: its end is among the inputs.
   */
  async send(to: readonly string[], ...frames: string[]): Promise<Full[]> {
    const row = frames.map(asSent);
    const socket = this.#socket;
    const full: Full[] = [];
    // None of them waits: a queue has room, or it is full.
    for (const id of to) {
      const routingId = this.#routingId(id);
      let taken = 0;
      try {
        for (; taken < row.length; taken++) await socket.send([routingId, row[taken] as string | Buffer]);
      } catch (error) {
        if (isFull(error as NodeJS.ErrnoException)) full.push({ id, taken });
      }
    }
    // Asked for its events, the socket hears which queues have room again; by itself it does once in a millisecond.
    if (full.length > 0) void socket.readable;
    return full;
  }

  #routingId(name: string): Buffer {
    return this.#present.get(name) ?? Buffer.from(name.slice(this.#mark.length), 'latin1');
  }

  /** Ends all its connections, for a ROUTER cannot end one, and listens again: whoever may comes back by itself. */
  redial(): void {
    this.#socket.linger = farewellMs;
    this.#socket.close();
    this.#socket = new GoneRouter(this.#encryption);
    this.#bound = rebind(this.#socket, this.#endpoint);
    // Whoever reads on is told.
    this.#bound.catch(() => {});
  }

  /** Reads on for a moment: a socket that is closed with unread data takes with it what it has just sent. [P24] */
  async close(): Promise<void> {
    setTimeout(() => this.#socket.close(), farewellMs);
    for await (const _ of this.inputs) await nextTurn();
  }

  async *#read(): AsyncGenerator<Input[]> {
    let socket: GoneRouter | undefined;
    while (socket !== this.#socket) {
      socket = this.#socket;
      if (this.#present.size > 0) yield this.#lose();
      await this.#bound;
      yield* this.#readFrom(socket);
    }
  }

  async *#readFrom(socket: GoneRouter): AsyncGenerator<Input[]> {
    try {
      for await (const first of socket) {
        const inputs = [this.#inputOf(first)];
        let bytes = sizeOf(first);
        while (inputs.length < maxTurn.frames && bytes < maxTurn.bytes && socket.readable) {
          const parts = await socket.receive();
          bytes += sizeOf(parts);
          inputs.push(this.#inputOf(parts));
        }
        yield inputs;
      }
    } catch (error) {
      // A read was under way when it was closed.
      if (!socket.closed) throw error;
    }
  }

  #inputOf([id = nobody, ...parts]: Buffer[]): Input {
    const from = this.#mark + id.toString('latin1');
    const data = bytesOf(parts);
    if (isEnd(data)) this.#present.delete(from);
    else if (!this.#present.has(from)) this.#present.set(from, id);
    return { type: 'bytes', from, data };
  }

  /** Nobody is here any more. */
  #lose(): Input[] {
    const gone = [...this.#present.keys()].map((from): Input => ({ type: 'frame', from, frame: { kind: 'gone' } }));
    this.#present.clear();
    return gone;
  }
}

const nobody = Buffer.alloc(0);

async function rebind(socket: GoneRouter, endpoint: string): Promise<void> {
  for (let tries = 1; !socket.closed; tries++) {
    try {
      return await socket.bind(endpoint);
    } catch (cause) {
      const message = `cannot listen again on port ${portOf(endpoint)}.`;
      if (tries === rebinding.tries)
        throw new ChatError('ADDRESS_IN_USE', message, 'Another program has taken the port: end it.', cause);
      await delay(rebinding.pauseMs);
    }
  }
}

function asSent(data: string): string | Buffer {
  if (data.length >= copied.text) return Buffer.from(data);
  const bytes = data.length <= copied.buffer ? Buffer.from(data) : undefined;
  return bytes && bytes.length <= copied.buffer ? bytes : data;
}

const sizeOf = (parts: readonly Buffer[]): number => parts.at(-1)?.length ?? 0;

function isFull(error: NodeJS.ErrnoException): boolean {
  if (error.code === 'EHOSTUNREACH') return false;
  if (error.code !== 'EAGAIN') throw error;
  return true;
}
