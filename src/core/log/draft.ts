import type { Erasure } from '../../protocol/erasure.ts';
import type { Message, MessageId } from '../../protocol/frames.ts';
import { formatId } from '../../protocol/signed.ts';
import type {
  Change,
  Device,
  Entry,
  Erased,
  Hole,
  Mark,
  Membership,
  Owner,
  Place,
  Reachable,
  RosterState,
  Signature,
  Signed,
  Store,
} from './store.ts';

type Known = Pick<
  Store,
  'mark' | 'owner' | 'ownedBy' | 'erasure' | 'member' | 'members' | 'address' | 'addresses' | 'roster'
>;

/** The next write: a change that grows, and what the store will know after it. Nothing else is changed by it. */
export class Draft {
  readonly #known: Known;
  #change: Change = {};
  readonly #marks = new Map<string, Mark>();
  readonly #owners = new Map<string, Owner>();
  readonly #members = new Map<string, Membership>();
  readonly #addresses = new Map<string, Reachable>();
  /** By id: what is to be kept, or no more. The last word counts. */
  readonly #pending = new Map<string, Message | MessageId>();

  constructor(known: Known) {
    this.#known = known;
  }

  get change(): Change | undefined {
    if (this.#marks.size > 0) this.#change.marks = [...this.#marks.values()];
    if (this.#owners.size > 0) this.#change.owners = [...this.#owners.values()];
    if (this.#members.size > 0) this.#change.members = [...this.#members.values()];
    if (this.#addresses.size > 0) this.#change.addresses = [...this.#addresses.values()];
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

  owner(look: string): Owner | undefined {
    return this.#owners.get(look) ?? this.#known.owner(look);
  }

  ownedBy(key: string): Owner[] {
    const known = this.#known.ownedBy(key).filter(({ look }) => !this.#owners.has(look));
    return [...known, ...[...this.#owners.values()].filter((owner) => owner.key === key)];
  }

  get roster(): RosterState {
    return this.#change.roster ?? this.#known.roster;
  }

  member(key: string): Membership | undefined {
    return this.#members.get(key) ?? this.#known.member(key);
  }

  members(): Membership[] {
    return this.#with(this.#members, this.#known.members());
  }

  address(dev: string): Reachable | undefined {
    return this.#addresses.get(dev) ?? this.#known.address(dev);
  }

  addresses(): Reachable[] {
    return this.#with(this.#addresses, this.#known.addresses());
  }

  #with<T extends Membership | Reachable>(rows: Map<string, T>, known: T[]): T[] {
    const gone = new Set(this.#change.forgotten);
    const nameOf = (row: T) => ('dev' in row ? row.dev : row.key);
    return [...known.filter((row) => !rows.has(nameOf(row)) && !gone.has(nameOf(row))), ...rows.values()];
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
    const hole = known?.hole && known.hole.n > mark.n + 1 ? { hole: known.hole } : {};
    this.#marks.set(mark.dev, known && known.n > mark.n ? known : { ...mark, ...hole });
  }

  /** The log lacks what lies before this of a device. */
  lacks(dev: string, hole: Hole): void {
    this.#marks.set(dev, { n: 0, ...this.mark(dev), dev, hole });
  }

  claim(owner: Owner): void {
    this.#owners.set(owner.look, owner);
  }

  enroll(member: Membership): void {
    this.#members.set(member.key, member);
  }

  reach(address: Reachable): void {
    this.#addresses.set(address.dev, address);
  }

  /** Keys or devices. */
  forget(ids: readonly string[]): void {
    (this.#change.forgotten ??= []).push(...ids);
    for (const id of ids) for (const rows of [this.#members, this.#addresses]) rows.delete(id);
  }

  goOn(roster: RosterState): void {
    this.#change.roster = roster;
  }

  keep(messages: readonly Message[]): void {
    for (const message of messages) if (message.id) this.#pending.set(formatId(message.id), message);
  }

  drop(ids: readonly MessageId[]): void {
    for (const id of ids) this.#pending.set(formatId(id), id);
  }

  restart(log: string, seq: number, hash: string): void {
    const { device, erased, signed, roster, forgotten } = this.#change;
    const facts = { device, erased, signed, roster, forgotten };
    const kept = Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined));
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
