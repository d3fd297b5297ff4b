import type { MessageId } from '../../protocol/frames.ts';

/**
 * What of the peer's words was shown, and which of them still are inside this program. A message is taken once, however often
 * it comes, and a receipt is due when its text has left, with all that was taken before it.
 */
export class Receipts {
  /** The highest n that was taken, by device. */
  readonly #taken = new Map<string, number>();
  #shows = 0;
  /** Taken, but their text has not left the program yet. */
  #inside: { place: number; id: MessageId | undefined }[] = [];

  get inside(): number {
    return this.#inside.length;
  }

  has({ dev, n }: MessageId): boolean {
    return n <= (this.#taken.get(dev) ?? 0);
  }

  isInside({ dev, n }: MessageId): boolean {
    return this.#inside.some(({ id }) => id?.dev === dev && id.n === n);
  }

  isNext(id: MessageId | undefined): boolean {
    return this.#inside[0]?.id === id;
  }

  /** Returns the place with which it leaves: what is not shown leaves with what was shown before it. */
  take(id: MessageId | undefined, isShown: boolean): number {
    if (id) this.#taken.set(id.dev, id.n);
    if (isShown) this.#shows++;
    this.#inside.push({ place: this.#shows, id });
    return this.#shows;
  }

  /** What was shown up to this place has left the program. Returns the newest of it that is of this device. */
  release(place: number, dev: string): MessageId | undefined {
    const newest = this.#inside.findLast((shown) => shown.place <= place && shown.id?.dev === dev);
    this.#inside = this.#inside.filter((shown) => shown.place > place);
    return newest?.id;
  }
}
