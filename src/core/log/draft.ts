import type { Message, MessageId } from '../../protocol/frames.ts';
import { formatId } from '../../protocol/signed.ts';
import type { Change, Entry, Mark, Owner, Place } from './store.ts';

/** Who knows marks and owners: the log, or a draft of what it will be. */
export type Known = { mark(dev: string): Mark | undefined; owner(name: string): Owner | undefined };

/** The next write: a change that grows, and what the log will know after it. Nothing else is changed by it. */
export class Draft implements Known {
  readonly #known: Known;
  #change: Change = {};
  readonly #marks = new Map<string, Mark>();
  readonly #owners = new Map<string, Owner>();
  /** By id: what is to be kept, or no more. The last word counts. */
  readonly #pending = new Map<string, Message | MessageId>();

  constructor(known: Known) {
    this.#known = known;
  }

  /** What is to be written, if anything. */
  get change(): Change | undefined {
    if (this.#marks.size > 0) this.#change.marks = [...this.#marks.values()];
    if (this.#owners.size > 0) this.#change.owners = [...this.#owners.values()];
    const pending = [...this.#pending.values()];
    const kept = pending.filter((message) => 'kind' in message);
    const dropped = pending.filter((id) => 'dev' in id);
    if (kept.length > 0) this.#change.pending = kept;
    if (dropped.length > 0) this.#change.dropped = dropped;
    return Object.keys(this.#change).length > 0 ? this.#change : undefined;
  }

  /** It begins another log, or this one from another place. */
  get isRestart(): boolean {
    return this.#change.restart !== undefined;
  }

  /** The places that it adds. */
  get places(): readonly Place[] {
    return this.#change.entries ?? [];
  }

  mark(dev: string): Mark | undefined {
    return this.#marks.get(dev) ?? this.#known.mark(dev);
  }

  owner(name: string): Owner | undefined {
    return this.#owners.get(name) ?? this.#known.owner(name);
  }

  /** The next place. */
  append(place: Place): void {
    (this.#change.entries ??= []).push(place);
  }

  mend(entry: Entry): void {
    (this.#change.mended ??= []).push(entry);
  }

  /** Everything of this device up to its n has been in the log. */
  see({ dev, n, key }: Mark): void {
    const highest = Math.max(n, this.mark(dev)?.n ?? 0);
    this.#marks.set(dev, key === undefined ? { dev, n: highest } : { dev, n: highest, key });
  }

  claim(owner: Owner): void {
    this.#owners.set(owner.name, owner);
  }

  keep(messages: readonly Message[]): void {
    for (const message of messages) if (message.id) this.#pending.set(formatId(message.id), message);
  }

  drop(ids: readonly MessageId[]): void {
    for (const id of ids) this.#pending.set(formatId(id), id);
  }

  restart(log: string, seq: number, hash: string): void {
    this.#change = { restart: { log, seq, hash } };
  }

  trim(from: number, hash: string): void {
    this.#change.keep = { from, hash };
  }

  ran(ranMs: number): void {
    this.#change.ranMs = ranMs;
  }
}
