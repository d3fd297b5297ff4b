/** Strangers: bare TCP connections and DEALER sockets that send whatever a test wants. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
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

type Challenge = { nonce: string; server: string };
/** What a version-1 message says; `key` and `sig` come from who says it. */
export type Said = { name: string; text: string; id: string; lc?: number; ts?: number };

/** A person of version 1: a key pair, and what it signs. Written from docs/protocol.md, sharing nothing with src. */
export class Person {
  readonly key: string;
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.key = publicKey.export({ format: 'jwk' }).x ?? '';
    this.#privateKey = privateKey;
  }

  /** Joins over a connection as `name`. Resolves with the welcome, or with what refuses. */
  async join(dealer: RawDealer, name: string, dev: string, more: object = {}): Promise<Record<string, unknown>> {
    const join = { auth: 1, name, v: 1, key: this.key, dev, ...more };
    const { nonce, server } = JSON.parse(await dealer.ask(join)) as Challenge;
    const proof = this.#sign(['0mq-chat join', nonce, server, name, this.key, dev]);
    return JSON.parse(await dealer.ask({ ...join, proof }));
  }

  /** A message, signed for the room of this server. */
  says(server: string, { name, text, id, lc = 1, ts = 1 }: Said): object {
    const sig = this.#sign([server, id, lc, ts, name, text]);
    return { name, text: `${text}\n`, id, lc, ts, key: this.key, sig };
  }

  #sign(parts: unknown[]): string {
    return sign(null, Buffer.from(JSON.stringify(parts)), this.#privateKey).toString('base64url');
  }
}

const isBuffer = (value: unknown) => Buffer.isBuffer(value);
