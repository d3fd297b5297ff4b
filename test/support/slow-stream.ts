import { Writable } from 'node:stream';

/** A stream whose reader takes what was written only when it is told to. */
export class SlowStream extends Writable {
  /** What the reader has got. */
  text = '';
  isTTY = false;
  #isHeld = true;
  #held: ((error?: Error) => void) | undefined;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const take = (error?: Error) => {
      if (!error) this.text += chunk;
      done(error);
    };
    if (this.#isHeld) this.#held = take;
    else take();
  }

  /** The reader takes what it is offered, once, and whoever wrote it knows. */
  async takeOne(): Promise<void> {
    const take = this.#held;
    this.#held = undefined;
    take?.();
    await turn();
  }

  /** From now on the reader is fast. */
  async takeAll(): Promise<void> {
    this.#isHeld = false;
    await this.takeOne();
  }

  /** Its reader is gone. */
  async fail(code: string): Promise<void> {
    this.#held?.(Object.assign(new Error(code), { code }));
    await turn();
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

/** The callbacks of what is done by now have been called. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
