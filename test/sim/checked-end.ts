import { Log } from '../../src/core/log/log.ts';
import type { MemoryStore } from '../../src/history/memory.ts';
import { erasureOf, isErased } from '../../src/protocol/erasure.ts';
import { type Message, type MessageId, maxTextBytes } from '../../src/protocol/frames.ts';
import { digestOf, formatId, isSigned } from '../../src/protocol/signed.ts';
import type { Facts } from './checked-facts.ts';
import { rottenIn } from './rot.ts';
import { Violation } from './violation.ts';

/** What was seen in all worlds: entries that were lost before anybody had their signature. */
export const tally = { unsigned: 0 };

const isSignedAt = (store: MemoryStore, seq: number) => {
  const [place] = store.read(seq, 1);
  return place?.message !== undefined && isSigned(place.message);
};

/** What must be there when the faults have ended, for all who are there. */
export class CheckedEnd {
  readonly #facts: Facts;

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** I1, I4, I5: after healing everybody has the same log, and it holds everything that was on a disk. */
  healed(server: MemoryStore, clients: { id: string; store: MemoryStore }[]): void {
    const log = server.read(server.first, 1e9);
    for (const { message } of log)
      if (message && this.#facts.unsaid.has(message.text))
        throw new Violation('P16', `"${message.text}" was taken back or dropped, and was said`);
    const last = new Map<string, number>();
    const present = new Set(this.#facts.stored);
    for (const { message, seq } of log) {
      if (!message?.id || !this.#facts.isOfAuthor(message) || rottenIn(server).has(seq)) continue;
      const { dev, n } = message.id;
      if (n <= (last.get(dev) ?? 0)) throw new Violation('I4', `${dev}.${n} at ${seq} follows ${last.get(dev)}`);
      last.set(dev, n);
      present.add(formatId(message.id));
    }
    for (const { message } of this.#facts.hasRollback || this.#facts.namesLapse ? [] : log)
      if (message) this.#checkVoid(message);
    for (const [id, written] of this.#facts.written) {
      if (!this.#facts.erased.has(id)) for (const { text } of written) this.#checkSaid(text);
      const [dev = ''] = id.split('.');
      const holders = [dev, this.#facts.settledBy.get(id) ?? dev];
      if (this.#facts.copies.has(dev) || holders.some((one) => this.#facts.goneForGood.has(one))) continue;
      const isRefused = this.#facts.hasRollback && this.#facts.refused.has(id);
      if (
        !present.has(id) &&
        !isRefused &&
        !this.#facts.isOvertaken(id) &&
        !this.#facts.lost.has(id) &&
        !this.#facts.isStuck(id, server)
      )
        throw new Violation('I5', `${id} was typed and is lost`);
    }
    for (const [id, holders] of this.#facts.kept)
      if (
        [...holders].some((dev) => !this.#facts.goneForGood.has(dev)) &&
        !present.has(id) &&
        !this.#facts.isOvertaken(id) &&
        !this.#facts.lost.has(id) &&
        !this.#facts.isStuck(id, server)
      )
        throw new Violation('I1', `${id} was kept and is lost`);
    for (const [id, holders] of this.#facts.read)
      if (!present.has(id) && this.#isUnsigned(id, holders)) tally.unsigned++;
    for (const { id: dev, store } of clients) {
      if (store.head !== server.head) throw new Violation('I5', `${dev} is at ${store.head} of ${server.head}`);
      if (store.headHash !== server.headHash) throw new Violation('I2', `${dev} has another log`);
      const left = store
        .pending()
        .filter(({ id }) => id && !this.#facts.isStuck(formatId(id), server) && !this.#isSetAside(id, store, server));
      if (left.length > 0) throw new Violation('I5', `${dev} has ${left.length} messages left`);
    }
    const counted = log.filter(({ message }) => message && this.#facts.isOfAuthor(message));
    const places = new Map(counted.map(({ message, seq }) => [message?.id ? formatId(message.id) : '', seq]));
    for (const [id, cause] of this.#facts.causes) {
      const seq = places.get(id);
      if (!this.#facts.hasRollback && seq !== undefined && seq <= cause)
        throw new Violation('I6', `${id} at ${seq} follows from ${cause}`);
    }
  }

  /** P19, P10: only what is too long is void: every name an author went by is its own. */
  #checkVoid({ id, void: isVoid }: Message): void {
    const written = isVoid && id ? (this.#facts.written.get(formatId(id)) ?? []) : [];
    if (id && written.length > 0 && written.every(({ text }) => text.length <= maxTextBytes))
      throw new Violation('P10', `${formatId(id)} is void under the name ${written[0]?.name}`);
  }

  /** I5: what was typed in any copy of a folder is said. */
  #checkSaid(text: string): void {
    if (
      this.#facts.copies.size > 0 &&
      text.length <= maxTextBytes &&
      !this.#facts.said.has(text) &&
      !this.#facts.lostWords.has(text)
    )
      throw new Violation('I5', `"${text}" was typed in a copy and is lost`);
  }

  /** P28: its number is in the log, and it is held for the place that is lost here. */
  #isSetAside({ dev, n }: MessageId, store: MemoryStore, server: MemoryStore): boolean {
    const isWhole = this.#wholeIn(store).size === store.head - store.first + 1;
    return !isWhole && n <= (server.mark(dev)?.n ?? 0);
  }

  /** Nobody who is there had its signature when it was lost. */
  #isUnsigned(id: string, holders: Set<string>): boolean {
    const isThere = (dev: string) => !this.#facts.goneForGood.has(dev);
    return [...holders].some(isThere) && ![...(this.#facts.kept.get(id) ?? [])].some(isThere);
  }

  /** It has words that were erased. Other words under the same id, of who has claimed another one's device, stay. */
  #isGone(message: Message, gone: ReadonlyMap<string, string>): boolean {
    const { id, text, salt, void: isVoid } = message;
    if (!id || gone.get(formatId(id)) !== digestOf(this.#facts.crypto, message)) return false;
    return !isVoid && (text !== '' || salt !== undefined);
  }

  /** P36: after healing no disk has words of which the log says that they are erased. */
  #checkGone(server: MemoryStore, clients: { id: string; store: MemoryStore }[]): void {
    const told = server.read(server.first, 1e9).flatMap(({ message }) => message ?? []);
    const erasures = told.flatMap((message) => erasureOf(this.#facts.crypto, 'room', message) ?? []);
    const gone = new Map(erasures.map(({ id, words }) => [formatId(id), words]));
    // The entry that tells it may be damaged before somebody has read it.
    const readers = this.#facts.damages > 0 ? [] : clients;
    for (const { id: dev, store } of [{ id: 'server', store: server }, ...readers]) {
      const kept = store.read(store.first, 1e9).filter(({ seq }) => !rottenIn(store).has(seq));
      for (const message of [...kept.flatMap((place) => place.message ?? []), ...store.pending()])
        if (this.#isGone(message, gone))
          throw new Violation('P36', `${dev} has the words of ${message.id && formatId(message.id)} after all`);
    }
    if (this.#facts.hasRollback || this.#facts.damages > 0) return;
    for (const message of told)
      if (message.id && this.#facts.erasedWords.has(digestOf(this.#facts.crypto, message)) && !isErased(message))
        throw new Violation('P36', `${formatId(message.id)} has its words again`);
  }

  /** P27: in the end everybody has every signature that the room has, if nobody was kept from it. */
  allSigned(server: MemoryStore, clients: { dev: string; store: MemoryStore }[]): void {
    if (this.#facts.areSignaturesAltered || this.#facts.damages > 0) return;
    for (const { dev, store } of clients)
      for (const { seq, message } of store.read(Math.max(server.first, store.first), 1e9))
        if (message && !message.sig) throw new Violation('P27', `${dev} has no signature of ${seq}`);
  }

  /** V2: what was come upon and anybody still holds is mended, and nothing else is lost for any of the readers. */
  whole(server: MemoryStore, clients: { id: string; store: MemoryStore }[]): void {
    this.#checkGone(server, clients);
    const ofLog = clients.filter(({ store }) => store.log === server.log);
    const signed = ofLog.flatMap(({ store }) => [...this.#wholeIn(store)].filter((seq) => isSignedAt(store, seq)));
    const held = new Set([...this.#wholeIn(server), ...signed]);
    for (const { store } of ofLog)
      for (const seq of this.#wholeIn(store)) if (seq >= server.first && !held.has(seq)) tally.unsigned++;
    for (const { id: dev, store } of clients) {
      const whole = this.#wholeIn(store);
      for (let seq = Math.max(server.first, store.first); seq <= server.head; seq++)
        if (held.has(seq) && !whole.has(seq)) throw new Violation('V2', `place ${seq} is lost for ${dev}, not for all`);
    }
  }

  /** P26: everybody has how far the log goes, signed. */
  witnessed(server: MemoryStore, clients: { dev: string; store: MemoryStore }[]): void {
    for (const { dev, store } of clients)
      if (store.signed?.newest.seq !== server.head || store.signed.newest.hash !== server.headHash)
        throw new Violation('P26', `${dev} has signed ${store.signed?.newest.seq} of ${server.head}`);
  }

  #wholeIn(store: MemoryStore): Set<number> {
    const places = new Log(store, this.#facts.crypto).read(store.first, 1e9);
    return new Set(places.filter(({ message }) => message).map(({ seq }) => seq));
  }
}
