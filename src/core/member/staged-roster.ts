import type { Address } from '../../protocol/roster.ts';

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

  get size(): number {
    return this.members.size + this.addresses.length;
  }

  /** Nothing has come yet, and what comes next follows this version. */
  begin(version = noVersion, isWhole = false): void {
    [this.version, this.isWhole, this.members, this.addresses] = [version, isWhole, new Map(), []];
  }
}
