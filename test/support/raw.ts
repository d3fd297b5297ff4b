/** Strangers: bare TCP connections and DEALER sockets that send whatever a test wants. */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
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
  readonly #socket: Dealer;

  constructor(port: number, options: { routingId?: string } = {}) {
    this.#socket = new Dealer({ linger: 500, reconnectInterval: 50, ...options });
    this.#socket.connect(`tcp://127.0.0.1:${port}`);
  }

  /** Resolves with the first frame that came back, as text. */
  async ask(frame: unknown): Promise<string> {
    await this.send(frame);
    return this.#hear();
  }

  /** Resolves with the first frame from here on that matches, as text. */
  async hears(pattern: RegExp): Promise<string> {
    const heard = await this.#hear();
    return pattern.test(heard) ? heard : this.hears(pattern);
  }

  async send(frame: unknown): Promise<void> {
    const isRaw =
      typeof frame === 'string' || Buffer.isBuffer(frame) || (Array.isArray(frame) && frame.every(isBuffer));
    await this.#socket.send(isRaw ? (frame as Buffer | string | Buffer[]) : JSON.stringify(frame));
  }

  close(): void {
    this.#socket.close();
  }

  async #hear(): Promise<string> {
    const [frame] = await this.#socket.receive();
    return String(frame);
  }
}

type Challenge = { nonce: string; room: string };
type Refusal = { refused: string };
type Answer = Record<string, unknown>;
/** What a version-1 message says; `key` and `sig` come from who says it. */
export type Said = { name: string; text: string; id: string; lc?: number; ts?: number; in?: number; room?: string };

/** A person of version 1: a key pair, and what it signs. Written from docs/protocol.md, sharing nothing with src. */
export class Person {
  readonly key: string;
  /** Made from the key. */
  readonly device: string;
  /** The key of the room that was joined last. */
  room = '';
  readonly #seed = randomBytes(32);
  readonly #privateKey: KeyObject;
  /** Of each connection: the key that its newest proof made, and how many uploads were sealed with it. */
  readonly #sessions = new Map<RawDealer, { key: Buffer; uploads: number }>();

  constructor() {
    const x = Buffer.from(ed25519.getPublicKey(this.#seed)).toString('base64url');
    const d = this.#seed.toString('base64url');
    this.key = x;
    this.#privateKey = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', x, d }, format: 'jwk' });
    this.device = deviceOf(this.key);
  }

  /** Joins over a connection as `name`. Resolves with the welcome, whose signature is right, or with what refuses. */
  async join(dealer: RawDealer, name: string, dev = this.device, more: object = {}): Promise<Answer> {
    const cn = `nonce-of-${dev}`;
    const join = { auth: 1, name, v: 1, key: this.key, dev, cn, ...more };
    const asked = JSON.parse(await dealer.ask(join)) as Challenge | Refusal;
    if ('refused' in asked) return asked;
    const { nonce, room } = asked;
    const proof = this.#sign(['0mq-chat join', room, nonce, name, this.key, dev]);
    const answer: Answer = JSON.parse(await dealer.ask({ ...join, proof }));
    if (answer.welcome && !isOfRoom(room, cn, answer)) throw new Error(`not the room's: ${JSON.stringify(answer)}`);
    this.room = room;
    this.#sessions.set(dealer, { key: this.#sessionKey([nonce, cn], dev), uploads: 0 });
    return answer;
  }

  /** Sends messages over a connection where it has joined, in an upload. */
  async upload(dealer: RawDealer, ...messages: object[]): Promise<void> {
    const session = this.#sessions.get(dealer);
    if (!session) throw new Error('not joined');
    const text = JSON.stringify({ up: ++session.uploads, m: messages }).slice(0, -1);
    const mac = createHmac('sha256', session.key).update(text).digest().subarray(0, 16).toString('base64url');
    await dealer.send(`${text},"mac":"${mac}"}`);
  }

  /** A message, signed for the room that was joined, or for another. */
  says({ name, text, id, lc = 1, ts = 1, in: seen = 0, room = this.room }: Said): object {
    const salt = randomBytes(16).toString('base64url');
    const words = createHash('sha256')
      .update(JSON.stringify(['0mq-chat words', salt, text]))
      .digest('base64url');
    const sig = this.#sign(['0mq-chat message', room, id, lc, ts, seen, 0, name, words, 0, 0]);
    return { name, text: `${text}\n`, id, lc, ts, in: seen, salt, key: this.key, sig };
  }

  #sessionKey(salt: string[], dev: string): Buffer {
    const theirs = ed25519.utils.toMontgomery(Buffer.from(this.room, 'base64url'));
    const shared = x25519.getSharedSecret(ed25519.utils.toMontgomerySecret(this.#seed), theirs);
    const info = JSON.stringify(['0mq-chat session', this.room, this.key, dev]);
    return Buffer.from(hkdfSync('sha256', shared, JSON.stringify(salt), info, 32));
  }

  #sign(parts: unknown[]): string {
    return sign(null, Buffer.from(JSON.stringify(parts)), this.#privateKey).toString('base64url');
  }
}

/** A new device that is made from this key. */
export function deviceOf(key: string): string {
  const salt = randomBytes(8);
  const text = JSON.stringify(['0mq-chat device', key, salt.toString('base64url')]);
  const half = createHash('sha256').update(text).digest().subarray(0, 16);
  return Buffer.concat([salt, half]).toString('base64url');
}

/** Whether the room with this key signed the welcome, for who sent this nonce. */
function isOfRoom(room: string, cn: string, { log, run, head, hh = '', sig }: Answer): boolean {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: room }, format: 'jwk' });
  const text = JSON.stringify(['0mq-chat welcome', room, cn, log, run, head, hh]);
  return verify(null, Buffer.from(text), key, Buffer.from(String(sig), 'base64url'));
}

const isBuffer = (value: unknown) => Buffer.isBuffer(value);
