import type { Erasure } from '../../protocol/erasure.ts';
import type { Message, MessageId } from '../../protocol/frames.ts';
import { formatId } from '../../protocol/signed.ts';
import type { Change, Device, Entry, Erased, Mark, Owner, Place, Signature, Signed, Store } from './store.ts';

type Known = Pick<Store, 'mark' | 'owner' | 'erasure'>;

/** The next write: a change that grows, and what the store will know after it. Nothing else is changed by it. */
export class Draft {
  readonly #known: Known;
  #change: Change = {};
  readonly #marks = new Map<string, Mark>();
  readonly #owners = new Map<string, Owner>();
  /** By id: what is to be kept, or no more. The last word counts. */
  readonly #pending = new Map<string, Message | MessageId>();

  constructor(known: Known) {
    this.#known = known;
  }

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

  get places(): readonly Place[] {
    return this.#change.entries ?? [];
  }

  mark(dev: string): Mark | undefined {
    return this.#marks.get(dev) ?? this.#known.mark(dev);
  }

  owner(name: string): Owner | undefined {
    return this.#owners.get(name) ?? this.#known.owner(name);
  }

  erasure(id: string): Erasure | undefined {
    return this.#change.erased?.find((erased) => formatId(erased.id) === id) ?? this.#known.erasure(id);
  }

  append(place: Place): void {
    (this.#change.entries ??= []).push(place);
  }

  mend(entry: Entry): void {
    (this.#change.mended ??= []).push(entry);
  }

  addSignatures(signatures: readonly Signature[]): void {
    (this.#change.signatures ??= []).push(...signatures);
  }

  erase(erased: Erased): void {
    (this.#change.erased ??= []).push(erased);
  }

  /** Everything of this device up to its n has been in the log. */
  see(mark: Mark): void {
    const known = this.mark(mark.dev);
    this.#marks.set(mark.dev, known && known.n > mark.n ? known : mark);
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
    const { device, erased, signed } = this.#change;
    const kept = { ...(device && { device }), ...(erased && { erased }), ...(signed && { signed }) };
    this.#change = { restart: { log, seq, hash }, ...kept };
  }

  trim(from: number, hash: string): void {
    this.#change.keep = { from, hash };
  }

  device(device: Device): void {
    this.#change.device = device;
  }

  ran(ranMs: number): void {
    this.#change.ranMs = ranMs;
  }

  sign(signed: Signed): void {
    this.#change.signed = signed;
  }
}
