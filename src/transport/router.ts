import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Input } from '../core/turn.ts';
import { bind } from './endpoint.ts';
import { bytesOf, GoneRouter } from './sockets.ts';

/** Few, so that one turn of the room is short: more waits in ZeroMQ, in a queue for each connection. */
const maxTurn = { frames: 64, bytes: 262_144 };
const farewellMs = 200;

/** The room's ROUTER socket. Connections are named by their routing ids, one character a byte. */
export class RouterLink {
  /**
   * What has arrived, a turn's worth each time it is asked for. Nothing is read in between: a flood waits in its own
   * connection, and a send costs half as much while no read is pending.
   */
  readonly inputs: AsyncGenerator<Input[]> = this.#read();
  readonly #socket = new GoneRouter();

  readonly bind = (endpoint: string, ...others: string[]): Promise<string> => bind(this.#socket, endpoint, ...others);

  /**
   * Returns those whose queue is full. They MUST NOT be given more in the same turn: there may be room again, and what is
   * taken then has overtaken. One that has ended is passed over: its end is among the inputs.
   */
  async send(to: readonly string[], data: string): Promise<string[]> {
    const bytes = Buffer.from(data);
    const sent = to.map((id) => this.#socket.send([Buffer.from(id, 'latin1'), bytes]));
    const results = await Promise.allSettled(sent);
    const full = to.filter((_, i) => isFull(results[i]));
    // Asked for its events, the socket hears which queues have room again; by itself it does once in a millisecond.
    if (full.length > 0) void this.#socket.readable;
    return full;
  }

  /** Reads on for a moment: a socket that is closed with unread data takes with it what it has just sent. [P24] */
  async close(): Promise<void> {
    setTimeout(() => this.#socket.close(), farewellMs);
    for await (const _ of this.inputs) await nextTurn();
  }

  async *#read(): AsyncGenerator<Input[]> {
    try {
      for await (const first of this.#socket) {
        const inputs = [inputOf(first)];
        let bytes = sizeOf(first);
        while (inputs.length < maxTurn.frames && bytes < maxTurn.bytes && this.#socket.readable) {
          const parts = await this.#socket.receive();
          bytes += sizeOf(parts);
          inputs.push(inputOf(parts));
        }
        yield inputs;
      }
    } catch (error) {
      // A read was under way when it was closed.
      if (!this.#socket.closed) throw error;
    }
  }
}

const sizeOf = (parts: readonly Buffer[]): number => parts.at(-1)?.length ?? 0;

function inputOf([id, ...parts]: Buffer[]): Input {
  return { type: 'bytes', from: id?.toString('latin1') ?? '', data: bytesOf(parts) };
}

function isFull(sent: PromiseSettledResult<void> | undefined): boolean {
  if (sent?.status !== 'rejected' || sent.reason.code === 'EHOSTUNREACH') return false;
  if (sent.reason.code !== 'EAGAIN') throw sent.reason;
  return true;
}
