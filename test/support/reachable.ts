import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SqliteStore } from '../../src/history/sqlite.ts';

/** Where the programs that live in this home folder keep the logs of their rooms. */
export const logFolders = (home: string): string[] =>
  readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('log.db'))
    .map((path) => dirname(join(home, path)));

/** How many devices of the room, its own too, the client of this name knows to be reachable, by the newest roster. */
export function reachable(home: string, name: string): number {
  const folder = logFolders(home).find((path) => /[\\/]client[\\/]([^\\/]+)-/.exec(path)?.[1] === name);
  if (folder === undefined) return 0;
  const store = SqliteStore.open(folder, { readOnly: true });
  const { length } = store.addresses();
  void store.close();
  return length;
}
