import type { Dealer, Pair } from 'zeromq';
import { Queue } from '../queue.ts';
import { bind } from './bind.ts';
import { release } from './sockets.ts';

export type LinkEvent =
  /** A TCP connection is there, but no handshake yet. */
  | { type: 'opened' }
  | { type: 'connected' }
  | { type: 'disconnected' }
  /** Nobody listens at the endpoint; the next attempt follows by itself. */
  | { type: 'refused' }
  /** Whoever answers does not speak ZeroMQ, or not to this kind of socket. */
  | { type: 'mismatch' }
  | { type: 'frame'; bytes: Uint8Array };

const maxQueuedEvents = 1_000;
const retryFullMs = 30;

/**
 * One DEALER or PAIR socket: what happens on it, as events in the order it happened.
 * `send` never fails and never blocks: frames wait here while the socket's queue is full, and are dropped
 * with the connection, because whoever sent them says everything again on the next one.
 */
export class Link {
  readonly events = new Queue<LinkEvent>();
  readonly #socket: Dealer | Pair;
  #outgoing: string[] = [];
  #sending: Promise<void> | undefined;
  #pending = 0;
  #connections = 0;
  #closed = false;

  private constructor(socket: Dealer | Pair) {
    this.#socket = socket;
    this.#watch();
    void this.#receive();
  }

  static connect(socket: Dealer | Pair, endpoint: string): Link {
    const link = new Link(socket);
    socket.connect(endpoint);
    return link;
  }

  static async bind(socket: Pair, endpoint: string): Promise<{ link: Link; endpoint: string }> {
    const link = new Link(socket);
    return { link, endpoint: await bind(socket, endpoint) };
  }

  /** Frames handed to `send` that ZeroMQ has not taken yet. */
  get backlog(): number {
    return this.#outgoing.length;
  }

  send(data: string): void {
    this.#outgoing.push(data);
    this.#flush();
  }

  /** Waits for what is on its way to the socket, then closes it; ZeroMQ goes on sending for its linger time. */
  async close(): Promise<void> {
    await this.#sending;
    this.#closed = true;
    this.events.close();
    release(this.#socket);
  }

  /** A peer's first frame may be here before libzmq's word of its handshake: the answer waits for that. */
  #flush(): void {
    if (this.#connections > 0 && this.#outgoing.length > 0) this.#sending ??= this.#drain();
  }

  async #drain(): Promise<void> {
    try {
      while (this.#outgoing[0] !== undefined && this.#connections > 0) {
        const queue = this.#outgoing;
        if (await this.#sendOne(this.#outgoing[0])) queue.shift();
        else await new Promise((resolve) => setTimeout(resolve, retryFullMs));
      }
    } finally {
      this.#sending = undefined;
    }
  }

  async #sendOne(data: string): Promise<boolean> {
    try {
      await this.#socket.send(data);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
      throw error;
    }
  }

  async #receive(): Promise<void> {
    try {
      for await (const [bytes, ...rest] of this.#socket) {
        // A frame of several parts is not of this protocol; an empty one is malformed for the decoder.
        this.events.push({ type: 'frame', bytes: rest.length === 0 && bytes ? bytes : new Uint8Array() });
        await this.events.room(maxQueuedEvents);
      }
    } catch (error) {
      // Closing ends the iteration with ENOTSOCK or EAGAIN.
      if (!this.#closed) throw error;
    }
  }

  #watch(): void {
    const { events } = this.#socket;
    const opened = () => {
      this.#pending++;
      this.events.push({ type: 'opened' });
    };
    events.on('connect', opened);
    events.on('accept', opened);
    events.on('handshake', () => {
      this.#pending--;
      if (++this.#connections === 1) this.events.push({ type: 'connected' });
      this.#flush();
    });
    // A binding PAIR may have several connections although it talks to one: only the last one's end counts,
    // and a stranger's that never shook hands does not.
    events.on('disconnect', () => {
      if (this.#pending > 0) this.#pending--;
      else if (--this.#connections === 0) {
        this.#outgoing = [];
        this.events.push({ type: 'disconnected' });
      }
    });
    events.on('close', () => this.events.push({ type: 'refused' }));
    for (const name of ['protocol', 'auth'] as const)
      events.on(`handshake:error:${name}`, () => this.events.push({ type: 'mismatch' }));
  }
}
