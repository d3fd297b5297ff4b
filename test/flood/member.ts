import { randomBytes } from 'node:crypto';
import { crypto, identityOf, newDevice, newNonce } from '../../src/keys/ed25519.ts';
import { decode, encode, seal } from '../../src/protocol/codec.ts';
import type { Join, Message, Received } from '../../src/protocol/frames.ts';
import { joinProof, sessionInfo, sessionSalt, signedText } from '../../src/protocol/signed.ts';
import { openDealer } from '../../src/transport/sockets.ts';

export const newPerson = () => identityOf(randomBytes(32));
type Person = ReturnType<typeof newPerson>;

/** A member that says what it is told to, as fast as it is told, and knows how long each of its words took to come back. */
export class Member {
  /** Of each of its words that came back, in ms; and of these numbers, those that came twice or not in their order. */
  readonly tookMs: number[] = [];
  wrong = 0;
  rejoins = 0;
  /** Frames that the socket did not take. */
  untaken = 0;
  room = '';
  readonly person: Person;
  readonly #name: string;
  readonly #socket = openDealer();
  readonly #dev: string;
  readonly #saidMs = new Map<number, number>();
  #key = '';
  #cn = newNonce();
  #uploads = 0;
  #n = 0;
  #lastBack = 0;
  #acked = 0;
  #entered = () => {};

  constructor(port: number, name: string, person = newPerson()) {
    this.person = person;
    this.#name = name;
    this.#dev = newDevice(person.key);
    this.#socket.connect(`tcp://127.0.0.1:${port}`);
    void this.#hear().catch(() => {});
  }

  /** Resolves when it is in; asks for the question again if it is told another name. */
  enter(): Promise<void> {
    void this.send(encode(this.joinFrame()));
    return new Promise((entered) => (this.#entered = entered));
  }

  joinFrame(name = this.#name): Join {
    return { kind: 'join', name, version: 1, key: this.person.key, dev: this.#dev, cn: this.#cn, history: 0 };
  }

  /** So many of its words have not come back. */
  get missing(): number {
    return this.#saidMs.size;
  }

  /** Resolves with false if the socket is full. */
  async send(data: string | Buffer): Promise<boolean> {
    try {
      await this.#socket.send(data);
      return true;
    } catch {
      this.untaken++;
      return false;
    }
  }

  say(text: string): Promise<boolean> {
    const n = ++this.#n;
    this.#saidMs.set(n, performance.now());
    return this.upload({
      ...this.#words(text, n, this.#dev, this.person),
      ...(this.#uploads === 0 && { first: true }),
    });
  }

  /** As somebody else would have said it, wrongly signed. */
  forge(text: string, other: Person): Promise<boolean> {
    return this.upload({ ...this.#words(text, 1, newDevice(other.key), other), sig: 'A'.repeat(86) });
  }

  upload(message: Message): Promise<boolean> {
    const frame = { kind: 'upload' as const, k: ++this.#uploads, messages: [message] };
    return this.send(seal(frame, (sealed) => crypto.mac(this.#key, sealed)));
  }

  close(): void {
    this.#socket.close();
  }

  #words(text: string, n: number, dev: string, person: Person): Message {
    const when = { lc: n, ts: Date.now(), in: n - 1, salt: newNonce() };
    const said: Message = { kind: 'message', name: this.#name, text, id: { dev, n }, ...when, key: person.key };
    return { ...said, sig: person.sign(signedText(crypto, this.room, said)) };
  }

  async #hear(): Promise<void> {
    for await (const [bytes] of this.#socket) if (bytes) this.#take(decode(bytes));
  }

  #take(frame: Received): void {
    if (frame.kind === 'batch') for (const part of frame.frames) this.#take(part);
    else if (frame.kind === 'challenge') this.prove(frame.nonce, frame.room, this.joinFrame());
    else if (frame.kind === 'welcome') this.#entered();
    else if (frame.kind === 'rejoin') this.rejoins++;
    else if (frame.kind === 'heartbeat') void this.send(encode({ kind: 'ack', seq: this.#acked }));
    else if (frame.kind === 'entries') this.#read(frame.from, frame.rows);
  }

  prove(nonce: string, room: string, join: Join): void {
    this.room = room;
    this.#key = this.person.sessionKey(room, sessionSalt(nonce, join.cn ?? ''), sessionInfo(room, join)) ?? '';
    this.#uploads = 0;
    void this.send(encode({ ...join, proof: this.person.sign(joinProof(nonce, room, join)) }));
  }

  #read(from: number, rows: readonly Received[]): void {
    for (const row of rows) if (row.kind === 'message' && row.id?.dev === this.#dev) this.#readOwn(row.id.n);
    const seq = from + rows.length - 1;
    if (seq - this.#acked >= 500) void this.send(encode({ kind: 'ack', seq }));
    this.#acked = seq;
  }

  #readOwn(n: number): void {
    const saidMs = this.#saidMs.get(n);
    if (saidMs === undefined || n !== this.#lastBack + 1) this.wrong++;
    if (saidMs !== undefined) this.tookMs.push(performance.now() - saidMs);
    this.#saidMs.delete(n);
    this.#lastBack = n;
  }
}
