import { randomBytes } from 'node:crypto';
import type { Dealer } from 'zeromq';
import { curveKeyOf } from '../../src/keys/curve.ts';
import { crypto, identityOf, newDevice, newNonce } from '../../src/keys/ed25519.ts';
import { decode, encode, seal } from '../../src/protocol/codec.ts';
import type { Join, Message, Received } from '../../src/protocol/frames.ts';
import { joinProof, sessionInfo, sessionSalt, signedText } from '../../src/protocol/signed.ts';
import { openDealer } from '../../src/transport/sockets.ts';

/** Where a room is, by its port on this machine and its key; in secret or not. */
export type RoomAt = { port: number; room: string; isSecure: boolean };

export const newPerson = () => identityOf(randomBytes(32));
export type Person = ReturnType<typeof newPerson>;

/** The smallest member there can be: it says numbered words, and knows how long each took to come back. */
export class SmallMember {
  /** Of each of its words that came back, in ms. */
  readonly tookMs: number[] = [];
  /** Places that it has read, of whoever. */
  read = 0;
  disconnects = 0;
  isIn = false;
  readonly person: Person;
  readonly #at: RoomAt;
  readonly #socket: Dealer;
  readonly #dev: string;
  #sessionKey = '';
  #uploads = 0;
  #n = 0;
  #lastSeq = 0;
  #ackedSeq = 0;
  readonly #saidMs = new Map<number, number>();
  #entered = () => {};
  #cn = '';

  constructor(at: RoomAt, person = newPerson()) {
    this.#at = at;
    this.person = person;
    this.#dev = newDevice(person.key);
    this.#socket = openDealer(at.isSecure ? { own: person.curve, other: curveKeyOf(at.room) } : undefined);
    this.#socket.events.on('handshake', () => this.#socket.closed || this.#join());
    this.#socket.events.on('disconnect', () => {
      this.disconnects++;
      this.isIn = false;
    });
    void this.#hear().catch(() => {});
    // Whoever says nothing for long has left.
    setInterval(() => this.#ack(), 5_000).unref();
  }

  /** Resolves when it is in. */
  enter(): Promise<void> {
    this.#socket.connect(`tcp://127.0.0.1:${this.#at.port}`);
    return new Promise((entered) => (this.#entered = entered));
  }

  get unanswered(): number {
    return this.#saidMs.size;
  }

  say(text: string): void {
    if (!this.isIn) return;
    const { room } = this.#at;
    const id = { dev: this.#dev, n: ++this.#n };
    const words = {
      kind: 'message',
      name: this.#name,
      text,
      id,
      lc: 1,
      ts: Date.now(),
      in: 0,
      salt: newNonce(),
    } as const;
    const message: Message = { ...words, key: this.person.key };
    const sig = this.person.sign(signedText(crypto, room, message));
    const first = this.#uploads === 0 && { first: true as const };
    this.#saidMs.set(this.#n, performance.now());
    this.#send({ kind: 'upload', k: ++this.#uploads, messages: [{ ...message, sig, ...first }] });
  }

  close(): void {
    this.#socket.close();
  }

  get #name(): string {
    return `m-${this.person.key.slice(0, 12)}`;
  }

  #send(frame: Parameters<typeof seal>[0]): void {
    const data = this.#at.isSecure ? encode(frame) : seal(frame, (text) => crypto.mac(this.#sessionKey, text));
    void this.#socket.send(data).catch(() => {});
  }

  get #joinFrame(): Join {
    return {
      kind: 'join',
      name: this.#name,
      version: 1,
      key: this.person.key,
      dev: this.#dev,
      cn: this.#cn,
      history: 0,
    };
  }

  #join(): void {
    this.#cn = newNonce();
    this.isIn = false;
    void this.#socket.send(encode(this.#joinFrame)).catch(() => {});
  }

  async #hear(): Promise<void> {
    for await (const [bytes] of this.#socket) if (bytes) this.#take(decode(bytes));
  }

  #take(frame: Received): void {
    if (frame.kind === 'batch') for (const part of frame.frames) this.#take(part);
    else if (frame.kind === 'challenge') {
      const { nonce, room } = frame;
      const proof = this.person.sign(joinProof(nonce, room, this.#joinFrame, this.#at.isSecure));
      const info = sessionInfo(room, this.#joinFrame);
      this.#sessionKey = this.person.sessionKey(room, sessionSalt(nonce, this.#cn), info) ?? '';
      this.#uploads = 0;
      void this.#socket.send(encode({ ...this.#joinFrame, proof })).catch(() => {});
    } else if (frame.kind === 'welcome') {
      this.isIn = true;
      this.#entered();
    } else if (frame.kind === 'rejoin') this.#join();
    else if (frame.kind === 'entries') this.#readEntries(frame.from, frame.rows);
  }

  #ack(): void {
    if (this.#socket.closed || !this.isIn) return;
    this.#ackedSeq = this.#lastSeq;
    void this.#socket.send(encode({ kind: 'ack', seq: this.#lastSeq })).catch(() => {});
  }

  #readEntries(from: number, rows: readonly Received[]): void {
    this.read += rows.length;
    for (const row of rows)
      if (row.kind === 'message' && row.id?.dev === this.#dev) {
        const saidMs = this.#saidMs.get(row.id.n);
        if (saidMs !== undefined) this.tookMs.push(performance.now() - saidMs);
        this.#saidMs.delete(row.id.n);
      }
    this.#lastSeq = from + rows.length - 1;
    if (this.#lastSeq - this.#ackedSeq >= 500) this.#ack();
  }
}

/** The share `q` of them is no larger than this. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
