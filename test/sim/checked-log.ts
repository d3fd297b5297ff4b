import { harmlessLc, lateMs, levelledMs, maxLcStep } from '../../src/core/limits.ts';
import type { Retention } from '../../src/core/log/ledger.ts';
import type { Change, Owner, Place, Store } from '../../src/core/log/store.ts';
import { looksOf } from '../../src/core/looks.ts';
import type { Now } from '../../src/core/turn.ts';
import type { MemoryStore } from '../../src/history/memory.ts';
import { isProper } from '../../src/protocol/erasure.ts';
import type { Message } from '../../src/protocol/frames.ts';
import { digestOf, formatId } from '../../src/protocol/signed.ts';
import { chained, type Facts } from './checked-facts.ts';
import { rottenIn } from './rot.ts';
import { Violation } from './violation.ts';

/** What the log may hold, as it is decided, kept and forgotten; and whose the names in it are. */
export class CheckedLog {
  readonly #facts: Facts;
  #epoch = 0;
  /** What stands at a place, by epoch and seq. */
  readonly #places = new Map<string, string>();
  readonly #idAt = new Map<string, string>();
  #storedAtSnapshot = new Set<string>();
  /** When a place was given, by its hash. */
  readonly #givenAtMs = new Map<string, number>();

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  snapshot(): void {
    this.#storedAtSnapshot = new Set(this.#facts.stored);
  }

  rolledBack(emptied: boolean): void {
    this.#epoch++;
    this.#places.clear();
    this.#idAt.clear();
    this.#facts.stored = new Set(emptied ? [] : this.#storedAtSnapshot);
    if (emptied) this.#storedAtSnapshot = new Set();
  }

  /** What the log takes; `server` is the log before. */
  decided({ entries = [] }: Change, now: Now, server: Store, { ageMs }: Retention): void {
    let [before] = server.read(server.head, 1);
    let { lc: highest } = server;
    for (const entry of entries) {
      this.#givenAtMs.set(entry.hash, now.ms);
      if (before && !rottenIn(server as MemoryStore).has(before.seq)) this.#checkTime(entry, before, now);
      this.#checkAgo(entry, ageMs);
      const { lc = 0 } = entry.message ?? {};
      if (lc > Math.max(highest, harmlessLc) + maxLcStep) throw new Violation('P18', `${lc} follows ${highest}`);
      highest = Math.max(highest, lc);
      before = entry;
    }
  }

  /** P20: the time of acceptance is the server's, but for a small step back. */
  #checkTime({ seq, atMs, message }: Place, before: Place, { wallMs }: Now): void {
    const isSmall = before.atMs > wallMs && before.atMs - Math.max(wallMs, 0) <= levelledMs;
    if (atMs !== (isSmall ? before.atMs : Math.max(wallMs, 0)) || message?.at !== atMs)
      throw new Violation('P20', `${seq} was taken at ${atMs}, and it was ${wallMs}`);
  }

  /** P20: what was said a moment ago bears no such mark, and nothing is older than what is kept. */
  #checkAgo({ seq, message }: Place, ageMs: number): void {
    const { ago } = message ?? {};
    if (ago !== undefined && (ago <= lateMs || ago > ageMs)) throw new Violation('P20', `${seq} is ${ago} ms old`);
  }

  /** I1: what is on the server's disk at a place stays there. V1: what is mended is what was written. */
  stored({ entries = [], mended = [], erased = [] }: Change): void {
    for (const { id, words } of erased) {
      this.#facts.erased.add(formatId(id));
      this.#facts.erasedWords.add(words);
    }
    const { crypto } = this.#facts;
    for (const { message, hash } of mended) {
      this.#facts.checkWords(message);
      if ((this.#facts.taken.get(hash) ?? chained(crypto, message)) !== chained(crypto, message))
        throw new Violation('V1', `place ${message.seq} is another one after it was mended`);
      this.#facts.checkAuthor(message);
    }
    for (const { seq, hash, message } of entries) {
      this.#fix(seq, hash);
      if (!message?.id) continue;
      this.#facts.checkAuthor(message);
      this.#facts.taken.set(hash, chained(this.#facts.crypto, message));
      this.#facts.stored.add(formatId(message.id));
      if (message.void) this.#facts.refused.add(formatId(message.id));
      this.#say(message);
      this.#idAt.set(this.#place(seq), formatId(message.id));
    }
  }

  /** I3: no words are said twice, by whatever copies of a folder. */
  #say({ text, key, void: isVoid }: Message): void {
    if (!key || isVoid || this.#facts.hasRollback) return;
    if (this.#facts.said.has(text)) throw new Violation('I3', `"${text}" is said twice`);
    this.#facts.said.add(text);
  }

  #fix(seq: number, hash: string): void {
    const place = this.#place(seq);
    const before = this.#places.get(place);
    if (before !== undefined && before !== hash) throw new Violation('I1', `place ${seq} was given twice`);
    this.#places.set(place, hash);
  }

  #place(seq: number): string {
    return `${this.#epoch} ${seq}`;
  }

  /** Only what is above the limit is forgotten, or older than it may be; no clock of the machine makes it older. */
  trimmed(server: Store, { keep }: Change, { entries, ageMs }: Retention, nowMs: number): void {
    for (const { seq, hash } of keep ? server.read(server.first, keep.from - server.first) : []) {
      const isOld = nowMs - (this.#givenAtMs.get(hash) ?? Number.NEGATIVE_INFINITY) > ageMs;
      if (keep && seq < keep.from && !isOld && server.head - seq < entries)
        throw new Violation('I1', `place ${seq} is forgotten before its time`);
    }
  }

  /** P19: before a change is on the server's disk. Who has a name is no guest under it, and nobody else is more than that. */
  judged({ entries = [], owners = [] }: Change, server: Store): void {
    for (const { message } of entries) {
      if (!message?.id || !message.key) continue;
      const looks = looksOf(message.name);
      const before = looks.flatMap((look) => server.owner(look) ?? []);
      const known = [...before, ...owners.filter(({ look }) => looks.includes(look))];
      const isOther = ({ key }: Owner) => key !== message.key;
      const isWrong = message.guest
        ? (before.length > 0 && !before.some(isOther)) || !known.some(isOther)
        : before.some(isOther) && !this.#facts.namesLapse;
      if (isWrong)
        throw new Violation(
          'P19',
          `${formatId(message.id)} is ${message.guest ? 'a' : 'no'} guest's as ${message.name}`,
        );
    }
  }

  /** P10: what is typed by who was in the room bears a name of its own, which only a rollback or its age takes away. */
  bears(key: string, { name }: Message, server: Store): void {
    if (!this.#facts.namesLapse && !this.#facts.hasRollback) this.named(key, name, server);
  }

  /** P11, P10: the name that somebody is known by is its own, on disk, and has not lapsed. */
  named(key: string, name: string, server: Store, ageMs = Number.POSITIVE_INFINITY): void {
    const isOwned = (owner?: Owner) => owner?.key === key && server.ranMs - owner.seenMs <= ageMs;
    if (!looksOf(name).every((look) => isOwned(server.owner(look))))
      throw new Violation('P10', `the name ${name} is not that of ${key}`);
  }

  /** P36: words go only by the room's will, and by that they go. */
  wordsAt(who: string, { entries = [], mended = [] }: Change, store: MemoryStore): void {
    for (const { message } of [...mended, ...entries]) if (message) this.#checkWordsAt(who, message, store);
  }

  #checkWordsAt(who: string, message: Message, store: MemoryStore): void {
    const id = message.id ? formatId(message.id) : '';
    if (!isProper(this.#facts.crypto, 'room', message)) throw new Violation('P36', `${who} has no words of ${id}`);
    const has = store.read(message.seq ?? 0, 1)[0]?.message;
    const isErasedHere = has && store.erasure(id)?.words === digestOf(this.#facts.crypto, has);
    if (message.seq !== undefined && isErasedHere && has?.text && !rottenIn(store).has(message.seq))
      throw new Violation('P36', `${who} has the words of ${id}, which are erased`);
  }

  idAt(seq: number): string | undefined {
    return this.#idAt.get(this.#place(seq));
  }
}
