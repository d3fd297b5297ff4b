import { mendPatienceMs } from '../../src/core/limits.ts';
import type { Change, Store } from '../../src/core/log/store.ts';
import type { MemoryStore } from '../../src/history/memory.ts';
import { type Message, type MessageId, maxTextBytes } from '../../src/protocol/frames.ts';
import { digestOf, formatId, wrongSignature } from '../../src/protocol/signed.ts';
import { chained, type Facts, isHidden } from './checked-facts.ts';
import { Violation } from './violation.ts';

/** A client: the checker's name for it, its device now, and the one that its folder was copied from, if it knows. */
export type Who = { id: string; dev: string; copyOf: string | undefined; store: MemoryStore; isPipe: boolean };

/** What somebody who is not the room says that its log is called. */
export const liarsLog = 'lie';

/** What is on a member's disk, and what it sends of that. */
export class CheckedDisks {
  readonly #facts: Facts;
  /** Highest n of a device that a client was sent, or has sent, since its log began anew: what it sends may follow that. */
  readonly #begunAtMs = new Map<string, number>();
  readonly #passed = new Map<string, Map<string, number>>();
  /** Words that have left a program, and those that somebody has taken back, which counts when it is on disk. */
  readonly #given = new Set<string>();
  readonly #regretted = new Set<string>();

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** A client's disk took a change. K1: nothing that its output has not taken. */
  kept(
    { id: client, dev: own, copyOf }: Who,
    { entries = [], mended = [], pending = [], marks = [], restart }: Change,
    { log, head, nowMs }: Pick<Store, 'log' | 'head'> & { nowMs: number },
  ): void {
    if (restart?.log === liarsLog) throw new Violation('P8', `${client} reads the log of who cannot sign for the room`);
    // A gap in the same log is no new one.
    if (restart && !(restart.log === log && restart.seq > head)) {
      this.#passed.delete(client);
      this.#begunAtMs.set(client, nowMs);
    }
    // It was lost when it came; a later run does not know that it was never shown, and does not show it in another log.
    for (const { message } of this.#facts.hasRollback ? mended : [])
      if (message.id) this.#facts.print(client, formatId(message.id));
    for (const { message, hash: at } of entries) {
      if (!message?.id || !this.#facts.isOfAuthor(message)) continue;
      const taken = this.#facts.taken.get(at);
      const has = chained(this.#facts.crypto, message);
      if (taken !== undefined && taken !== has) throw new Violation('I2', `${client} has ${has} for ${taken}`);
      // What the room refused, or only a later version understands, is never shown, and counts as seen.
      if (message.void || isHidden(message)) this.#facts.print(client, formatId(message.id));
      if (!message.void && this.#facts.isOfAuthor(message)) this.#hold(this.#facts.read, message.id, client);
      if (message.sig) this.signed(client, message);
      if (message.id.n > (this.#facts.printed.get(`${client} ${message.id.dev}`) ?? 0))
        throw new Violation('K1', `${formatId(message.id)} is kept at ${client} and was never shown`);
    }
    // What a log had of its own words, by what the welcome said, was lost for it or trimmed: it counts as seen. So does what
    // was void in a log that is gone.
    for (const { dev, n } of marks)
      if (dev === own || this.#facts.copies.has(dev) || this.#facts.hasRollback)
        this.#facts.print(client, `${dev}.${n}`);
    for (const message of pending) {
      if (!message.id) continue;
      const id = formatId(message.id);
      const isShared = this.#facts.copies.has(message.id.dev);
      const before = isShared ? undefined : this.#facts.written.get(id)?.[0];
      if (before && !message.erased && before.text !== message.text)
        throw new Violation('I4', `${id} was written twice`);
      if (before?.sig && before.sig !== message.sig) throw new Violation('P4', `${id} was signed twice`);
      if (message.id.dev !== own || message.erased) continue;
      const others = (this.#facts.written.get(id) ?? []).filter(({ text }) => isShared && text !== message.text);
      if (message.id.dev === copyOf && others.length === (this.#facts.written.get(id)?.length ?? 0))
        throw new Violation('P23', `${id} is written in a folder that is known to be a copy`);
      this.#facts.written.set(id, [...others, message]);
    }
  }

  /** P16: nobody takes back what somebody was given. */
  tookBack({ id: client, store }: Who, text: string): void {
    if (this.#given.has(text)) throw new Violation('P16', `${client} takes back "${text}", which has left it`);
    if (store.pending().some((message) => message.text === text)) this.#regretted.add(text);
    else this.#unsaid({ text });
  }

  /** P16: only what was given to nobody, and was a pipe's or taken back, is dropped before a log has it: it was never written. */
  dropped({ dev, store, isPipe }: Who, { dropped = [], pending = [] }: Change): void {
    const before = new Map(store.pending().map((message) => [message.id && formatId(message.id), message]));
    for (const id of dropped) {
      const message = before.get(formatId(id));
      const isUnwanted = isPipe || (message && this.#regretted.has(message.text));
      const isUngiven = isUnwanted && id.dev === dev && id.n > store.given && !this.#facts.stored.has(formatId(id));
      if (message && isUngiven && !pending.some(({ text }) => text === message.text)) this.#unsaid(message);
    }
  }

  /** A pipe was killed: what it has given to nobody is never said, and its numbers are free. */
  abandoned({ dev, store }: Who): void {
    for (const message of store.pending())
      if (message.id?.dev === dev && message.id.n > store.given) this.#unsaid(message);
  }

  #unsaid({ id, text }: Pick<Message, 'id' | 'text'>): void {
    if (isUnique(text)) this.#facts.unsaid.add(text);
    this.#regretted.delete(text);
    if (id) this.#facts.written.delete(formatId(id));
  }

  #hold(holders: Map<string, Set<string>>, id: MessageId, client: string): void {
    holders.set(formatId(id), (holders.get(formatId(id)) ?? new Set()).add(client));
  }

  /** P27: what is on a client's disk as signed is signed by its author, or known not to be. */
  signed(client: string, message: Message | undefined): void {
    if (!message?.id || message.sig === wrongSignature) return;
    this.#facts.checkAuthor(message);
    if (!message.void && this.#facts.isOfAuthor(message)) this.#hold(this.#facts.kept, message.id, client);
  }

  /** P23: nobody else takes up another device. */
  renewed({ id, store }: Who): void {
    if (!this.#facts.copies.has(store.dev)) throw new Violation('P23', `${id} is taken for a copy`);
  }

  /** I4: nothing goes out before it is on disk. P4, P27: nothing is sent that is not signed by its author. */
  sent({ dev, store }: Who, frame: Message): void {
    if (!frame.id) return;
    const id = formatId(frame.id);
    if (!frame.sig) throw new Violation('P4', `${id} was sent unsigned`);
    this.#facts.checkAuthor(frame);
    if (frame.words === undefined && store.erasure(id)?.words === digestOf(this.#facts.crypto, frame))
      throw new Violation('P36', `the words of ${id} were sent by who knows that they are erased`);
    if (isUnique(frame.text)) this.#given.add(frame.text);
    if (store.former.includes(frame.id.dev)) throw new Violation('P23', `${id} was sent before it was decided about`);
    if (this.#facts.unsaid.has(frame.text)) throw new Violation('P16', `"${frame.text}" was dropped, and is sent`);
    if (frame.id.dev !== dev) return;
    if (frame.id.n > store.given) throw new Violation('P16', `${id} leaves before it counts as given`);
    const onDisk = store.pending().some((message) => message.id && formatId(message.id) === id);
    if (!onDisk && (store.mark(dev)?.n ?? 0) >= frame.id.n) return;
    if (!onDisk) throw new Violation('I5', `${id} was sent before it was on disk`);
  }

  /** P27: what is not known to be signed is no answer to a question for a lost place. */
  answered({ id: client }: Who, answer: Message): void {
    if (answer.sig === undefined || answer.sig === wrongSignature)
      throw new Violation('P27', `${client} answers with place ${answer.seq}, which is not signed`);
  }

  /** P23: its person is asked only about what the room had not when it welcomed this client, as far as that can read it. */
  asked({ id: client, store, toldHead }: Who & { toldHead: number }, left: readonly Message[], server: Store): void {
    const lost = new Set(store.read(store.first, 1e9).flatMap(({ seq, message }) => (message ? [] : seq)));
    // The server may keep less by now, and reads as many places from where it begins.
    const places = server.read(store.first, toldHead).filter(({ seq }) => seq <= toldHead && !lost.has(seq));
    const said = places.flatMap(({ message }) => message ?? []);
    for (const { id, text } of left)
      if (said.some((entry) => id && entry.id && formatId(entry.id) === formatId(id) && entry.text === text))
        throw new Violation('P23', `${client} asks about "${text}", which the room has`);
  }

  /** P35: what somebody gives back follows what it knows to be in the log, or on its way there, until it has waited. */
  gaveBack({ id: client, dev }: Who, { id, first }: Message, nowMs: number): void {
    if (!id || id.dev === dev) return;
    if (first) throw new Violation('P17', `${formatId(id)} was called the first by ${client}`);
    const isPatient = nowMs - (this.#begunAtMs.get(client) ?? nowMs) >= mendPatienceMs;
    if (!isPatient && id.n > (this.#passed.get(client)?.get(id.dev) ?? 0) + 1)
      throw new Violation('P35', `${formatId(id)} was given back by ${client} and cannot follow`);
    this.passed(client, id);
  }

  passed(client: string, { dev, n }: MessageId): void {
    const devices = this.#passed.get(client) ?? new Map<string, number>();
    devices.set(dev, Math.max(n, devices.get(dev) ?? 0));
    this.#passed.set(client, devices);
  }
}

/** Only what is too long is typed more than once. */
const isUnique = (text: string): boolean => text.length <= maxTextBytes;
