import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Feed, framesOf } from '../src/core/log/feed.ts';
import { Log } from '../src/core/log/log.ts';
import type { Entry } from '../src/core/log/store.ts';
import { SqliteStore } from '../src/history/sqlite.ts';
import { crypto } from '../src/keys/ed25519.ts';
import { decode, encode } from '../src/protocol/codec.ts';
import type { Message } from '../src/protocol/frames.ts';
import { chainHash, withoutText } from '../src/protocol/signed.ts';

/*
 * The type and the length of a line stand in front of it: one flipped bit makes a number of it, or bytes, or another length. Whatever the
 * disk gives back, an entry that counts is the one that was written, and all others are read.
 */

const shm = '/dev/shm';
const root = mkdtempSync(join(existsSync(shm) ? shm : tmpdir(), 'zmqchat-flipped-'));
afterAll(() => rmSync(root, { recursive: true }));

const said = (n: number, more: Partial<Message> = {}): Message => ({
  kind: 'message',
  name: 'ann',
  text: `line ${n}`,
  id: { dev: 'd'.repeat(32), n },
  ...{ lc: n, ts: 1_700_000_000_000, in: n - 1, salt: 't'.repeat(22), key: 'k'.repeat(43), sig: 's'.repeat(86) },
  ...more,
});
const messages = [
  said(1),
  { ...withoutText(crypto, said(2)), erased: 'e'.repeat(86) },
  said(3, { type: 'action', ext: 'x' }),
];

test('in front of an entry hides no other one, and makes no other message of it', async () => {
  const folder = join(root, 'room');
  mkdirSync(folder, { mode: 0o700 });
  const store = SqliteStore.open(folder, { newLog: 'log' });
  let prev = '';
  const entries = messages.map((message, i): Entry => {
    const [seq, atMs] = [i + 1, 1_700_000_000_000 + i];
    const placed = { ...message, at: atMs };
    const hash = chainHash(crypto, prev, placed);
    const entry = { seq, prev, hash, atMs, ranMs: seq, message: { ...placed, seq, hash } };
    prev = hash;
    return entry;
  });
  await store.commit({ entries });
  await store.close();
  const path = join(folder, 'log.db');
  const good = readFileSync(path);
  const pageSize = good.readUInt16BE(16);
  const page = Math.floor(good.indexOf('line 1') / pageSize) * pageSize;
  let flips = 0;
  for (let cell = 0; cell < messages.length; cell++) {
    const at = page + good.readUInt16BE(page + 8 + 2 * cell);
    // Behind the sizes of the payload and the number of the row: the size of the header, a type for each column, and how a line begins.
    for (let byte = at + 3; byte < at + 3 + 31; byte++)
      for (let bit = 0; bit < 8; bit++) {
        const bad = Buffer.from(good);
        bad[byte] = (bad[byte] ?? 0) ^ (1 << bit);
        writeFileSync(path, bad);
        check(entries, folder, cell + 1);
        flips++;
      }
  }
  expect(flips).toBe(messages.length * 31 * 8);
});

function check(entries: readonly Entry[], folder: string, flipped: number): void {
  const store = open(folder);
  if (!store) return;
  try {
    const log = new Log(store, crypto);
    const places = log.read(1, 10);
    for (const { seq, message } of places) {
      if (seq !== flipped) expect(message?.sig, `place ${seq}`).toBe(entries[seq - 1]?.message.sig);
      // What nobody counts may be there: a time of 0, and that there was nothing to see.
      if (message) expect({ ...message, ago: 0, in: 0 }).toEqual({ ...entries[seq - 1]?.message, ago: 0, in: 0 });
    }
    const { items } = new Feed(log).read({ seq: 0, notice: 0 }, 256, 49_152);
    for (const frame of framesOf(items, () => 'x')) expect(decode(Buffer.from(encode(frame))).kind).toBe('entries');
  } catch (error) {
    // Damage that is found and told is right, too.
    if ((error as { code?: string }).code !== 'DATA_DAMAGED') throw error;
  } finally {
    void store.close();
  }
}

function open(folder: string): SqliteStore | undefined {
  try {
    return SqliteStore.open(folder, { readOnly: true });
  } catch (error) {
    if ((error as { code?: string }).code === 'DATA_DAMAGED') return undefined;
    throw error;
  }
}
