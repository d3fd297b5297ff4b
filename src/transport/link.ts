import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Dealer, EventType, Pair } from 'zeromq';
import { type Full, type Input, theLink } from '../core/turn.ts';
import { Queue } from '../queue.ts';
import { bind } from './endpoint.ts';
import { mechanismAt } from './probe.ts';
import type { Route } from './route.ts';
import { decodeParts } from './sockets.ts';
import { statuses } from './zap.ts';

type Socket = Dealer | Pair;
/**
 * `opened`: a TCP connection is there, but no handshake yet; `refused`: nobody listens. Why there is no handshake, as far as
 * can be told: `otherMechanism`, one side is encrypted and the other is not; `notAdmitted`, this key is not let in; `crowded`, it takes nobody else from this network;
 * `otherKey`, it has another key than the one that is meant; `busy`, it does not come to it; `mute`, it says nothing;
 * `mismatch`, it does not speak ZeroMQ, or not to this kind of socket.
 */
export type LinkEvent =
  | Extract<Input, { type: 'connected' | 'disconnected' | 'frame' }>
  | { type: 'opened' | 'refused' | Failure };
type Failure = 'otherMechanism' | 'notAdmitted' | 'crowded' | 'otherKey' | 'busy' | 'mute' | 'mismatch';

/** More waits in ZeroMQ, and at the other side. */
const maxQueuedEvents = 64;
/** Twice as much as a person can have waiting: whoever takes what it is sent never has so much. */
const maxOutgoing = 20_000;
const retryFullMs = 30;
/** Before another address of a name is tried, or the same one by hand. */
const pauseMs = 250;
/** After a handshake that failed, libzmq may never try again by itself. */
const retryFailedMs = 5_000;
const pause = (): Promise<undefined> => delay(pauseMs, undefined, { ref: false });
type Way = Pick<Route, 'endpoint' | 'turn'>;

/**
 * One DEALER or PAIR socket at a time. `send` never fails and never blocks: frames wait here while the socket's queue is
 * full, and are dropped with the connection, because whoever sent them says everything again on the next one.
 */
export class Link {
  readonly events = new Queue<LinkEvent>();
  /** Frames that ZeroMQ has not taken yet. */
  readonly outgoing: string[] = [];
  /** What is dialled now. */
  endpoint = '';
  readonly #open: () => Socket;
  readonly #way: Way | undefined;
  readonly #isOriginal: ((endpoint: string) => Promise<boolean>) | undefined;
  #socket: Socket;
  #retry: NodeJS.Timeout | undefined;
  #retryFailed: NodeJS.Timeout | undefined;
  #pending = 0;
  #connections = 0;
  #isEnding = false;
  #isTurning = false;

  /**
   * Dials the endpoint, or each address on a way in turn, again and again; without one, it may `bind`.
   * @param isOriginal asks whose server is there before anything is sent to it
   */
  constructor(open: () => Socket, way?: string | Way, isOriginal?: (endpoint: string) => Promise<boolean>) {
    this.#open = open;
    this.#way = typeof way === 'string' ? { endpoint: way, turn: async () => {} } : way;
    this.#isOriginal = isOriginal;
    this.#socket = this.#start();
  }

  readonly bind = (endpoint: string, ...others: string[]): Promise<string> => bind(this.#socket, endpoint, ...others);

  /** The connection takes everything, or ends: no queue is ever full. */
  send(_to: readonly string[], ...frames: string[]): Full[] {
    for (const data of frames)
      if (this.outgoing.length < maxOutgoing) this.outgoing.push(data);
      else this.redial();
    this.#flush();
    return [];
  }

  /** Dials anew. No event or frame of the old connection comes after its `disconnected`. */
  redial(): void {
    if (this.#way === undefined) return;
    this.#socket.linger = 0;
    this.#socket.close();
    if (this.#connections > 0 || this.#isEnding) this.#lost();
    [this.#pending, this.#connections] = [0, 0];
    this.#socket = this.#start();
  }

  /** ZeroMQ goes on sending what it has taken, for its linger time. */
  close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#retryFailed);
    this.events.close();
    this.#socket.close();
  }

  #start(): Socket {
    const socket = this.#open();
    this.#watch(socket);
    this.#receive(socket).catch((error) => {
      // A read was under way when it was closed.
      if (!socket.closed) throw error;
    });
    clearTimeout(this.#retryFailed);
    this.endpoint = this.#way?.endpoint ?? '';
    if (this.#way) socket.connect(this.endpoint);
    return socket;
  }

  async #meet(socket: Socket): Promise<void> {
    const secured = socket.securityMechanism === 'curve' && ({ isSecure: true } as const);
    const connected = { type: 'connected', from: theLink, ...secured } as const;
    if (!this.#isOriginal) return this.events.push(connected);
    const isOriginal = await this.#isOriginal(this.endpoint).catch(() => pause());
    if (socket.closed || this.#connections === 0) return;
    if (isOriginal === undefined) this.redial();
    else this.events.push({ ...connected, ...(isOriginal && { isOriginal }) });
  }

  /** Nobody answers there: the name may have other addresses, or another one by now. libzmq itself tries this one on. */
  async #turn(socket: Socket): Promise<void> {
    if (this.#way === undefined || this.#isTurning) return;
    this.#isTurning = true;
    await Promise.all([this.#way.turn(), pause()]);
    this.#isTurning = false;
    if (this.#way.endpoint !== this.endpoint) this.#redialIdle(socket);
  }

  #redialIdle(socket: Socket): void {
    const isIdle = this.#pending === 0 && this.#connections === 0 && !this.#isEnding;
    if (isIdle && !socket.closed) this.redial();
  }

  /** A peer's first frame may be here before libzmq's word of its handshake: the answer waits for that. */
  #flush(): void {
    clearTimeout(this.#retry);
    if (this.#connections === 0) return;
    // Asked only before a send, which wakes a waiting read: asking alone would take away the sign that something came.
    while (this.outgoing[0] !== undefined && this.#socket.writable)
      this.#socket.send(this.outgoing.shift() as string).catch(() => {});
    if (this.outgoing.length > 0) this.#retry = setTimeout(() => this.#flush(), retryFullMs);
  }

  async #receive(socket: Socket): Promise<void> {
    for await (const parts of socket) {
      if (socket.closed) return;
      this.events.push({ type: 'frame', from: theLink, frame: decodeParts(parts) });
      await this.events.room(maxQueuedEvents);
    }
  }

  #watch(socket: Socket): void {
    const on = (names: EventType[], happened: () => void) => {
      for (const name of names) socket.events.on(name, () => socket.closed || happened());
    };
    on(['connect', 'accept'], () => {
      this.#pending++;
      this.events.push({ type: 'opened' });
    });
    on(['handshake'], () => {
      if (this.#isEnding) this.#lost();
      // The end that was taken for a stranger's was that of the connection before.
      if (this.#pending === 0) this.#lost();
      else {
        this.#pending--;
        this.#connections++;
      }
      if (this.#connections === 1) void this.#meet(socket);
      this.#flush();
    });
    // A binding PAIR may have several connections, and events do not say which one they are of: the end of the last one
    // counts, and that of a stranger that never shook hands does not.
    on(['disconnect'], () => {
      if (this.#pending > 0) {
        this.#pending--;
        void this.#turn(socket);
        clearTimeout(this.#retryFailed);
        this.#retryFailed = setTimeout(() => this.#redialIdle(socket), retryFailedMs);
      } else if (--this.#connections === 0) void this.#end();
    });
    on(['close'], () => {
      this.events.push({ type: 'refused' });
      void this.#turn(socket);
    });
    for (const name of handshakeErrors) socket.events.on(name, ({ error }) => void this.#fail(socket, error));
  }

  /** Whoever listens is not told who does not get in. Why a connection broke, libzmq does not know: the greeting tells. */
  async #fail(socket: Socket, error: HandshakeError): Promise<void> {
    if (socket.closed || !this.#way) return;
    const found = failureOf(error);
    const type = found ?? (await this.#whyBroken(socket, error.code === 'EAGAIN'));
    if (type && !socket.closed) this.events.push({ type });
  }

  async #whyBroken(socket: Socket, isLate: boolean): Promise<Failure | undefined> {
    const own = socket.securityMechanism === 'curve' ? 'CURVE' : 'NULL';
    const other = await mechanismAt(this.endpoint).catch(() => undefined);
    if (other === undefined) return isLate ? 'mute' : undefined;
    if (other !== own) return 'otherMechanism';
    if (isLate) return 'busy';
    return own === 'CURVE' ? 'otherKey' : undefined;
  }

  /** What the other side said last may be here and not read: libzmq's word of the end can overtake it. */
  async #end(): Promise<void> {
    this.#isEnding = true;
    for (let turn = 0; turn < maxQueuedEvents && this.#isEnding; turn++)
      await this.events.room(maxQueuedEvents).then(() => nextTurn());
    if (this.#isEnding) this.#lost();
  }

  #lost(): void {
    this.#isEnding = false;
    this.outgoing.length = 0;
    this.events.push({ type: 'disconnected', from: theLink });
  }
}

const handshakeErrors = ['handshake:error:protocol', 'handshake:error:auth', 'handshake:error:other'] as const;

type HandshakeError = { code?: string; status?: number };

/** What libzmq says of a handshake that failed; undefined: that the connection broke, or took too long. */
function failureOf({ code = '', status }: HandshakeError): Failure | undefined {
  if (status !== undefined) return status === statuses.full ? 'crowded' : 'notAdmitted';
  if (code === 'ERR_ZMTP_MECHANISM_MISMATCH') return 'otherMechanism';
  return code.startsWith('ERR_Z') ? 'mismatch' : undefined;
}
