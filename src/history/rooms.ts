import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { abandoned, inDoubt } from '../core/log/doubt.ts';
import { ChatError } from '../errors.ts';
import { isPublicKey } from '../keys/curve.ts';
import type { Message, MessageId } from '../protocol/frames.ts';
import { formatId } from '../protocol/signed.ts';
import { makeFolder, readText } from './files.ts';
import { dataPath, sizeOf } from './folder.ts';
import { SqliteStore } from './sqlite.ts';
import { inWords } from './trouble.ts';

/** Most clients of one person on one machine at a time. */
const maxSlots = 64;
const slotOwner = /^(?:[\w-]{43}|at \S+:\d+)$/;

/**
 * What one person keeps of rooms, in the person's folder. `known-rooms` has a line for each address: whose room is there, by
 * its key, and whether it is met in secret. Each folder below `rooms` belongs to one room: its file `room` has the key, or, until the room is met, `at ADDRESS`.
 */
export class Rooms {
  /** In words: folders of which nobody can say whose they are. */
  readonly doubtful = new Set<string>();
  readonly #folder: string;
  readonly #newDev: () => string;
  /** Folders to be let go, and what of them is kept elsewhere by then, or is said by nobody. */
  #carried: { store: SqliteStore; dropped: Message[] }[] = [];
  /** Folders of the same room beside the one that was opened, in which something lies in doubt. */
  #doubtful: SqliteStore[] = [];
  /** What a pipe that was killed had typed before it met its room. */
  readonly abandoned: Message[] = [];
  /** What is kept of a room that was asked about: it stays open, for another program could take it. */
  readonly #found = new Map<string, SqliteStore>();

  /** @param person the folder of the person */
  constructor(person: string, newDev: () => string) {
    this.#folder = person;
    this.#newDev = newDev;
  }

  /** The key of the room at this address; undefined if none was met there. Throws a ChatError if the file is damaged. */
  at(address: string): string | undefined {
    return this.#known.get(address)?.room;
  }

  /** Whether this room was met there in secret once: then it is met there in no other way. */
  isSecure(address: string, room: string): boolean {
    const known = this.#known.get(address);
    return known?.room === room && known.isSecure;
  }

  /** From now on this room is at this address; without a room nothing is known of it. */
  remember(address: string, room?: string, isSecure = false): void {
    const known = this.#known;
    if (room === undefined) known.delete(address);
    else known.set(address, { room, isSecure: isSecure || this.isSecure(address, room) });
    const lines = [...known].map(([at, { room, isSecure }]) => `${at} ${room}${isSecure ? ' secure' : ''}\n`);
    write(this.#file, lines.join(''));
  }

  /** True if something is kept of this room, which no other client uses now. */
  keeps(room: string): boolean {
    const store = this.#found.get(room) ?? this.#best([room]);
    if (store) this.#found.set(room, store);
    return store !== undefined;
  }

  /**
   * Opens the store for one client. Several of one person may be in a room at once, each in a folder of its own, with a
   * device, an outbox and a copy of the log. It is the first free one, unless messages wait in a later one: they were
   * promised to go out next time.
   */
  open(address: string, room: string | undefined): SqliteStore {
    const owner = `at ${address}`;
    const store =
      (room && (this.#takeFound(room) ?? this.#best([room]))) ||
      this.#best([owner]) ||
      this.#best(['']) ||
      this.#openNew();
    this.claim(store, room ?? owner);
    return store;
  }

  /** What is kept in the folder of this store is of this room. */
  claim({ folder }: { folder: string }, room: string): void {
    if (read(join(folder, 'room')) !== room) write(join(folder, 'room'), `${room}\n`);
  }

  /** What was typed for the room at this address before it was met: to be kept with the room, and then let go. */
  typedAt(address: string): Message[] {
    const store = this.#best([`at ${address}`]);
    if (!store || store.pending().length === 0) {
      void store?.close();
      return [];
    }
    const gone = abandoned(store, store.pending());
    this.abandoned.push(...gone);
    return this.carry(store).filter(({ id }) => !gone.some((message) => message.id?.n === id?.n));
  }

  /**
   * What free folders of this room, but for those that are open, have given to it without a receipt. They are not free
   * from now on, until that is settled, or another room is asked about.
   */
  doubts(room: string): Message[] {
    this.#carried.push(...this.#doubtful.splice(0).map((store) => ({ store, dropped: [] })));
    for (const folder of this.#slots.filter((slot) => this.#ownerOf(slot) === room && hasWaiting(slot))) {
      const store = this.#tryToOpen(folder);
      // What is in a copy may have other words elsewhere.
      const isDoubtful = store && !store.isCopied && inDoubt(store, store.pending()).length > 0;
      if (isDoubtful) this.#doubtful.push(store);
      else void store?.close();
    }
    return this.#doubtful.flatMap((store) => inDoubt(store, store.pending()));
  }

  /** What was in doubt has arrived. Each folder is free again when it has no more of that. */
  async settle(arrived: readonly MessageId[]): Promise<void> {
    for (const store of this.#doubtful) {
      const ids = new Set(inDoubt(store, store.pending()).map(({ id }) => id && formatId(id)));
      const dropped = arrived.filter((id) => ids.has(formatId(id)));
      if (dropped.length > 0) await store.commit({ dropped });
      if (dropped.length === ids.size) await store.close();
    }
    this.#doubtful = this.#doubtful.filter((store) => store.isOpen);
  }

  /** What waits in this store, to be kept in another one, and then let go. */
  carry(store: SqliteStore): Message[] {
    const pending = store.pending();
    this.#carried.push({ store, dropped: pending });
    return pending;
  }

  /** What waits in this store stays there, but for what a pipe has given to nobody. */
  leave(store: SqliteStore): Message[] {
    const pending = store.pending();
    const dropped = abandoned(store, pending);
    this.#carried.push({ store, dropped });
    return pending.filter((message) => !dropped.includes(message));
  }

  /** What was carried is kept elsewhere now. */
  async letGo(): Promise<void> {
    for (const { store, dropped } of this.#carried.splice(0)) {
      if (dropped.length > 0) await store.commit({ dropped: dropped.flatMap(({ id }) => id ?? []) });
      await store.close();
    }
  }

  async close(): Promise<void> {
    const carried = this.#carried.splice(0).map(({ store }) => store);
    const open = [...carried, ...this.#doubtful.splice(0), ...this.#found.values()];
    for (const store of open) await store.close();
  }

  #takeFound(room: string): SqliteStore | undefined {
    const store = this.#found.get(room);
    this.#found.delete(room);
    return store;
  }

  get #file(): string {
    return join(this.#folder, 'known-rooms');
  }

  get #known(): Map<string, { room: string; isSecure: boolean }> {
    const known = new Map<string, { room: string; isSecure: boolean }>();
    for (const line of read(this.#file).split('\n').filter(Boolean)) {
      const [, address = '', room = '', secure] = /^(\S+:\d+) (\S+)( secure)?$/.exec(line) ?? [];
      const hint = `Mend or remove the line: ${JSON.stringify(line.slice(0, 100))}`;
      const isFine = isPublicKey(room) && (known.get(address)?.room ?? room) === room;
      if (!isFine) throw new ChatError('DATA_DAMAGED', `${this.#file} is damaged.`, hint);
      known.set(address, { room, isSecure: secure !== undefined });
    }
    return known;
  }

  /** Of the free folders of these owners the first one, or the first in which messages wait. */
  #best(owners: readonly string[]): SqliteStore | undefined {
    let best: SqliteStore | undefined;
    for (const folder of this.#slots.filter((slot) => owners.includes(this.#ownerOf(slot)))) {
      const store = this.#openFree(folder);
      const isBetter = store && (!best || store.pending().length > 0);
      void (isBetter ? best : store)?.close();
      if (isBetter) best = store;
      if (best && best.pending().length > 0) break;
    }
    return best;
  }

  /** Whose a folder is; '' if it is nobody's. */
  #ownerOf(folder: string): string {
    const path = join(folder, 'room');
    if (!existsSync(path)) return '';
    const owner = readOrNothing(path);
    if (slotOwner.test(owner)) return owner;
    this.#doubt(folder);
    return 'nobody can say whose';
  }

  #doubt(folder: string): void {
    this.doubtful.add(`${join(folder, 'room')} does not say which room this folder is of; it is left as it is.`);
  }

  /** What is nobody's is taken only if nothing is in it. */
  #openFree(folder: string): SqliteStore | undefined {
    const store = this.#tryToOpen(folder);
    if (!store || existsSync(join(folder, 'room')) || (store.log === '' && store.pending().length === 0)) return store;
    this.#doubt(folder);
    void store.close();
    return undefined;
  }

  #tryToOpen(folder: string): SqliteStore | undefined {
    try {
      return SqliteStore.open(folder, { program: 'client', newDev: this.#newDev });
    } catch (error) {
      if (error instanceof ChatError && error.code === 'DATA_IN_USE') return undefined;
      throw error;
    }
  }

  /** By number, the oldest first. */
  get #slots(): string[] {
    const folder = join(this.#folder, 'rooms');
    const names = existsSync(folder) ? inWords(folder, () => readdirSync(folder)) : [];
    const numbers = names.filter((name) => /^\d+$/.test(name));
    return numbers.sort((a, b) => Number(a) - Number(b)).map((name) => join(folder, name));
  }

  #openNew(): SqliteStore {
    const rooms = join(this.#folder, 'rooms');
    inWords(rooms, () => makeFolder(rooms));
    for (let number = 1; number <= 16 * maxSlots; number++) {
      const folder = join(rooms, String(number));
      // Another program may be faster.
      const store = inWords(rooms, () => makeNew(folder)) ? this.#tryToOpen(folder) : undefined;
      if (store) return store;
    }
    const what = `${maxSlots} clients are using ${this.#folder} already.`;
    throw new ChatError('DATA_IN_USE', what, 'End some of them.');
  }
}

/** Looks without the right to write, which would cost a write. */
function hasWaiting(folder: string): boolean {
  if (sizeOf(dataPath(folder)) === 0) return false;
  const store = SqliteStore.open(folder, { readOnly: true });
  const has = store.pending().length > 0;
  void store.close();
  return has;
}

/** Returns true if it was not there. */
function makeNew(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

const read = (path: string): string => readText(path)?.trimEnd() ?? '';

export function readOrNothing(path: string): string {
  try {
    return read(path);
  } catch {
    return '';
  }
}

/** All of it or nothing. */
export function write(path: string, text: string): void {
  const own = `${path}.${process.pid}`;
  try {
    writeFileSync(own, text, { mode: 0o600, flush: true });
    renameSync(own, path);
  } catch (error) {
    rmSync(own, { force: true });
    throw new ChatError('DATA_NOT_WRITABLE', `cannot write ${path}.`, 'Choose another folder with --data-dir.', error);
  }
}
