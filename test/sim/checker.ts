import type { ChatEvent } from '../../src/core/events.ts';
import type { Flow } from '../../src/core/limits.ts';
import type { Change, Entry, Store } from '../../src/core/log/store.ts';
import { decode } from '../../src/protocol/codec.ts';
import { type Frame, type Message, type MessageId, maxTextBytes } from '../../src/protocol/frames.ts';
import { formatId } from '../../src/protocol/signed.ts';

type Shown = ChatEvent & { type: 'message' };

/** A guarantee that was broken: its number in docs/protocol.md, and what happened. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, what: string) {
    super(`${rule}: ${what}`);
    this.rule = rule;
  }
}

/**
 * States the guarantees and watches over them, one method for each place where they could be seen broken.
 * With a server whose disk goes back in time (`rollback`), places may be given anew; then what holds is that
 * nothing anybody kept is lost, nothing is shown twice, and all agree in the end.
 */
export class Checker {
  readonly #rollback: boolean;
  #epoch = 0;
  /** What stands at a place, by epoch and seq. */
  readonly #places = new Map<string, string>();
  readonly #idAt = new Map<string, string>();
  /** What an author wrote under an id, on disk. */
  readonly #written = new Map<string, Message>();
  /** Ids that somebody has on disk and that were signed. */
  readonly #kept = new Set<string>();
  /** Highest n shown, by client run and device. */
  readonly #shown = new Map<string, Map<string, number>>();
  /** Ids that were on the server's disk, trimmed or not, since it was last rolled back. */
  readonly #stored = new Set<string>();
  /** Highest n of a device that somebody else gave back without what lies before, after long enough a wait. */
  readonly #overtaken = new Map<string, number>();
  readonly #cursors = new Map<string, number>();
  /** The last place its author had seen when writing. */
  readonly #causes = new Map<string, number>();

  constructor(rollback: boolean) {
    this.#rollback = rollback;
  }

  started(client: string, _run: number): void {
    this.#shown.set(client, new Map());
    this.#cursors.delete(client);
  }

  rolledBack(): void {
    this.#epoch++;
    this.#places.clear();
    this.#idAt.clear();
    this.#stored.clear();
  }

  /** I1: what is on the server's disk at a place stays there. */
  stored(entries: Entry[], _log: string): void {
    for (const { seq, hash, message } of entries) {
      this.#fix(seq, hash);
      if (!message.id) continue;
      this.#stored.add(formatId(message.id));
      this.#idAt.set(this.#place(seq), formatId(message.id));
    }
  }

  /** A client's disk took a change. */
  kept({ entries = [], pending = [] }: Change): void {
    for (const { message } of entries)
      if (message.id && message.sig && !message.void) this.#kept.add(formatId(message.id));
    for (const message of pending) {
      if (!message.id) continue;
      const id = formatId(message.id);
      const before = this.#written.get(id);
      if (before && before.text !== message.text) throw new Violation('I4', `${id} was written twice`);
      if (!message.sig) this.#written.set(id, message);
    }
  }

  /** I4: nothing goes out before it is on disk. */
  sent(client: string, frame: Frame, store: Store): void {
    if (frame.kind !== 'message' || !frame.id || frame.id.dev !== client) return;
    const id = formatId(frame.id);
    const onDisk = store.pending().some((message) => message.id && formatId(message.id) === id);
    if (!onDisk && store.mark(client)?.n !== undefined && (store.mark(client)?.n ?? 0) >= frame.id.n) return;
    if (!onDisk) throw new Violation('I5', `${id} was sent before it was on disk`);
  }

  /** I1, I2, I3, I4, I7: what a person sees. */
  shown(client: string, { seq, id = '', text, action, from }: Shown, server: Store): void {
    if (seq === undefined) throw new Violation('I2', `${id} was shown without a place`);
    if (seq > server.head && !this.#rollback) throw new Violation('I1', `${seq} was shown but is not on disk`);
    const cursor = this.#cursors.get(client);
    if (cursor !== undefined && !this.#rollback && seq <= cursor)
      throw new Violation('I2', `${seq} after ${cursor} at ${client}`);
    this.#cursors.set(client, seq);
    const stored = this.#idAt.get(this.#place(seq));
    if (!this.#rollback && stored !== id) throw new Violation('I2', `${id} was shown at ${seq}, where ${stored} is`);
    const [, dev = '', digits] = /^(.*)\.(\d+)$/.exec(id) ?? [];
    const n = Number(digits);
    const devices = this.#shown.get(client) ?? new Map<string, number>();
    if (n <= (devices.get(dev) ?? 0)) throw new Violation('I3', `${id} was shown again, or out of order, at ${client}`);
    devices.set(dev, n);
    const written = this.#written.get(id);
    if (from.id !== undefined && (written?.text !== text || written.action !== action))
      throw new Violation('I7', `${id} says "${text}", its author did not`);
  }

  /** I9: name and text, nothing else. */
  legacyReceived(data: string): void {
    const keys = Object.keys(JSON.parse(data)).sort().join();
    if (keys !== 'name,text') throw new Violation('I9', `a legacy client was sent ${data}`);
  }

  /** I8: what is under way to one reader is bounded: a window for each time it joined (one welcome may have been lost). */
  bounded(pipes: string[][], { windowEntries }: Flow): void {
    for (const pipe of pipes) {
      if (pipe.length < 4) continue;
      const frames = pipe
        .map((data) => decode(Buffer.from(data)))
        .flatMap((frame) => (frame.kind === 'batch' ? frame.frames : [frame]));
      const entries = frames.filter(({ kind }) => kind === 'message').length;
      const windows = frames.filter(({ kind }) => kind === 'welcome').length + 2;
      if (entries > windows * windowEntries)
        throw new Violation('I8', `${entries} entries under way in ${windows} windows`);
    }
  }

  /** A device's message is given back although older ones may be missing: those may stay so. */
  overtook({ dev, n }: MessageId): void {
    this.#overtaken.set(dev, Math.max(n, this.#overtaken.get(dev) ?? 0));
  }

  /** I6: its author had seen everything up to its cursor. */
  typed(client: string, message: Message): void {
    if (message.id && !message.sig) this.#causes.set(formatId(message.id), this.#cursors.get(client) ?? 0);
  }

  /** I1, I4, I5: after healing everybody has the same log, and it holds everything that was on a disk. */
  healed(server: Store, clients: { dev: string; store: Store; session: unknown }[]): void {
    const log = server.read(server.first, 1e9);
    const last = new Map<string, number>();
    const present = new Set(this.#rollback ? [] : this.#stored);
    for (const { message, seq } of log) {
      if (!message.id) continue;
      const { dev, n } = message.id;
      if (n <= (last.get(dev) ?? 0)) throw new Violation('I4', `${dev}.${n} at ${seq} follows ${last.get(dev)}`);
      last.set(dev, n);
      present.add(formatId(message.id));
    }
    for (const { message } of this.#rollback ? [] : log) this.#checkVoid(message);
    for (const [id, { text }] of this.#written) {
      // What the room has refused is not given back to a log that lost it.
      const isRefused = this.#rollback && text.length > maxTextBytes;
      if (!present.has(id) && !isRefused && !this.#isOvertaken(id))
        throw new Violation('I5', `${id} was typed and is lost`);
    }
    for (const id of this.#kept)
      if (!present.has(id) && !this.#isOvertaken(id)) throw new Violation('I1', `${id} was kept and is lost`);
    for (const { dev, store } of clients) {
      if (store.head !== server.head) throw new Violation('I5', `${dev} is at ${store.head} of ${server.head}`);
      if (store.hashAt(store.head) !== server.hashAt(server.head)) throw new Violation('I2', `${dev} has another log`);
      if (store.pending().length > 0) throw new Violation('I5', `${dev} has ${store.pending().length} messages left`);
    }
    const places = new Map(log.map(({ message, seq }) => [message.id ? formatId(message.id) : '', seq]));
    for (const [id, cause] of this.#causes) {
      const seq = places.get(id);
      if (!this.#rollback && seq !== undefined && seq <= cause)
        throw new Violation('I6', `${id} at ${seq} follows from ${cause}`);
    }
  }

  /** P12, P32: only what is too long is void: every name an author went by is its own. */
  #checkVoid({ id, void: isVoid }: Message): void {
    const written = isVoid && id && this.#written.get(formatId(id));
    if (written && written.text.length <= maxTextBytes)
      throw new Violation('P32', `${formatId(id)} is void under the name ${written.name}`);
  }

  #isOvertaken(id: string): boolean {
    const [dev = '', n] = id.split('.');
    return Number(n) < (this.#overtaken.get(dev) ?? 0);
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
}
