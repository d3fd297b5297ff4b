import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

type Condition = 'open' | 'hole' | 'mute' | 'refused' | 'delayed';
type Direction = {
  up: boolean;
  from: Socket;
  to: Socket;
  held: Buffer[];
  bytes: number;
  ended: boolean;
  busy: boolean;
};

const host = '127.0.0.1';
/** What one direction of a connection holds in a black hole; beyond, its sender finds the link full. */
const maxHeldBytes = 262_144;
/** What is remembered of a client's bytes, so that a text cut in two is heard too. */
const tailBytes = 8_192;
/** Below the ports systems give to outgoing connections: nobody takes one while nobody listens there. */
const lowestPort = 10_240;
const highestPort = 32_000;

/**
 * A link that can fail: TCP between one client and a server. What goes into a black hole is not lost (TCP would send
 * it again), it arrives when the link heals, if the connection lives that long. Holds at most `maxHeldBytes` for each
 * direction of a connection.
 */
export class LinkProxy {
  readonly port: number;
  readonly #serverPort: number;
  readonly #listener: Server;
  readonly #directions = new Set<Direction>();
  readonly #listeners = new Map<string, () => void>();
  #condition: Condition = 'open';
  #delayMs = 0;
  #flapping: NodeJS.Timeout | undefined;
  #tail = '';

  private constructor(listener: Server, port: number, serverPort: number) {
    this.#listener = listener;
    this.port = port;
    this.#serverPort = serverPort;
    listener.on('connection', (client) => this.#accept(client));
  }

  static async open(serverPort: number): Promise<LinkProxy> {
    const listener = createServer({ allowHalfOpen: true });
    const port = await listenSomewhere(listener);
    return new LinkProxy(listener, port, serverPort);
  }

  /** Bytes held just now. */
  get heldBytes(): number {
    return [...this.#directions].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get connections(): number {
    return this.#directions.size / 2;
  }

  /** Everything goes through again; what was held goes first. */
  heal(): void {
    clearInterval(this.#flapping);
    this.#become('open');
  }

  /** Accepts, keeps, forwards nothing, either way. */
  blackHole(): void {
    this.#become('hole');
  }

  /** The server hears the client, the client hears nothing. */
  mute(): void {
    this.#become('mute');
  }

  /** Nobody listens, and what was connected is reset. */
  refuse(): void {
    this.#become('refused');
    this.drop();
  }

  /** Each chunk, either way, takes so long. */
  delay(ms: number): void {
    this.#delayMs = ms;
    this.#become('delayed');
  }

  /** Cuts the connections there are. */
  drop(): void {
    for (const { from } of this.#directions) from.resetAndDestroy();
  }

  /** Down and up again, each for `ms`, until it is healed. `onChange` hears how often. */
  flap(ms: number, onChange?: (times: number) => void): void {
    let times = 0;
    const change = () => {
      if (this.#condition === 'open') this.refuse();
      else this.#become('open');
      onChange?.(++times);
    };
    clearInterval(this.#flapping);
    this.#flapping = setInterval(change, ms);
    change();
  }

  /** Resolves when the client has sent this text from now on, whether or not it was forwarded. */
  heard(text: string): Promise<void> {
    return new Promise((resolve) => this.#listeners.set(text, resolve));
  }

  close(): void {
    clearInterval(this.#flapping);
    this.#listener.close();
    for (const { from } of this.#directions) from.destroy();
  }

  #become(condition: Condition): void {
    if (condition !== 'refused' && !this.#listener.listening) this.#listener.listen(this.port, host);
    if (condition === 'refused') this.#listener.close();
    this.#condition = condition;
    for (const direction of this.#directions) this.#forward(direction);
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.#serverPort, host, allowHalfOpen: true });
    const up = this.#direct(client, server, true);
    const down = this.#direct(server, client, false);
    client.on('data', (bytes) => this.#listen(bytes));
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => this.#close(up, down));
    }
  }

  #direct(from: Socket, to: Socket, up: boolean): Direction {
    const direction: Direction = { up, from, to, held: [], bytes: 0, ended: false, busy: false };
    this.#directions.add(direction);
    from.on('data', (bytes: Buffer) => {
      direction.held.push(bytes);
      direction.bytes += bytes.length;
      if (direction.bytes >= maxHeldBytes) from.pause();
      this.#forward(direction);
    });
    from.on('end', () => {
      direction.ended = true;
      this.#forward(direction);
    });
    to.on('drain', () => this.#forward(direction));
    return direction;
  }

  /** In a black hole an end is not seen by the other side either. */
  #close(up: Direction, down: Direction): void {
    if (this.#condition === 'hole' && !(up.from.destroyed && down.from.destroyed)) return;
    for (const direction of [up, down]) {
      this.#forward(direction);
      this.#directions.delete(direction);
      direction.from.destroy();
    }
  }

  #forward(direction: Direction): void {
    const { held, from, to } = direction;
    if (this.#isShut(direction) || direction.busy) return;
    if (to.destroyed) from.destroy();
    while (held.length > 0 && !to.destroyed && to.writableLength < maxHeldBytes) {
      if (this.#condition === 'delayed') return this.#forwardLater(direction);
      this.#write(direction);
    }
    if (direction.bytes < maxHeldBytes) from.resume();
    if (held.length === 0 && (direction.ended || from.destroyed)) to.end();
  }

  #isShut({ up }: Direction): boolean {
    return this.#condition === 'hole' || this.#condition === 'refused' || (this.#condition === 'mute' && !up);
  }

  #forwardLater(direction: Direction): void {
    direction.busy = true;
    setTimeout(() => {
      direction.busy = false;
      if (this.#condition === 'delayed' && !direction.to.destroyed) this.#write(direction);
      this.#forward(direction);
    }, this.#delayMs);
  }

  #write(direction: Direction): void {
    const bytes = direction.held.shift();
    if (!bytes) return;
    direction.bytes -= bytes.length;
    direction.to.write(bytes);
  }

  #listen(bytes: Buffer): void {
    if (this.#listeners.size === 0) return;
    const said = this.#tail + bytes.toString('latin1');
    this.#tail = said.slice(-tailBytes);
    for (const [text, resolve] of this.#listeners) {
      if (!said.includes(text)) continue;
      this.#listeners.delete(text);
      resolve();
    }
  }
}

/** A port that is free now, for a server that must come back to it. */
export async function freePort(): Promise<number> {
  const listener = createServer();
  const port = await listenSomewhere(listener);
  listener.close();
  await once(listener, 'close');
  return port;
}

async function listenSomewhere(listener: Server): Promise<number> {
  for (;;) {
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort));
    listener.listen(port, host);
    try {
      await once(listener, 'listening');
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}
