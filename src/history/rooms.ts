import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChatError } from '../errors.ts';
import { SqliteStore } from './sqlite.ts';

/** Most clients of one person on one machine at a time. */
const maxSlots = 64;
const roomKey = /^[\w-]{43}$/;

/**
 * What one person keeps of rooms, in the person's folder. `known-rooms` has a line for each address: whose room is there, by
 * its key. Each folder below `rooms` belongs to one room: its file `room` has the key, or, until the room is met, `at ADDRESS`.
 */
export class Rooms {
  readonly #folder: string;

  /** @param person the folder of the person */
  constructor(person: string) {
    this.#folder = person;
  }

  /** The key of the room at this address; undefined if none was met there. Throws a ChatError if the file is damaged. */
  at(address: string): string | undefined {
    return this.#known.get(address);
  }

  /** From now on this room is at this address; without a room nothing is known of it. */
  remember(address: string, room?: string): void {
    const known = this.#known;
    if (room === undefined) known.delete(address);
    else known.set(address, room);
    write(this.#file, [...known].map((line) => `${line.join(' ')}\n`).join(''));
  }

  /**
   * Opens the store for one client. Several of one person may be in a room at once, each in a folder of its own, with a
   * device, an outbox and a copy of the log. It is the first free one, unless messages wait in a later one: they were
   * promised to go out next time.
   */
  open(address: string, room: string | undefined, newDev: () => string): SqliteStore {
    const wanted = [room, `at ${address}`];
    let spare: SqliteStore | undefined;
    for (const folder of this.#slots.filter((slot) => wanted.includes(read(join(slot, 'room'))))) {
      const store = openIfFree(folder, newDev);
      const isWanted = !spare || (store && store.pending().length > 0);
      void (isWanted ? spare : store)?.close();
      if (isWanted) spare = store;
      if (spare && spare.pending().length > 0) break;
    }
    const store = spare ?? SqliteStore.open(this.#newSlot(), { program: 'client', newDev });
    this.claim(store, room ?? `at ${address}`);
    return store;
  }

  /** What is kept in the folder of this store is of this room. */
  claim({ folder }: { folder: string }, room: string): void {
    if (read(join(folder, 'room')) !== room) write(join(folder, 'room'), `${room}\n`);
  }

  get #file(): string {
    return join(this.#folder, 'known-rooms');
  }

  get #known(): Map<string, string> {
    const known = new Map<string, string>();
    for (const line of read(this.#file).split('\n').filter(Boolean)) {
      const [address = '', room = ''] = line.split(' ');
      const hint = `Mend or remove the line: ${JSON.stringify(line)}`;
      if (!roomKey.test(room)) throw new ChatError('DATA_DAMAGED', `${this.#file} is damaged.`, hint);
      known.set(address, room);
    }
    return known;
  }

  /** By number, the oldest first. */
  get #slots(): string[] {
    const folder = join(this.#folder, 'rooms');
    const numbers = existsSync(folder) ? readdirSync(folder).filter((name) => /^\d+$/.test(name)) : [];
    return numbers.sort((a, b) => Number(a) - Number(b)).map((name) => join(folder, name));
  }

  #newSlot(): string {
    const busy = new ChatError(
      'DATA_IN_USE',
      `${maxSlots} clients are using ${this.#folder} already.`,
      'End some of them.',
    );
    mkdirSync(join(this.#folder, 'rooms'), { recursive: true, mode: 0o700 });
    for (let number = 1; ; number++) {
      const folder = join(this.#folder, 'rooms', String(number));
      if (existsSync(folder)) continue;
      if (number > 16 * maxSlots) throw busy;
      try {
        mkdirSync(folder, { mode: 0o700 });
        return folder;
      } catch (error) {
        // Another program was faster.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }
}

function openIfFree(folder: string, newDev: () => string): SqliteStore | undefined {
  try {
    return SqliteStore.open(folder, { program: 'client', newDev });
  } catch (error) {
    if (error instanceof ChatError && error.code === 'DATA_IN_USE') return undefined;
    throw error;
  }
}

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8').trimEnd() : '');

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
