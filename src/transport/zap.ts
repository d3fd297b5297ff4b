import { Reply } from 'zeromq';
import { closedDomain } from './sockets.ts';

/** Where libzmq looks for the handler of a process (rfc.zeromq.org/spec/27). */
const zapEndpoint = 'inproc://zeromq.zap.01';

/**
 * Says who may knock at the closed doors of this process, before anything that they send is read. While nobody answers,
 * nobody is let in. MUST be open before such a door is, and the end of `answer` MUST end the program, for whoever knocks after
 * that is turned away without a word.
 */
export class Zap {
  readonly #socket = new Reply({ linger: 0 });
  readonly #admits: (publicKey: Buffer) => boolean;
  #isClosed = false;

  private constructor(admits: (publicKey: Buffer) => boolean) {
    this.#admits = admits;
  }

  /** @param admits is asked with the X25519 key that the other side has proven to have */
  static async open(admits: (publicKey: Buffer) => boolean): Promise<Zap> {
    const zap = new Zap(admits);
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

  /** Never 300, "try again": libzmq would hold such a connection open until it is too late for it. */
  #answer([version = '1.0', id = '', domain, , , mechanism, publicKey]: (Buffer | string)[]): (Buffer | string)[] {
    const isEncrypted = String(domain) === closedDomain && String(mechanism) === 'CURVE';
    const isAdmitted = isEncrypted && Buffer.isBuffer(publicKey) && this.#admits(publicKey);
    return [version, id, isAdmitted ? '200' : '400', '', '', ''];
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
  }
}
