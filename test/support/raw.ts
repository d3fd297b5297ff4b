/** Strangers: bare TCP connections and DEALER sockets that send whatever a test wants. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Dealer } from 'zeromq';

/** A bare TCP connection that sends these bytes and stays; its errors are nobody's business. */
export async function knock(port: number, bytes: Uint8Array): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  socket.on('data', () => {});
  await once(socket, 'connect');
  if (bytes.length > 0) await new Promise((resolve) => socket.write(bytes, resolve));
  return socket;
}

/** Sends these bytes over bare TCP and goes. */
export async function bark(port: number, bytes: Uint8Array): Promise<void> {
  const socket = await knock(port, bytes);
  socket.end();
  await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
}

/** A DEALER that sends frames as they are given: an object as JSON, an array of buffers as several parts. */
export class RawDealer {
  readonly #socket = new Dealer({ linger: 500, reconnectInterval: 50 });

  constructor(port: number) {
    this.#socket.connect(`tcp://127.0.0.1:${port}`);
  }

  /** Resolves with the first frame that came back, as text. */
  async ask(frame: unknown): Promise<string> {
    await this.send(frame);
    const [answer] = await this.#socket.receive();
    return String(answer);
  }

  async send(frame: unknown): Promise<void> {
    const isRaw =
      typeof frame === 'string' || Buffer.isBuffer(frame) || (Array.isArray(frame) && frame.every(isBuffer));
    await this.#socket.send(isRaw ? (frame as Buffer | string | Buffer[]) : JSON.stringify(frame));
  }

  close(): void {
    this.#socket.close();
  }
}

const isBuffer = (value: unknown) => Buffer.isBuffer(value);
