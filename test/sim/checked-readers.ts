import type { ChatEvent } from '../../src/core/events.ts';
import type { Flow } from '../../src/core/limits.ts';
import type { Store } from '../../src/core/log/store.ts';
import type { MemoryStore } from '../../src/history/memory.ts';
import { decode } from '../../src/protocol/codec.ts';
import { isErased } from '../../src/protocol/erasure.ts';
import type { Message, Received } from '../../src/protocol/frames.ts';
import type { Row } from '../../src/protocol/rows.ts';
import { formatId } from '../../src/protocol/signed.ts';
import type { Who } from './checked-disks.ts';
import { type Facts, isHidden } from './checked-facts.ts';
import type { CheckedLog } from './checked-log.ts';
import { Violation } from './violation.ts';

type Shown = ChatEvent & { type: 'message' };
/** A client of the original: what it said, and was sent, over its connection. */
type Original = { said: ReadonlySet<string>; heard: string[]; since: number | undefined };

/** What a frame says of places of the log. */
export const entriesIn = (frame: Received): Row[] =>
  (frame.kind === 'batch' ? frame.frames : [frame]).flatMap((part) =>
    part.kind === 'entries' ? part.rows : part.kind === 'message' ? part : [],
  );

/** What people see, and programs of the original are sent. */
export class CheckedReaders {
  readonly #facts: Facts;
  readonly #log: CheckedLog;
  /** Highest n shown, by client run and device. */
  readonly #shown = new Map<string, Map<string, number>>();
  readonly #saidByOriginals = new Set<string>();

  constructor(facts: Facts, log: CheckedLog) {
    this.#log = log;
    this.#facts = facts;
  }

  started(client: string): void {
    this.#shown.set(client, new Map());
    this.#facts.cursors.delete(client);
  }

  /** I6: its author had seen everything up to its cursor. */
  typed({ id: client, dev }: Who, message: Message): void {
    const { id } = message;
    if (id?.dev !== dev || this.#facts.copies.has(dev) || this.#facts.causes.has(formatId(id))) return;
    this.#facts.causes.set(formatId(id), this.#facts.cursors.get(client) ?? 0);
  }

  /** I1, I2, I3, I4, I7: what a person sees. */
  shown(client: string, { seq, id = '', text, action, erased, from }: Shown, server: Store): void {
    if (seq === undefined) throw new Violation('I2', `${id} was shown without a place`);
    if (seq > server.head && !this.#facts.hasRollback) throw new Violation('I1', `${seq} was shown but is not on disk`);
    this.#facts.print(client, id);
    const cursor = this.#facts.cursors.get(client);
    if (cursor !== undefined && !this.#facts.hasRollback && seq <= cursor)
      throw new Violation('I2', `${seq} after ${cursor} at ${client}`);
    this.#facts.cursors.set(client, seq);
    const stored = this.#log.idAt(seq);
    if (!this.#facts.hasRollback && stored !== id)
      throw new Violation('I2', `${id} was shown at ${seq}, where ${stored} is`);
    const [, dev = '', digits] = /^(.*)\.(\d+)$/.exec(id) ?? [];
    const n = Number(digits);
    const devices = this.#shown.get(client) ?? new Map<string, number>();
    if (n <= (devices.get(dev) ?? 0)) throw new Violation('I3', `${id} was shown again, or out of order, at ${client}`);
    devices.set(dev, n);
    const written = this.#facts.written.get(id) ?? [];
    if (written.some(isHidden)) throw new Violation('P5', `${id} was shown at ${client}`);
    if (erased && this.#facts.erased.has(id)) return;
    if (from.id === 'room' && !this.#saidByOriginals.has(text))
      throw new Violation('I7', `no client of the original has said "${text}"`);
    const isOne = (said: Message) => said.text === text && (said.type === 'action') === (action === true);
    if (from.id !== undefined && from.id !== 'room' && !written.some(isOne))
      throw new Violation('I7', `${id} says "${text}", its author did not`);
  }

  /** A message that was lost when its place came, and is shown now. */
  mended(client: string, { id = '', text, erased }: Shown): void {
    this.#facts.print(client, id);
    if (!erased || !this.#facts.erased.has(id)) this.#facts.checkWords({ text }, id);
  }

  /** C2: nothing that the output has not taken. */
  acknowledged(client: string, seq: number, unshown: { event: ChatEvent }[]): void {
    for (const { event } of unshown)
      if (event.type === 'message' && !event.provisional && (event.seq ?? 0) <= seq)
        throw new Violation('C2', `${client} acknowledges ${seq}, and ${event.seq} was not shown`);
  }

  /** P25: no batch is refused that nobody has changed. */
  refused(client: string): void {
    if (!this.#facts.isTampered) throw new Violation('P25', `${client} refuses what nobody has changed`);
  }

  /** P27: nobody is said to have signed wrongly who has not. */
  accused(client: string, key: string): void {
    if (!this.#facts.areSignaturesAltered) throw new Violation('P27', `${client} says that ${key} signs wrongly`);
  }

  /** I9: name and text, nothing else. I3, P38: once, and nothing of its own. */
  legacyReceived(legacy: Original, data: string, head: number): void {
    const { said, heard } = legacy;
    const { name, text, ...more } = JSON.parse(data);
    const words = String(text).trimEnd();
    if (Object.keys(more).length > 0 || name === undefined)
      throw new Violation('I9', `a legacy client was sent ${data}`);
    if (words.startsWith('hidden')) throw new Violation('P5', `a legacy client was sent ${data}`);
    legacy.since ??= head;
    if (name === 'server') return;
    if (said.has(words) || heard.includes(words))
      throw new Violation('I3', `a legacy client was sent again, or its own: ${data}`);
    heard.push(words);
  }

  /** A client of the original says this. */
  said(text: string): void {
    this.#saidByOriginals.add(text);
  }

  /** P38: what others said since it was greeted, a legacy client has heard, as far as it is kept. */
  heardAll({ said, heard, since }: Original, server: MemoryStore): void {
    if (this.#facts.hasRollback || this.#facts.damages > 0 || since === undefined) return;
    for (const { message } of server.read(since + 1, 1e9)) {
      const text = message?.type === 'action' ? `/me ${message.text}` : (message?.text ?? '');
      if (
        message &&
        !message.void &&
        !isErased(message) &&
        !isHidden(message) &&
        !said.has(text) &&
        !heard.includes(text)
      )
        throw new Violation('P38', `a legacy client has not heard "${text}"`);
    }
  }

  /** I8: what is under way to one reader is bounded: a window for each time it joined (one welcome may have been lost). */
  bounded(pipes: string[][], { windowEntries }: Flow): void {
    for (const pipe of pipes) {
      if (pipe.length < 4) continue;
      const frames = pipe.map((data) => decode(Buffer.from(data)));
      const entries = frames.flatMap(entriesIn).length;
      const windows = frames.filter(({ kind }) => kind === 'welcome').length + 2;
      // Each place that was damaged may be asked for besides.
      if (entries > windows * windowEntries + this.#facts.damages)
        throw new Violation('I8', `${entries} entries under way in ${windows} windows`);
    }
  }
}
