import { randomBytes } from 'node:crypto';
import type { Dealer } from 'zeromq';
import { curveKeyOf } from '../../src/keys/curve.ts';
import { crypto, identityOf, newDevice, newNonce } from '../../src/keys/ed25519.ts';
import { decode, encode, seal } from '../../src/protocol/codec.ts';
import type { Join, Message, Received } from '../../src/protocol/frames.ts';
import { joinProof, sessionInfo, sessionSalt, signedText } from '../../src/protocol/signed.ts';
import { openDealer } from '../../src/transport/sockets.ts';

/** Where a room is, by its port on this machine; its key is needed to meet it in secret. */
export type RoomAt = { port: number; room: string; isSecure: boolean };
export const openAt = (port: number): RoomAt => ({ port, room: '', isSecure: false });

export const newPerson = () => identityOf(randomBytes(32));
export type Person = ReturnType<typeof newPerson>;

/**
 * The smallest member there can be, for benches and attacks: it says numbered words, as fast as it is told, and knows how long
 * each took to come back. It joins whenever it is connected, and again when it is told to.
 */
export class SmallMember {
  /** Of each of its words that came back, in ms. */
  readonly tookMs: number[] = [];
  /** Of its words that came back: those that came twice, or not in their order. */
  wrong = 0;
  rejoins = 0;
  disconnects = 0;
  /** Places that it has read, of whoever. */
  read = 0;
  isIn = false;
  readonly person: Person;
  readonly #name: string;
  readonly #at: RoomAt;
  readonly #socket: Dealer;
  readonly #dev: string;
  #room = '';
  #sessionKey = '';
  /** The newest join that was sent. */
  #asked: Join;
  #uploads = 0;
  #n = 0;
  #lastBack = 0;
  #lastSeq = 0;
  #ackedSeq = 0;
  readonly #saidMs = new Map<number, number>();
  #entered = () => {};

  constructor(at: RoomAt, person = newPerson(), name = `m-${person.key.slice(0, 12)}`) {
    this.#at = at;
    this.person = person;
    this.#name = name;
    this.#dev = newDevice(person.key);
    this.#asked = this.joinFrame();
    this.#socket = openDealer(at.isSecure ? { own: person.curve, other: curveKeyOf(at.room) } : undefined);
    this.#socket.events.on('handshake', () => this.#socket.closed || this.#join());
    this.#socket.events.on('disconnect', () => {
      this.disconnects++;
      this.isIn = false;
    });
    void this.#hear().catch(() => {});
    // Whoever says nothing for long has left.
    setInterval(() => this.isIn && this.#ack(), 5_000).unref();
  }

  /** Resolves when it is in. */
  enter(address = '127.0.0.1'): Promise<void> {
    this.#socket.connect(`tcp://${address}:${this.#at.port}`);
    return new Promise((entered) => (this.#entered = entered));
  }

  joinFrame(name = this.#name): Join {
    const { key } = this.person;
    return { kind: 'join', name, version: 1, key, dev: this.#dev, cn: newNonce(), history: 0 };
  }

  /** So many of its words have not come back. */
  get missing(): number {
    return this.#saidMs.size;
  }

  /** Resolves with false if the socket is full. */
  send(data: string | Buffer): Promise<boolean> {
    if (this.#socket.closed) return Promise.resolve(false);
    return this.#socket.send(data).then(
      () => true,
      () => false,
    );
  }

  /** Asks to be called so; the question is answered by itself. */
  rename(name: string): Promise<boolean> {
    this.#asked = this.joinFrame(name);
    return this.send(encode(this.#asked));
  }

  say(text: string): Promise<boolean> {
    if (!this.isIn) return Promise.resolve(false);
    const n = ++this.#n;
    this.#saidMs.set(n, performance.now());
    const first = this.#uploads === 0 && { first: true as const };
    return this.upload({ ...this.#words(text, n, this.#dev, this.person), ...first });
  }

  /** As somebody else would have said it, wrongly signed. */
  forge(text: string, other: Person): Promise<boolean> {
    return this.upload({ ...this.#words(text, 1, newDevice(other.key), other), sig: 'A'.repeat(86) });
  }

  upload(message: Message): Promise<boolean> {
    const frame = { kind: 'upload' as const, k: ++this.#uploads, messages: [message] };
    return this.send(this.#at.isSecure ? encode(frame) : seal(frame, (text) => crypto.mac(this.#sessionKey, text)));
  }

  close(): void {
    this.#socket.close();
  }

  #words(text: string, n: number, dev: string, person: Person): Message {
    const when = { lc: n, ts: Date.now(), in: n - 1, salt: newNonce() };
    const said: Message = { kind: 'message', name: this.#name, text, id: { dev, n }, ...when, key: person.key };
    return { ...said, sig: person.sign(signedText(crypto, this.#room, said)) };
  }

  #join(): void {
    this.isIn = false;
    void this.rename(this.#name);
  }

  async #hear(): Promise<void> {
    for await (const [bytes] of this.#socket) if (bytes) this.#take(decode(bytes));
  }

  #take(frame: Received): void {
    if (frame.kind === 'batch') for (const part of frame.frames) this.#take(part);
    else if (frame.kind === 'challenge') this.#prove(frame.nonce, frame.room);
    else if (frame.kind === 'welcome') this.#enter();
    else if (frame.kind === 'rejoin') this.#rejoin(frame.delayMs);
    else if (frame.kind === 'heartbeat') this.#ack();
    else if (frame.kind === 'entries') this.#readEntries(frame.from, frame.rows);
  }

  #prove(nonce: string, room: string): void {
    const join = this.#asked;
    this.#room = room;
    const proof = this.person.sign(joinProof(nonce, room, join, this.#at.isSecure));
    this.#sessionKey = this.person.sessionKey(room, sessionSalt(nonce, join.cn ?? ''), sessionInfo(room, join)) ?? '';
    this.#uploads = 0;
    void this.send(encode({ ...join, proof }));
  }

  #enter(): void {
    this.isIn = true;
    this.#entered();
  }

  #rejoin(delayMs: number): void {
    this.rejoins++;
    setTimeout(() => this.#join(), delayMs).unref();
  }

  #ack(): void {
    this.#ackedSeq = this.#lastSeq;
    void this.send(encode({ kind: 'ack', seq: this.#lastSeq }));
  }

  #readEntries(from: number, rows: readonly Received[]): void {
    this.read += rows.length;
    for (const row of rows) if (row.kind === 'message' && row.id?.dev === this.#dev) this.#readOwn(row.id.n);
    this.#lastSeq = from + rows.length - 1;
    if (this.#lastSeq - this.#ackedSeq >= 500) this.#ack();
  }

  #readOwn(n: number): void {
    const saidMs = this.#saidMs.get(n);
    if (saidMs === undefined || n !== this.#lastBack + 1) this.wrong++;
    if (saidMs !== undefined) this.tookMs.push(performance.now() - saidMs);
    this.#saidMs.delete(n);
    this.#lastBack = n;
  }
}

/** The share `q` of them is no larger than this. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
