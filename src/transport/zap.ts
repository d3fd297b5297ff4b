import { Reply } from 'zeromq';
import { domains } from './sockets.ts';

/** Where libzmq looks for the handler of a process (rfc.zeromq.org/spec/27). */
const zapEndpoint = 'inproc://zeromq.zap.01';

/** Somebody at a door: at an encrypted one with the X25519 key that it has proven to have. */
export type Knock = { address: string; publicKey?: Buffer };
/**
 * What is answered. `full`: too many from that network are here; a client tells that from `refused`. Never 300, "try again":
 * libzmq would hold such a connection open until it is too late for it.
 */
export const statuses = { admitted: 200, refused: 400, full: 500 };
export type Verdict = keyof typeof statuses;
export type Judge = (knock: Knock) => Verdict;

/**
 * Says who may come in by the doors of this process, before anything that they send is read. While nobody answers, nobody
 * is let in by a closed one. MUST be open before such a door is, and the end of `answer` MUST end the program, for whoever
 * knocks after that is turned away without a word.
 */
export class Zap {
  readonly #socket = new Reply({ linger: 0 });
  readonly #judge: Judge;
  #isClosed = false;

  private constructor(judge: Judge) {
    this.#judge = judge;
  }

  static async open(judge: Judge): Promise<Zap> {
    const zap = new Zap(judge);
    await zap.#socket.bind(zapEndpoint);
    return zap;
  }

  /** Answers until it is closed. Rejects when it can answer no more although nobody has closed it. */
  async answer(): Promise<void> {
    try {
      for await (const request of this.#socket) await this.#socket.send(this.#answer(request));
    } catch (error) {
      if (!this.#socket.closed) throw error;
    }
    if (!this.#isClosed) throw new Error('nobody says any more who may come in');
  }

  #answer([version = '1.0', id = '', ...request]: (Buffer | string)[]): (Buffer | string)[] {
    return [version, id, String(statuses[this.#decide(request)]), '', '', ''];
  }

  #decide([domain, from, , mechanism, publicKey]: (Buffer | string)[]): Verdict {
    const [door, address] = [`${domain} ${mechanism}`, String(from)];
    if (door === `${domains.open} NULL`) return this.#judge({ address });
    const isProven = door === `${domains.closed} CURVE` && Buffer.isBuffer(publicKey);
    return isProven ? this.#judge({ address, publicKey }) : 'refused';
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
  }
}
