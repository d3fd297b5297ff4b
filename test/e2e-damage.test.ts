import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { describe, expect } from 'vitest';
import { Random } from './sim/random.ts';
import { type Command, type Stage, test } from './support/command.ts';
import { changeCell } from './support/lines.ts';
import { hasSignatures } from './support/signed.ts';

const count = 40;
const lines = Array.from({ length: count }, (_, i) => `line ${i + 1}`);
/** Every kind of cell of an entry. */
const columns = ['prev', 'hash', 'at_ms', 'ran_ms', 'sum', 'dev', 'n', 'name', 'text', 'lc', 'ts', 'key', 'sig'];

/** Flips one bit in each kind of cell, each in a place of its own with whole ones on both sides. Returns the places. */
function flipBits(folder: string, seed: number): Map<number, string> {
  const random = new Random(seed);
  const db = new DatabaseSync(join(folder, 'log', 'log.db'));
  const flipped = new Map<number, string>();
  for (const [i, column] of columns.entries()) {
    const seq = 3 * i + 1 + random.below(2);
    changeCell(db, seq, column, (cell) => flip(cell as string | number, random));
    flipped.set(seq, column);
  }
  db.close();
  return flipped;
}

function flip(value: string | number, random: Random): string | number {
  if (typeof value === 'number') return value ^ (1 << random.below(20));
  const bytes = Buffer.from(value);
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(7));
  return bytes.toString('latin1');
}

/** What a client is shown, by its place. */
async function reads(stage: Stage, port: number, name: string): Promise<Map<number, string>> {
  const client = await stage.jsonOnline(port, name, '--history', '1000', '--listen');
  const events = await client.jsonUntil({ type: 'replayed' });
  return new Map(events.flatMap(({ type, seq, text }) => (type === 'message' ? [[Number(seq), String(text)]] : [])));
}

async function ended(command: Command): Promise<void> {
  command.kill('SIGTERM');
  await command.exit;
}

describe.concurrent('a flipped bit in each kind of cell of the log', () => {
  test.for([1, 2])('hides no other message, and what a member holds is mended; seed %i', async (seed, { stage }) => {
    const folder = join(stage.home, 'room');
    const first = await stage.server('--data-dir', folder);
    const old = await stage.jsonOnline(first.port, 'old', '--listen');
    const author = stage.client(first.port, 'author');
    author.end(lines.join('\n'));
    await author.ends(0);
    await old.json({ type: 'message', text: lines.at(-1) });
    await hasSignatures(stage.home, 'old', count);
    await ended(first.server);
    const flipped = flipBits(folder, seed);

    // In a copy of the room there is nobody who could mend it.
    cpSync(folder, join(stage.home, 'alone'), { recursive: true });
    const alone = await stage.server('--data-dir', join(stage.home, 'alone'));
    const read = await reads(stage, alone.port, 'new');
    for (const [i, line] of lines.entries()) {
      const text = read.get(i + 1);
      // Not one altered text, and nothing is missing but what was damaged.
      if (text !== line) expect([i + 1, text, flipped.has(i + 1)]).toEqual([i + 1, undefined, true]);
    }
    expect(count - read.size).toBeGreaterThan(5);

    // Here somebody holds it all.
    const second = await stage.server('--data-dir', folder, '--port', String(first.port));
    await old.json({ type: 'state', state: 'online' });
    const mended = await stage.jsonOnline(second.port, 'first', '--history', '1000', '--listen');
    const texts = new Set<unknown>();
    await mended.json(({ text }) => lines.includes(String(text)) && texts.add(text).size === count);
    expect([...(await reads(stage, second.port, 'second')).values()]).toEqual(lines);
  });
});
