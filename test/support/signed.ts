import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { expect, vi } from 'vitest';

/** In what this client keeps of a room, so many entries have their signature: it can give them back. */
export const hasSignatures = (home: string, name: string, count: number): Promise<void> =>
  vi.waitFor(() => expect(signedIn(home, name)).toBe(count), { timeout: 15_000, interval: 100 });

function signedIn(home: string, name: string): number {
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' });
  const file = files.find((path) => path.includes(join('client', `${name}-`)) && path.endsWith('log.db'));
  if (file === undefined) return 0;
  const db = new DatabaseSync(join(home, file), { readOnly: true });
  const [{ signed } = { signed: 0 }] = db
    .prepare("SELECT count(sig) AS signed FROM messages WHERE sig <> '-'")
    .all() as {
    signed: number;
  }[];
  db.close();
  return signed;
}
