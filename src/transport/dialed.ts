import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dealer, EventType } from 'zeromq';
import type { Input } from '../core/turn.ts';
import { isEnd } from '../protocol/codec.ts';
import type { Queue } from '../queue.ts';
import { bytesOf } from './sockets.ts';

/** A member who is there answers sooner. */
const patienceMs = 3_000;
/** One address after the other; who is slow may still be the first to answer. */
const nextAddressMs = 250;
/** More waits in ZeroMQ, and at the other side. */
export const maxQueuedInputs = 64;
const failures: EventType[] = [
  'handshake:error:protocol',
  'handshake:error:auth',
  'handshake:error:other',
  'disconnect',
  'close',
];

export type Way = { to: string; endpoints: readonly string[]; open: () => Dealer; inputs: Queue<Input> };

/**
 * A link with a member that was dialed from here: states are trying, linked and ended. Its inputs are at most one `connected`,
 * then frames, and at the end one `disconnected`, which is always the last. Nothing is ever dialed again: who refuses, is
 * another one, is no member's program or does not answer within 3 s, is left alone.
 */
export class Dialed {
  /** What was said when it ended is read to its end. */
  readonly ended: Promise<void>;
  readonly #way: Way;
  readonly #endpoints: string[];
  readonly #trying = new Set<Dealer>();
  readonly #patience: NodeJS.Timeout;
  #next: NodeJS.Timeout | undefined;
  #socket: Dealer | undefined;
  #isOver = false;
  #tellEnd = () => {};

  constructor(way: Way) {
    this.#way = way;
    this.#endpoints = [...way.endpoints];
    this.ended = new Promise((resolve) => (this.#tellEnd = resolve));
    this.#patience = setTimeout(() => this.#socket ?? this.close(), patienceMs);
    this.#try();
  }

  /** False if its queue is full. What is given to one that is not linked is passed over: its end is among the inputs. */
  send(data: string): boolean {
    const socket = this.#socket;
    if (!socket || this.#isOver) return true;
    // Asked only before a send, which wakes a waiting read: asking alone would take away the sign that something came.
    if (!socket.writable) return false;
    socket.send(data).catch(() => {});
    return true;
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#patience);
    clearTimeout(this.#next);
    for (const socket of this.#trying) socket.close();
    this.#socket?.close();
    this.#way.inputs.push({ type: 'disconnected', from: this.#way.to });
    this.#tellEnd();
  }

  #try(): void {
    clearTimeout(this.#next);
    const endpoint = this.#endpoints.shift();
    if (endpoint !== undefined) {
      this.#next = setTimeout(() => this.#try(), nextAddressMs);
      this.#dial(endpoint);
    } else if (this.#trying.size === 0) this.close();
  }

  #dial(endpoint: string): void {
    let socket: Dealer | undefined;
    try {
      socket = this.#way.open();
      this.#trying.add(socket);
      this.#watch(socket);
      socket.connect(endpoint);
    } catch {
      // What is no address, or nobody's key, cannot be dialed; neither can anything when there is no descriptor left.
      if (socket) this.#leave(socket);
      else this.#try();
    }
  }

  #watch(socket: Dealer): void {
    socket.events.on('handshake', () => this.#linked(socket));
    for (const name of failures)
      socket.events.on(name, () => (socket === this.#socket ? void this.#drain(socket) : this.#leave(socket)));
  }

  /** This address is none. */
  #leave(socket: Dealer): void {
    if (!this.#trying.delete(socket)) return;
    socket.close();
    if (!this.#isOver) this.#try();
  }

  #linked(socket: Dealer): void {
    if (this.#isOver || !this.#trying.delete(socket)) return;
    this.#socket = socket;
    clearTimeout(this.#patience);
    clearTimeout(this.#next);
    this.#endpoints.length = 0;
    for (const other of this.#trying) other.close();
    this.#trying.clear();
    this.#way.inputs.push({ type: 'connected', from: this.#way.to });
    void this.#receive(socket);
  }

  async #receive(socket: Dealer): Promise<void> {
    try {
      for await (const parts of socket) {
        const data = bytesOf(parts);
        if (this.#isOver || isEnd(data)) break;
        this.#way.inputs.push({ type: 'bytes', from: this.#way.to, data });
        await this.#way.inputs.room(maxQueuedInputs);
      }
    } catch (error) {
      // A read was under way when it was closed.
      if (!socket.closed) throw error;
    }
    this.close();
  }

  /** What the other side said last may be here and not read: libzmq's word of the end can overtake it. */
  async #drain(socket: Dealer): Promise<void> {
    for (let turn = 0; turn < maxQueuedInputs && !socket.closed; turn++)
      await this.#way.inputs.room(maxQueuedInputs).then(() => nextTurn());
    this.close();
  }
}
