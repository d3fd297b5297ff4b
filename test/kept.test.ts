import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Kept } from '../src/cli/kept.ts';
import { SqliteStore } from '../src/history/sqlite.ts';
import { Written } from './support/places.ts';

test('what a server trims while somebody reads is not called lost', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zmqchat-kept-'));
  const written = new Written();
  written.append(1_500);
  const store = SqliteStore.open(join(folder, 'log'), { newLog: 'log' });
  await store.commit({ entries: written.store.read(1, 1_500) });
  const kept = new Kept(folder);
  const places = kept.places();
  expect((await places.next()).value).toHaveLength(500);
  await store.commit({ keep: { from: 400, hash: 'h' } });
  expect((await places.next()).value).toHaveLength(500);
  await store.commit({ keep: { from: 1_200, hash: 'h' } });
  await expect(places.next()).rejects.toMatchObject({
    code: 'DATA_IN_USE',
    message: expect.stringContaining('removed'),
  });
  await kept.close();
  await store.close();
  rmSync(folder, { recursive: true });
});
