import { encode } from '../../protocol/codec.ts';
import type { Message, Relayed } from '../../protocol/frames.ts';
import { headProof, type SignedHead } from '../../protocol/signed.ts';
import { maxAdopted } from '../limits.ts';
import { emptyHash } from '../log/store.ts';
import type { Member } from '../member/member.ts';
import type { Now } from '../turn.ts';
import type { Link } from './link.ts';
import type { Part, Stream } from './stream.ts';

/** Of the newest heads that the room has signed so many are remembered, until what they cover is on disk here. */
const maxHeads = 8;

/**
 * The log over a bridge: who has it gives it to who lacks it, and nobody has to believe who gives it. [P54]
 *
 *   G10 only what leads from here to a head that the room has signed is read, and only while there is no session.
 */
export class Relay {
  readonly #member: Member;
  /** The newest last. */
  #heads: SignedHead[] = [];

  constructor(member: Member) {
    this.#member = member;
  }

  /** The room has signed this. */
  witness(head = this.#member.copy.signed?.newest): void {
    const newest = this.#heads.at(-1);
    if (!head || (newest?.seq === head.seq && newest.hash === head.hash && newest.log === head.log)) return;
    this.#heads = [...this.#heads.slice(1 - maxHeads), head];
  }

  /** What this stream lacks of the log, as far as it can be proven. */
  partsFor({ log, cursor }: Stream): Part[] {
    const head = this.#heads.findLast((one) => this.#isRead(one));
    if (!head || head.log !== log || cursor >= head.seq) return [];
    const rows = this.#member.copy.keptAfter(cursor, head.seq);
    return rows.length === head.seq - cursor ? this.#inParts(rows, head) : [];
  }

  #isRead({ log, seq, hash }: SignedHead): boolean {
    const { copy } = this.#member;
    return log === copy.log && seq <= copy.keptHead && copy.hashAt(seq) === hash;
  }

  #inParts(rows: readonly Message[], { run, cn, sig }: SignedHead): Part[] {
    const { batchEntries, batchBytes } = this.#member.flow;
    const parts: Message[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const row of rows) {
      const more = Buffer.byteLength(encode(row));
      bytes += more;
      const last = parts.at(-1);
      if (last && bytes <= batchBytes && last.length < batchEntries) last.push(row);
      else [bytes] = [more, parts.push([row])];
    }
    return parts.map((part, i) => ({
      from: part[0]?.seq ?? 0,
      rows: part.map(({ sig: _, ...row }) => row),
      hash: part.at(-1)?.hash ?? emptyHash,
      ...(i === parts.length - 1 && { run, sig, ...(cn !== undefined && { cn }) }),
    }));
  }

  /** The next part of what is missing here. Returns false if it shows what the room has not signed. */
  take(link: Link, part: Relayed, now: Now): boolean {
    if (part.rows.length === 0) return false;
    if (!this.#member.canRead || !this.#follows(link, part)) return true;
    link.relayed.push(part);
    if (part.sig === undefined) return true;
    const parts = link.relayed;
    link.relayed = [];
    return this.#settle(parts, { ...part, sig: part.sig }, now);
  }

  /** It goes on, or begins anew. */
  #follows(link: Link, part: Relayed): boolean {
    const parts = link.relayed;
    const last = parts.at(-1);
    const isNext = last && last.from + last.rows.length === part.from;
    const isBegin = part.from <= this.#member.copy.cursor + 1;
    const count = parts.reduce((sum, { rows }) => sum + rows.length, 0);
    if (!isNext || count > maxAdopted) link.relayed = [];
    return isBegin || (isNext === true && count <= maxAdopted);
  }

  #settle(parts: readonly Relayed[], { run = '', cn, hash = emptyHash, sig }: Relayed & { sig: string }, now: Now) {
    const { copy, options, room = '' } = this.#member;
    const first = copy.cursor + 1;
    const rows = parts.flatMap(({ from, rows }) => rows.slice(Math.max(first - from, 0)));
    const hashes = copy.hashesOf(rows, room);
    // What came meanwhile is read already; what does not follow is of a log that was lost.
    if (rows.length === 0 || hashes?.at(-1) !== hash) return true;
    const head = { log: copy.log, run, seq: copy.cursor + rows.length, hash, ...(cn !== undefined && { cn }) };
    if (!options.crypto.verify(room, headProof(room, head), sig)) return false;
    this.#member.readRelayed({ kind: 'entries', from: first, rows, hash }, now);
    this.witness({ ...head, sig });
    return true;
  }
}
