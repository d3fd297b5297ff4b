import type { RosterFrame } from '../../protocol/frames.ts';
import { type Address, addressText, membersDigest, rosterText, type SignedRoster } from '../../protocol/roster.ts';
import { checkedAtOnce, dayMs, maxDevices, maxMembers, rosterBytes } from '../limits.ts';
import { surplus } from '../log/enrolment.ts';
import type { Store } from '../log/store.ts';
import type { Now } from '../turn.ts';
import type { Member } from './member.ts';
import { StagedRoster } from './staged-roster.ts';

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
  /** What comes from the room; of what comes over links between members each link has its own. */
  readonly #staged = new StagedRoster(maxMembers * maxDevices);
  /** Where members are, with a list from somebody near: not checked yet, and checked, to be kept with the rest of it. */
  #unchecked: Address[] = [];
  #checked: Address[] = [];
  /** The names, by key. */
  #members: Map<string, string> | undefined;
  #isAskedAnew = false;
  #own: Address | undefined;
  /** Members of this room are not to link with each other. */
  #isBarred = false;

  constructor(member: Member, store: Store) {
    this.#member = member;
    this.#store = store;
    this.signed = store.roster.signed;
    this.#staged.begin(this.signed?.version ?? 0);
  }

  /** Says what is here, so that the room tells what came after it; and where this device can be reached. */
  ask(now: Now): void {
    const { hosts } = this.#member.options;
    if (!hosts || this.#isBarred) return;
    this.#isAskedAnew = false;
    this.#staged.begin(this.signed?.version ?? 0);
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
    [this.#unchecked, this.#checked] = [[], []];
  }

  /** There is something to check. */
  get isBusy(): boolean {
    return this.#unchecked.length > 0;
  }

  /** Checks some: each takes so long that those of a crowd would hold up what is typed. */
  check(now: Now): void {
    if (!this.isBusy) return;
    this.#checked.push(...this.#said(this.#unchecked.splice(0, checkedAtOnce), this.#names, now));
    if (this.isBusy) return;
    const newer = this.#checked.splice(0).filter((one) => this.#isNewer(one));
    if (newer.length > 0) this.#member.copy.buffer.enroll(this.#reached(newer, 0));
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

  get count(): number {
    return this.#names.size;
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
  hearAddresses(addresses: readonly Address[], now: Now): void {
    const newer = this.#said(addresses, this.#names, now);
    if (newer.length > 0) this.#member.copy.buffer.enroll(this.#reached(newer, 0));
  }

  /** What members have signed of where they are, whoever hands it on. */
  #said(addresses: readonly Address[], members: ReadonlyMap<string, string>, { wallMs }: Now): Address[] {
    const isNews = (one: Address) => members.has(one.key) && one.ts <= wallMs + dayMs && this.#isNewer(one);
    return addresses.filter((one) => isNews(one) && this.isGenuine(one));
  }

  #isNewer({ dev, ts }: Address): boolean {
    return ts > (this.#store.address(dev)?.ts ?? -1);
  }

  /** With them a member may have more devices than are known of it at once: the newest are. */
  #reached(newer: readonly Address[], version: number) {
    const addresses = newer.map((address) => ({ ...address, version }));
    const devices = new Set(newer.map(({ dev }) => dev));
    const all = [...addresses, ...this.#store.addresses().filter(({ dev }) => !devices.has(dev))];
    const forgotten = new Set(surplus(all).map(({ dev }) => dev));
    return { addresses: addresses.filter(({ dev }) => !forgotten.has(dev)), forgotten: [...forgotten] };
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

  /** The next part of what was asked for, or of what somebody near has: then `staged` is what has come of that. */
  take(frame: RosterFrame, staged = this.#staged): void {
    const { from = 0, version, members = [], addresses = [], at, digest, sig } = frame;
    if (from === 0) staged.begin(version, true);
    else if (from !== staged.version) return;
    staged.version = version;
    staged.add(members, addresses);
    if (at !== undefined && digest !== undefined && sig !== undefined)
      this.#settle({ version, at, digest, sig }, staged);
  }

  #settle(signed: SignedRoster, staged: StagedRoster): void {
    const { options, copy, room = '' } = this.#member;
    const { version } = signed;
    const known = this.#names;
    const { isWhole, members: changed, addresses } = staged;
    staged.begin(version);
    if (this.signed && version <= this.signed.version) return;
    const members = new Map(isWhole ? [] : known);
    for (const [key, name] of changed) name === undefined ? members.delete(key) : members.set(key, name);
    const isIt = membersDigest(options.crypto, members) === signed.digest;
    if (!isIt || !options.crypto.verify(room, rosterText(room, signed), signed.sig)) return this.#askAnew(staged);
    this.#members = members;
    this.signed = signed;
    const came = [...changed].flatMap(([key, name]) =>
      name === undefined ? [] : { key, name, version, firstMs: 0, seenMs: 0 },
    );
    const newer = addresses.filter((one) => this.#isNewer(one));
    // The room has looked at them, and who uses one looks at it.
    const isRooms = staged === this.#staged;
    if (!isRooms) this.#unchecked = newer;
    const reached = this.#reached(isRooms ? newer : [], version);
    const devices = this.#store.addresses().filter(({ key }) => !members.has(key));
    const left = [...[...known.keys()].filter((key) => !members.has(key)), ...devices.map(({ dev }) => dev)];
    const forgotten = [...left, ...reached.forgotten];
    copy.buffer.enroll({ ...reached, members: came, forgotten, roster: { signed, last: version, base: 0 } });
  }

  /** What is here does not come to what was signed: the whole list does. Once, until it is asked for again. */
  #askAnew(staged: StagedRoster): void {
    // What came with it is gone, addresses too, of which no digest tells: nothing can follow it.
    staged.begin();
    // Whoever is near says anew what it has.
    if (staged !== this.#staged) return;
    if (!this.#isAskedAnew) this.#member.send({ kind: 'roster', version: 0 });
    this.#isAskedAnew = true;
  }

  #read(): Map<string, string> {
    return new Map(this.#store.members().map(({ key, name = '' }) => [key, name]));
  }
}
