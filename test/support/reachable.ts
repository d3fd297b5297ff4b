import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Pending } from '../../src/core/log/store.ts';
import { SqliteStore } from '../../src/history/sqlite.ts';

/** Where the programs that live in this home folder keep the logs of their rooms. */
export const logFolders = (home: string): string[] =>
  readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('log.db'))
    .map((path) => dirname(join(home, path)));

/** How many devices of the room, its own too, the client of this name knows to be reachable, by the newest roster. */
export const reachable = (home: string, name: string): number =>
  look(home, name, (store) => store.addresses().length) ?? 0;

/** How many lines without a place a client would show again if it were killed now: its disk does not know that they were shown. */
export const unshown = (home: string, name: string): number =>
  look(home, name, (store) => (store.pending() as Pending[]).filter((message) => message.unshown).length) ?? 0;

function look<T>(home: string, name: string, ask: (store: SqliteStore) => T): T | undefined {
  const folder = logFolders(home).find((path) => /[\\/]client[\\/]([^\\/]+)-/.exec(path)?.[1] === name);
  if (folder === undefined) return undefined;
  const store = SqliteStore.open(folder, { readOnly: true });
  try {
    return ask(store);
  } finally {
    void store.close();
  }
}
