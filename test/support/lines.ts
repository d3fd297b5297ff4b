import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { lineOf, placeOf } from '../../src/history/line.ts';
import type { Message } from '../../src/protocol/frames.ts';

/*
 * Changes what `log.db` has of a place in its line (docs/protocol.md, F3). All rows come as arrays or as objects: whatever the connection
 * was opened with.
 */

/** Changes one cell, by its name, and nothing else: no sum, no hash. */
export function changeCell(
  db: DatabaseSyncInstance,
  seq: number,
  name: string,
  change: (cell: unknown) => unknown,
): void {
  const cells = JSON.parse(lineAt(db, seq)) as unknown[];
  const at = cellNames(db).indexOf(name);
  cells[at] = change(cells[at] ?? null);
  setLine(db, seq, JSON.stringify(Array.from(cells, (cell) => cell ?? null)));
}

/** Changes the message, so that the line is whole for who checks neither the chain nor a signature. */
export function forgeMessage(
  db: DatabaseSyncInstance,
  seq: number,
  change: { [field in keyof Message]?: Message[field] | undefined },
): void {
  const place = placeOf(`${seq} ${lineAt(db, seq)}`);
  if (!place?.message) throw new Error(`there is no message at ${seq}`);
  setLine(db, seq, lineOf({ ...place, message: { ...place.message, ...change } as Message }));
}

/** The names of all cells, in their order. */
export const cellNames = (db: DatabaseSyncInstance): string[] =>
  rows(db, 'SELECT name FROM pragma_table_info(?)', 'messages').map(String).slice(1);

const lineAt = (db: DatabaseSyncInstance, seq: number) =>
  String(rows(db, 'SELECT line FROM entries WHERE seq = ?', seq)[0]);
const setLine = (db: DatabaseSyncInstance, seq: number, line: string) =>
  db.prepare('UPDATE entries SET line = ? WHERE seq = ?').run(line, seq);
const rows = (db: DatabaseSyncInstance, sql: string, value: string | number): unknown[] =>
  db
    .prepare(sql)
    .all(value)
    .map((row) => Object.values(row as object)[0]);
