import type { RosterFrame } from '../../protocol/frames.ts';
import { type Address, addressText, membersDigest, rosterText, type SignedRoster } from '../../protocol/roster.ts';
import { maxMembers, rosterBytes } from '../limits.ts';
import type { Store } from '../log/store.ts';
import { type Now, theLink } from '../turn.ts';
import type { Member } from './member.ts';

/** Parts of the roster that came since the last signed version; `isAnew`: they begin at the beginning. */
type Staged = { version: number; isAnew: boolean; members: Map<string, string | undefined>; addresses: Address[] };

/** Of no part. */
const noVersion = -1;

/**
 * Who the members of the room are, and where they can be reached: for those who may link with them when the server is away.
 *
 *   R3 only a list that comes to the digest that the room has signed counts, and is kept, whole; R4 its version only rises.
 */
export class Roster {
  /** The newest version that counts. */
  signed: SignedRoster | undefined;
  readonly #member: Member;
  readonly #store: Store;
  #staged: Staged;
  /** The names, by key. */
  #members: Map<string, string> | undefined;
  #isAskedAnew = false;
  /** Over which link the parts come. */
  #source = theLink;
  #own: Address | undefined;
  /** Members of this room are not to link with each other. */
  #isBarred = false;

  constructor(member: Member, store: Store) {
    this.#member = member;
    this.#store = store;
    this.signed = store.roster.signed;
    this.#staged = this.#nothing(this.signed?.version ?? 0);
  }

  /** Says what is here, so that the room tells what came after it; and where this device can be reached. */
  ask(now: Now): void {
    const { hosts } = this.#member.options;
    if (!hosts || this.#isBarred) return;
    this.#isAskedAnew = false;
    this.#source = theLink;
    this.#staged = this.#nothing(this.signed?.version ?? 0);
    const own = hosts.length > 0 && { addresses: [this.#address(hosts, now)] };
    this.#member.send({ kind: 'roster', version: 0, ...this.signed, ...own });
  }

  /** The room says whether its members may link. What is known of them from before is forgotten if not. */
  bar(isBarred: boolean): void {
    this.#isBarred = isBarred;
    if (!isBarred || (this.signed === undefined && this.#names.size === 0)) return;
    const devices = this.#store.addresses().map(({ dev }) => dev);
    const forgotten = [...this.#names.keys(), ...devices];
    this.#member.copy.buffer.enroll({ forgotten, roster: { last: 0, base: 0 } });
    [this.#members, this.signed] = [new Map(), undefined];
  }

  /** There is somebody else who could be linked with. */
  get hasOthers(): boolean {
    return this.#names.size > (this.has(this.#member.options.identity.key) ? 1 : 0);
  }

  /** Later than the one before, whatever the clock says. */
  #address(hosts: readonly string[], { wallMs }: Now): Address {
    const { courier, options, room = '' } = this.#member;
    const { identity } = options;
    const ts = Math.max(Math.trunc(wallMs), (this.#store.address(courier.dev)?.ts ?? 0) + 1, 0);
    const address = { key: identity.key, dev: courier.dev, ts, hosts: [...hosts] };
    return { ...address, sig: identity.sign(addressText(room, address)) };
  }

  has(key: string): boolean {
    return this.#names.has(key);
  }

  nameOf(key: string): string {
    return this.#names.get(key) ?? '';
  }

  get keys(): Iterable<string> {
    return this.#names.keys();
  }

  get #names(): Map<string, string> {
    return (this.#members ??= this.#read());
  }

  /** Where members said that they can be reached. Who uses one MUST check it first. */
  get reachable(): Address[] {
    return this.#store.addresses().filter(({ key }) => this.has(key));
  }

  /** Its owner has signed it. [P44] */
  isGenuine({ key, dev, ts, hosts, sig }: Address): boolean {
    const { options, room = '' } = this.#member;
    const { crypto } = options;
    return crypto.isDeviceOf(key, dev) && crypto.verify(key, addressText(room, { key, dev, ts, hosts }), sig);
  }

  /** The own address as it is now, and those of these devices, for who is to find them. */
  known(devices: readonly string[], now: Now): Address[] {
    const { hosts = [] } = this.#member.options;
    if (hosts.length === 0) this.#own = undefined;
    else if (this.#own?.hosts.join() !== hosts.join() || this.#own.dev !== this.#member.courier.dev)
      this.#own = this.#address(hosts, now);
    const others = devices.flatMap((dev) => this.#store.address(dev) ?? []);
    const said = others.map(({ version: _, ...address }) => address);
    return this.#own ? [this.#own, ...said] : said;
  }

  /** Members have moved, as they say themselves. */
  hearAddresses(addresses: readonly Address[]): void {
    const isNewer = ({ dev, ts }: Address) => ts > (this.#store.address(dev)?.ts ?? -1);
    const isMine = ({ dev }: Address) => dev === this.#member.courier.dev;
    const newer = addresses.filter((one) => this.has(one.key) && !isMine(one) && isNewer(one) && this.isGenuine(one));
    if (newer.length > 0) this.#member.copy.buffer.enroll({ addresses: newer.map((one) => ({ ...one, version: 0 })) });
  }

  /** All of it, for a member that has an older one. [P52] */
  parts(): RosterFrame[] {
    if (!this.signed) return [];
    const { version } = this.signed;
    const parts: RosterFrame[] = [{ kind: 'roster', version, from: 0 }];
    let bytes = 0;
    const put = (more: number): RosterFrame => {
      bytes += more;
      if (bytes > rosterBytes.frame) [bytes] = [more, parts.push({ kind: 'roster', version, from: version })];
      return parts.at(-1) as RosterFrame;
    };
    for (const [key, name] of this.#names) (put(key.length + 6 * name.length + 8).members ??= []).push({ key, name });
    for (const { version: _, ...address } of this.#store.addresses())
      (put(Buffer.byteLength(JSON.stringify(address))).addresses ??= []).push(address);
    Object.assign(parts.at(-1) as RosterFrame, this.signed);
    return parts;
  }

  /** The next part of what was asked for, or of what somebody near has. */
  take({ from = 0, version, members = [], addresses = [], at, digest, sig }: RosterFrame, source = theLink): void {
    if (from > 0 && source !== this.#source) return;
    this.#source = source;
    if (from === 0) this.#staged = { ...this.#nothing(version), isAnew: true };
    else if (from !== this.#staged.version) return;
    this.#staged.version = version;
    for (const { key, name } of members) this.#staged.members.set(key, name);
    this.#staged.addresses.push(...addresses);
    const { size } = this.#staged.members;
    if (size + this.#staged.addresses.length > 4 * maxMembers) this.#staged = this.#nothing(0);
    if (at !== undefined && digest !== undefined && sig !== undefined) this.#settle({ version, at, digest, sig });
  }

  #settle(signed: SignedRoster): void {
    const { options, copy, room = '' } = this.#member;
    const known = this.#names;
    const { isAnew, members: changed, addresses } = this.#staged;
    this.#staged = this.#nothing(signed.version);
    if (this.signed && signed.version <= this.signed.version) return;
    const members = new Map(isAnew ? [] : known);
    for (const [key, name] of changed) name === undefined ? members.delete(key) : members.set(key, name);
    const isWhole = membersDigest(options.crypto, members) === signed.digest;
    if (!isWhole || !options.crypto.verify(room, rosterText(room, signed), signed.sig)) return this.#askAnew();
    this.#members = members;
    this.signed = signed;
    const { version } = signed;
    const came = [...changed].flatMap(([key, name]) =>
      name === undefined ? [] : { key, name, version, firstMs: 0, seenMs: 0 },
    );
    const newest = addresses.filter(({ dev, ts }) => ts > (this.#store.address(dev)?.ts ?? -1));
    const devices = this.#store.addresses().filter(({ key }) => !members.has(key));
    copy.buffer.enroll({
      members: came,
      addresses: newest.map((address) => ({ ...address, version })),
      forgotten: [...[...known.keys()].filter((key) => !members.has(key)), ...devices.map(({ dev }) => dev)],
      roster: { signed, last: version, base: 0 },
    });
  }

  /** What is here does not come to what was signed: the whole list does. Once, until it is asked for again. */
  #askAnew(): void {
    // What came with it is gone, addresses too, of which no digest tells: nothing can follow it.
    this.#staged = this.#nothing(noVersion);
    // Whoever is near says anew what it has.
    if (this.#source !== theLink) return;
    if (!this.#isAskedAnew) this.#member.send({ kind: 'roster', version: 0 });
    this.#isAskedAnew = true;
  }

  #read(): Map<string, string> {
    return new Map(this.#store.members().map(({ key, name = '' }) => [key, name]));
  }

  #nothing = (version: number): Staged => ({ version, isAnew: false, members: new Map(), addresses: [] });
}
