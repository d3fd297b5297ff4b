import type { Change, Membership, Store } from '../../src/core/log/store.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import type { RosterFrame } from '../../src/protocol/frames.ts';
import { membersDigest } from '../../src/protocol/roster.ts';
import { rename } from './faults.ts';
import type { Machines } from './machines.ts';
import { type Client, crypto } from './sides.ts';
import type { Traits } from './traits.ts';
import { Violation } from './violation.ts';

/** In some worlds members can be reached, or would only reach others; the rest of them asks for nothing. */
export const hostsOf = ({ withRoster }: Traits, no: number): readonly string[] | undefined =>
  !withRoster || no % 3 === 2 ? undefined : no % 2 === 0 ? [`10.0.0.${no}:7000`] : [];

const listOf = (members: Membership[]): string =>
  members
    .flatMap(({ key, name }) => (name === undefined ? [] : `${key} ${name}`))
    .sort()
    .join();

/** What a room has signed of its members, and what of that counts for whom. */
export class Rosters {
  /** The lists that were signed, by version and digest. */
  readonly #signed = new Map<string, string>();
  readonly #versions = new Map<number, string>();

  /** R1: one version is one list, if the server knows all that it has signed. */
  published({ roster }: Change, store: Store, isForgetful: boolean): void {
    if (!roster?.signed) return;
    const { version, digest } = roster.signed;
    const before = this.#versions.get(version);
    if (!isForgetful && before !== undefined && before !== digest)
      throw new Violation('R1', `version ${version} of the roster was signed twice`);
    this.#versions.set(version, digest);
    // It goes on standing there when more has changed.
    if (!this.#signed.has(`${version} ${digest}`)) this.#signed.set(`${version} ${digest}`, listOf(store.members()));
  }

  /** R3, R4: what a member keeps is a list that the room has signed, and later than the one before. */
  kept({ id, store }: Client, { roster }: Change, before: number): void {
    if (!roster?.signed) return;
    const { version, digest } = roster.signed;
    if (version <= before) throw new Violation('R4', `${id} goes back from version ${before} to ${version}`);
    if (this.#signed.get(`${version} ${digest}`) !== listOf(store.members()))
      throw new Violation('R3', `${id} has a list of members that the room has not signed`);
  }

  /** In the end all who ask have the newest, and it tells who is there, and where. */
  agreed({ clients, serverStore, traits }: Machines): void {
    const { signed, last } = serverStore.roster;
    // Two folders of one device end each other's sessions as long as neither says anything.
    if (new Set(clients.map(({ dev }) => dev)).size < clients.length) return;
    for (const { id, key, dev, session, store } of clients) {
      const { hosts } = session?.options ?? {};
      if (!hosts || !session?.online) continue;
      if (!signed || signed.version !== last) throw new Violation('R2', `version ${last} of the roster is not signed`);
      const mine = store.roster.signed;
      if (mine?.version !== signed.version || mine.digest !== signed.digest)
        throw new Violation('R2', `${id} has version ${mine?.version} of the roster, not ${signed.version}`);
      const isThere = store.member(key)?.name !== undefined;
      const { hosts: told = [] } = store.address(dev) ?? {};
      if (!isThere) throw new Violation('R2', `${id} is no member`);
      if (hosts.length > 0 && told.join() !== hosts.join() && traits.retention.ageMs === 1e15)
        throw new Violation('R2', `${id} cannot be reached`);
    }
  }
}

/** Members change their names while the roster is signed, and a disk forgets one of them. */
export function stirRoster(world: Machines, client: Client): void {
  const { random } = world;
  const dice = random.next();
  if (dice < 0.6) return rename(world, client);
  world.stop(client);
  const members = client.store.members();
  if (members.length === 0) return;
  const { key } = random.pick(members);
  world.note(`${client.id} forgets ${key}`);
  client.store.apply({ forgotten: [key] });
}

/** Somebody on the way takes a member out of the list, puts one in, or shows an older one as the newest. */
export function tamperWithRoster({ random }: Machines, data: string): string {
  const frame = decode(Buffer.from(data));
  if (frame.kind !== 'roster' || !random.chance(0.3)) return data;
  const { members = [], version } = frame;
  const dice = random.next();
  if (dice < 0.4 && members.length > 0) return encode({ ...frame, members: members.slice(1) });
  if (dice < 0.7) return encode({ ...frame, members: [...members, { key: 'kmallory', name: 'mallory' }] });
  return encode({ ...frame, version: version + 1 });
}

/** A list that somebody has made who is not the room. */
export function forgedRoster(data: string): string {
  const frame = decode(Buffer.from(data)) as RosterFrame;
  const members = [{ key: 'kmallory', name: 'mallory' }];
  return encode({ ...frame, from: 0, members, digest: membersDigest(crypto, [['kmallory', 'mallory']]) });
}
