import type { Router } from 'zeromq';
import { Queue } from '../queue.ts';
import { bind } from './bind.ts';
import { openRouter, release } from './sockets.ts';

export type Incoming = { from: string; bytes: Uint8Array };
export type SendOutcome = 'sent' | 'full' | 'unreachable';

/** Few, so that one turn of the room is short: what waits longer waits in ZeroMQ, in a queue for each connection. */
const maxQueuedFrames = 64;

/** The room's ROUTER socket. Routing ids are strings here, one character a byte. */
export class RouterLink {
  readonly frames = new Queue<Incoming>();
  readonly endpoint: string;
  readonly #socket: Router;
  #closed = false;

  private constructor(socket: Router, endpoint: string) {
    this.#socket = socket;
    this.endpoint = endpoint;
    void this.#receive();
  }

  static async bind(endpoint: string): Promise<RouterLink> {
    const socket = openRouter();
    return new RouterLink(socket, await bind(socket, endpoint));
  }

  /** Hands one frame to one connection's queue, at once or not at all. */
  async send(to: string, data: string): Promise<SendOutcome> {
    try {
      await this.#socket.send([Buffer.from(to, 'latin1'), data]);
      return 'sent';
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') return 'full';
      if (code === 'EHOSTUNREACH') return 'unreachable';
      if (this.#closed) return 'unreachable';
      throw error;
    }
  }

  /** ZeroMQ goes on sending what it has taken, for its linger time. */
  close(): void {
    this.#closed = true;
    this.frames.close();
    release(this.#socket);
  }

  async #receive(): Promise<void> {
    try {
      for await (const [id, bytes, ...rest] of this.#socket) {
        if (!id) continue;
        // A frame of several parts is not of this protocol; an empty one is malformed for the decoder.
        this.frames.push({ from: id.toString('latin1'), bytes: rest.length === 0 && bytes ? bytes : new Uint8Array() });
        await this.frames.room(maxQueuedFrames);
      }
    } catch (error) {
      if (!this.#closed) throw error;
    }
  }
}
