import { Dealer } from 'zeromq';

/** A member by the original's wire: it hears all others, and not itself. */
export class Original {
  read = 0;
  /** Messages of an author that came out of order, doubled or after a gap. */
  wrong = 0;
  readonly rejoins = 0;
  readonly disconnects = 0;
  readonly #name: string;
  readonly #port: number;
  readonly #socket = new Dealer({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 0 });
  readonly #last = new Map<string, number>();

  constructor(port: number, no: number) {
    this.#port = port;
    this.#name = `m${no}`;
  }

  async enter(): Promise<void> {
    this.#socket.connect(`tcp://127.0.0.1:${this.#port}`);
    await this.#socket.send(JSON.stringify({ auth: 1, name: this.#name }));
    void this.#hear().catch(() => {});
  }

  async say(text: string): Promise<boolean> {
    await this.#socket.send(JSON.stringify({ name: this.#name, text: `${text}\n` }));
    return true;
  }

  async #hear(): Promise<void> {
    for await (const [bytes] of this.#socket) {
      const { name, text } = JSON.parse(String(bytes));
      const [, no] = /^\^\d+\.(\d+)/.exec(text) ?? [];
      // A greeting is nobody's message.
      if (no === undefined) continue;
      if (Number(no) <= (this.#last.get(name) ?? -1)) this.wrong++;
      this.#last.set(name, Number(no));
      this.read++;
    }
  }
}
