import type { Address, Listed } from '../../protocol/roster.ts';
import { maxMembers } from '../limits.ts';

/** Of no part: only the beginning of a list follows it. */
const noVersion = -1;

/** Parts of the list of members that have come over one connection, until its signature comes. */
export class StagedRoster {
  /** The next part has to follow this. */
  version = noVersion;
  /** They begin at the beginning, and are no change of what is known. */
  isWhole = false;
  /** Names by key; undefined: a member no more. */
  members = new Map<string, string | undefined>();
  addresses: Address[] = [];
  readonly #mostAddresses: number;

  /** @param mostAddresses that are kept: those above are missing, and the list counts all the same */
  constructor(mostAddresses = 2 * maxMembers) {
    this.#mostAddresses = mostAddresses;
  }

  /** Nothing has come yet, and what comes next follows this version. */
  begin(version = noVersion, isWhole = false): void {
    [this.version, this.isWhole, this.members, this.addresses] = [version, isWhole, new Map(), []];
  }

  /** The next part; of more than a room can have nothing is kept. */
  add(members: readonly Listed[], addresses: readonly Address[]): void {
    for (const { key, name } of members) this.members.set(key, name);
    this.addresses.push(...addresses.slice(0, this.#mostAddresses - this.addresses.length));
    if (this.members.size > 2 * maxMembers) this.begin();
  }
}
