import type { Message } from '../../protocol/frames.ts';
import type { Change, Device } from '../log/store.ts';

/**
 * How far a device has given its words away: what is above that is known to nobody but this folder. And what was typed in
 * this run, which a pipe is asked about when it ends.
 */
export class Giving {
  /** The highest n that may leave, or has left: that is on disk. */
  given = 0;
  piped: number | undefined;
  /** How much of what was typed in this run was dropped. */
  dropped = 0;
  readonly #isPipe: boolean;
  #dev: string;
  #begunAtN = Number.POSITIVE_INFINITY;

  constructor({ dev, given = 0, piped, isPipe = false }: Partial<Device> & { dev: string; isPipe?: boolean }) {
    this.#dev = dev;
    this.given = given;
    this.piped = piped;
    this.#isPipe = isPipe;
  }

  /** What is typed from now on is of this run. Returns true if that is news for the disk. */
  begin(lastN: number): boolean {
    const was = this.piped;
    this.#begunAtN = lastN;
    this.piped = this.#isPipe ? lastN : undefined;
    return this.piped !== was;
  }

  /** Another device begins. */
  renew(dev: string): void {
    this.#dev = dev;
    this.given = 0;
    this.begin(0);
  }

  /** What is on disk now. */
  settle({ device }: Change): void {
    if (device?.dev === this.#dev) this.given = device.given;
  }

  isUngiven({ id }: Message): boolean {
    return id?.dev === this.#dev && id.n > this.given;
  }

  isOfRun({ id }: Message): boolean {
    return id?.dev === this.#dev && id.n > this.#begunAtN;
  }

  /** Typed in this run, and given to nobody. */
  readonly isNew = (message: Message): boolean => this.isOfRun(message) && this.isUngiven(message);
}
