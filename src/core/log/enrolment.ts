import { type Address, membersDigest, rosterText } from '../../protocol/roster.ts';
import { maxDeparted, maxDevices, maxMembers } from '../limits.ts';
import type { Draft } from './draft.ts';
import type { LedgerOptions } from './ledger.ts';
import type { Membership, Place, Reachable } from './store.ts';

/**
 * Who the members are, as a decision changes it: every change has a number of its own, and now and then the room signs how
 * far it is. So whoever has one version needs only what came after it. [P43]
 *
 *   R1 no version is signed twice with another list, not even by a server that has lost its disk and is told of it;
 *   R2 who has read all changes up to a version comes to the digest that was signed of it.
 */
export class Enrolment {
  readonly #options: LedgerOptions;
  readonly #draft: Draft;
  readonly #now: Pick<Place, 'ranMs' | 'atMs'>;

  constructor(options: LedgerOptions, draft: Draft, now: Pick<Place, 'ranMs' | 'atMs'>) {
    this.#options = options;
    this.#draft = draft;
    this.#now = now;
  }

  /** It goes by this name from here on. */
  enter(key: string, name: string): void {
    const known = this.#draft.member(key);
    const { ranMs } = this.#now;
    const firstMs = known?.firstMs ?? ranMs;
    if (known?.name !== name) this.#draft.enroll({ key, name, version: this.#next(), firstMs, seenMs: ranMs });
    else this.#refresh(known);
  }

  /** Of two addresses of one device the one that was said later counts. */
  reach(address: Address): [] {
    const known = this.#draft.address(address.dev);
    const isNew = !known || (address.ts > known.ts && address.hosts.join() !== known.hosts.join());
    if (isNew && this.#isMember(address)) this.#draft.reach({ ...address, version: this.#next() });
    return [];
  }

  /** The room had signed a later version before its disk was lost: it goes on above, and all who read begin anew. */
  goOn(version: number): [] {
    const { roster } = this.#draft;
    if (version >= roster.last) this.#draft.goOn({ ...roster, last: version + 1, base: version + 1 });
    return [];
  }

  /** Who is there stays; who was not for as long as the log is kept is a member no longer. */
  tidy(present: ReadonlySet<string>): void {
    for (const member of this.#members) {
      if (present.has(member.key)) this.#refresh(member);
      else if (this.#now.ranMs - member.seenMs > this.#options.retention.ageMs) this.#leave(member);
    }
  }

  publish(): [] {
    const { crypto, identity } = this.#options;
    this.#shorten();
    const digest = membersDigest(
      crypto,
      this.#members.map(({ key, name = '' }) => [key, name]),
    );
    const { signed, last } = this.#draft.roster;
    if (signed?.version === last && signed.digest === digest) return [];
    // The disk may have lost somebody: then nobody who has read all that is there comes to what was signed.
    const version = signed?.version === last ? this.#next() : last;
    const head = { version, at: this.#now.atMs, digest };
    const sig = identity.sign(rosterText(identity.key, head));
    this.#draft.goOn({ ...this.#draft.roster, signed: { ...head, sig } });
    return [];
  }

  #shorten(): void {
    const members = this.#members.sort((a, b) => a.seenMs - b.seenMs);
    for (const member of members.slice(0, Math.max(members.length - maxMembers, 0))) this.#leave(member);
    const departed = this.#draft.members().filter(({ name }) => name === undefined);
    const old = departed.sort((a, b) => b.version - a.version).slice(maxDeparted);
    const [newest] = old;
    if (newest) this.#draft.goOn({ ...this.#draft.roster, base: Math.max(this.#draft.roster.base, newest.version) });
    const gone = [...old.map(({ key }) => key), ...surplus(this.#draft.addresses()).map(({ dev }) => dev)];
    if (gone.length > 0) this.#draft.forget(gone);
  }

  #leave({ key, firstMs, seenMs }: Membership): void {
    const devices = this.#draft.addresses().filter((address) => address.key === key);
    this.#draft.forget([key, ...devices.map(({ dev }) => dev)]);
    this.#draft.enroll({ key, version: this.#next(), firstMs, seenMs });
  }

  /** Seldom, for it is no change that anybody has to know of. */
  #refresh(member: Membership): void {
    const { ranMs } = this.#now;
    if (ranMs - member.seenMs > this.#options.retention.ageMs / 4) this.#draft.enroll({ ...member, seenMs: ranMs });
  }

  #isMember({ key }: Address): boolean {
    return this.#draft.member(key)?.name !== undefined;
  }

  get #members(): Membership[] {
    return this.#draft.members().filter(({ name }) => name !== undefined);
  }

  #next(): number {
    const { roster } = this.#draft;
    const last = roster.last + 1;
    this.#draft.goOn({ ...roster, last });
    return last;
  }
}

/** All but the newest of each member. */
export function surplus(addresses: Reachable[]): Reachable[] {
  const counts = new Map<string, number>();
  const countOf = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1).get(key) ?? 0;
  return addresses.sort((a, b) => b.ts - a.ts).filter(({ key }) => countOf(key) > maxDevices);
}
