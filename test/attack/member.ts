import { setTimeout as sleep } from 'node:timers/promises';
import { Person, RawDealer } from '../support/raw.ts';

type Frame = Record<string, unknown>;

/** A member who says something, waits until it is back, and says the next thing: what it feels is what an attack does to the room. */
export class Member {
  /** How long each of its words took to come back, in ms. */
  times: number[] = [];
  /** Texts that it has read, in their order. */
  readonly texts: string[] = [];
  /** How often the room has told it to join again. */
  rejoins = 0;
  readonly name: string;
  readonly #dealer: RawDealer;
  readonly #person = new Person();
  #said = 0;
  #head = 0;
  #heard: (text: string) => void = () => {};
  #isOver = false;

  private constructor(name: string, dealer: RawDealer) {
    this.name = name;
    this.#dealer = dealer;
  }

  static async join(port: number, name: string): Promise<Member> {
    const member = new Member(name, new RawDealer(port));
    const answer = await member.#person.join(member.#dealer, name);
    if (!answer.welcome) throw new Error(`${name} is not welcome: ${JSON.stringify(answer)}`);
    void member.#read().catch(() => {});
    return member;
  }

  /** Talks until `until` is over. */
  async talk(until: Promise<unknown>): Promise<void> {
    let isOver = false;
    void until.finally(() => (isOver = true)).catch(() => {});
    while (!isOver) {
      await this.say();
      await sleep(20);
    }
  }

  /** Resolves with its words when they are back. */
  async say(): Promise<string> {
    const text = `${this.name} ${++this.#said}`;
    const startMs = performance.now();
    const back = new Promise<void>((resolve) => {
      this.#heard = (heard) => heard === text && resolve();
    });
    const id = `${this.#person.device}.${this.#said}`;
    const said = { name: this.name, text, id, lc: this.#said, in: this.#said - 1 };
    await this.#person.upload(this.#dealer, { ...this.#person.says(said), ...(this.#said === 1 && { first: 1 }) });
    await back;
    this.times.push(performance.now() - startMs);
    return text;
  }

  /** Resolves when it has read this, or not within some seconds. */
  async reads(text: string): Promise<boolean> {
    for (let round = 0; round < 500 && !this.texts.includes(text); round++) await sleep(20);
    return this.texts.includes(text);
  }

  close(): void {
    this.#isOver = true;
    this.#dealer.close();
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      const frames: Frame[] = [JSON.parse(await this.#dealer.receive())].flat();
      for (const frame of frames) await this.#take(frame);
    }
  }

  async #take({ e, from, hb, rejoin }: Frame): Promise<void> {
    if (rejoin !== undefined) this.rejoins++;
    if (hb !== undefined) await this.#dealer.send({ ack: this.#head });
    if (!Array.isArray(e)) return;
    const [, ...rows] = e;
    this.#head = Number(from) + rows.length - 1;
    for (const text of rows.map(textOf)) {
      this.texts.push(text);
      this.#heard(text);
    }
    if (this.#head % 256 < rows.length) await this.#dealer.send({ ack: this.#head });
  }
}

/** The text of a row of entries: docs/protocol.md, P25. */
const textOf = (row: unknown): string =>
  Array.isArray(row) ? String(row.find((cell) => typeof cell === 'string')) : '';
