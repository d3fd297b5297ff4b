import { encode } from '../../protocol/codec.ts';
import type { RosterFrame } from '../../protocol/frames.ts';
import { addressText, rosterText, type SignedRoster } from '../../protocol/roster.ts';
import { rosterBytes, rosterIntervalMs } from '../limits.ts';
import type { Proposal } from '../log/ledger.ts';
import type { Membership, Reachable, Store } from '../log/store.ts';
import type { DoorOptions } from './door.ts';
import type { Session } from './presence.ts';

type Part = { to: string; frame: RosterFrame };
/** What a reader has; `isAnew`: of what it was sent since it began anew. */
type Held = { version: number; isAnew: boolean };

/**
 * Tells who the members are, to those who ask because they may link with them: what has changed since the version that they
 * have, in small parts, behind all entries, and never much at once. [P43]
 */
export class RosterDesk {
  readonly #options: DoorOptions;
  readonly #store: Store;
  readonly #sessions: ReadonlyMap<string, Session>;
  /** By connection. Who was served last stands last. */
  readonly #readers = new Map<string, Held>();
  /** The list as it was when that version was signed, in the order of its changes: by now somebody may be called otherwise. */
  #list: { signed?: SignedRoster; rows: (Membership | Reachable)[] } = { rows: [] };
  #publishedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: DoorOptions, store: Store, sessions: ReadonlyMap<string, Session>) {
    this.#options = options;
    this.#store = store;
    this.#sessions = sessions;
  }

  /** A member says what it has, and where it can be reached. */
  ask({ from, who, dev, guest }: Session, frame: RosterFrame): Proposal[] {
    if (guest !== undefined || this.#options.unlinked) return [];
    const { signed, last } = this.#store.roster;
    const isOther = frame.version === signed?.version && frame.digest !== undefined && frame.digest !== signed.digest;
    // Only what the room itself has signed can tell it that it was further.
    const isLater = (isOther || frame.version > last) && this.#isSigned(frame);
    const isKnown = !isOther && frame.version <= last;
    this.#readers.set(from, { version: isKnown || isLater ? frame.version : 0, isAnew: false });
    const own = frame.addresses?.find((address) => address.key === who && address.dev === dev);
    const { identity, crypto } = this.#options;
    const isOwn = own && crypto.verify(who, addressText(identity.key, own), own.sig);
    return [
      ...(isLater ? [{ type: 'goOn', version: frame.version } as const] : []),
      ...(isOwn ? [{ type: 'reach', address: own } as const] : []),
    ];
  }

  #isSigned({ version, at = 0, digest = '', sig = '' }: RosterFrame): boolean {
    const { identity, crypto } = this.#options;
    return crypto.verify(identity.key, rosterText(identity.key, { version, at, digest }), sig);
  }

  /** If anybody wants it. The first time in a run it is looked at in any case, for a disk may have lost a part of it. */
  isDue(ms: number): boolean {
    const { signed, last } = this.#store.roster;
    const isFirst = this.#publishedAtMs === Number.NEGATIVE_INFINITY;
    const isChanged = last !== (signed?.version ?? 0);
    const isWanted = this.#readers.size > 0 && last > 0 && (isChanged || isFirst);
    if (!isWanted || ms - this.#publishedAtMs < rosterIntervalMs) return false;
    this.#publishedAtMs = ms;
    return true;
  }

  /** MUST be called after every change. */
  settle(): void {
    const { signed, last } = this.#store.roster;
    if (signed?.version !== last || this.#list.signed?.version === last) return;
    const rows = [...this.#store.members(), ...this.#store.addresses()].sort((a, b) => a.version - b.version);
    this.#list = { signed, rows };
  }

  /** One part for each reader that has read the log up to its head, as far as the share of this tick goes. */
  parts(head: number): Part[] {
    const { signed } = this.#list;
    const parts: Part[] = [];
    const made = new Map<string, { frame: RosterFrame; bytes: number }>();
    let bytes = 0;
    for (const [from, held] of [...this.#readers]) {
      const session = this.#sessions.get(from);
      if (!session) this.#readers.delete(from);
      // Who has a later one waits until this one is above it.
      if (!session || !signed || held.version >= signed.version || session.sent.seq < head) continue;
      const place = `${held.version} ${held.isAnew}`;
      const part = made.get(place) ?? this.#part(held);
      made.set(place, part);
      bytes += part.bytes;
      if (bytes > rosterBytes.tick) break;
      this.#readers.delete(from);
      this.#readers.set(from, { version: part.frame.version, isAnew: held.isAnew || part.frame.from === 0 });
      parts.push({ to: from, frame: part.frame });
    }
    return parts;
  }

  /** What comes after this version; all there is, from the beginning, if that is no version of this roster. */
  #part({ version: held, isAnew }: Held): { frame: RosterFrame; bytes: number } {
    const { base } = this.#store.roster;
    const { signed } = this.#list;
    const from = isAnew || held >= base ? held : 0;
    const rows = this.#list.rows.filter(
      (row) => row.version > from && (from > 0 || 'dev' in row || row.name !== undefined),
    );
    let bytes = 0;
    const end = rows.findIndex((row) => (bytes += encodedBytes(row)) > rosterBytes.frame);
    const fitting = end === -1 ? rows : rows.slice(0, Math.max(end, 1));
    const members = fitting.filter((row) => !('dev' in row));
    const addresses = fitting.filter((row) => 'dev' in row);
    const said = {
      kind: 'roster' as const,
      from,
      ...(members.length > 0 && { members }),
      ...(addresses.length > 0 && { addresses }),
    };
    const frame = end === -1 && signed ? { ...said, ...signed } : { ...said, version: fitting.at(-1)?.version ?? from };
    return { frame, bytes: encode(frame).length };
  }
}

/** About what a row takes in a frame, and no less. */
const encodedBytes = (row: Membership | Reachable): number =>
  'dev' in row ? 260 + Buffer.byteLength(row.hosts.join()) : 52 + 2 * Buffer.byteLength(row.name ?? '');
