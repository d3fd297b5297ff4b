import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Command, type Stage, test } from './support/command.ts';
import { hasSignatures } from './support/signed.ts';

const many = 2_500;
const lines = Array.from({ length: many }, (_, i) => `line ${i} ${'x'.repeat(80)}`);

/** Whole JSON lines of messages; of a cut one nothing is to be had. */
const textsIn = (stdout: string): string[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'message')
    .map(({ text }) => text);

async function pipe(stage: Stage, port: number): Promise<void> {
  const bulk = stage.client(port, 'bulk');
  bulk.end(lines.join('\n'));
  await bulk.ends(0, 60_000);
}

// Not beside others: it needs all that a machine has.
test('10,000 piped lines arrive, each once and in order', { timeout: 120_000 }, async ({ stage }) => {
  const { port } = await stage.server('--rate', '0');
  const reader = await stage.jsonOnline(port, 'reader');
  const lines = Array.from({ length: 10_000 }, (_, i) => `line ${i}`);
  const pipe = stage.client(port, 'bulk');
  pipe.end(lines.join('\n'));
  const events = await reader.jsonUntil({ type: 'message', text: lines.at(-1) }, 90_000);
  const messages = events.filter(({ type }) => type === 'message');
  expect(messages.map(({ text }) => text)).toEqual(lines);
  expect(messages.map(({ seq }) => seq)).toEqual(lines.map((_, i) => i + 1));
  await pipe.ends(0);
});

describe.concurrent('a reader that stands still', { timeout: 90_000 }, () => {
  test('gets the rest the next time, each line once, and the program ends at once', async ({ stage }) => {
    const { port } = await stage.server('--rate', '0');
    const first = await stage.jsonOnline(port, 'ana', '--listen');
    first.pause();
    await pipe(stage, port);
    first.kill('SIGTERM');
    const { ms } = await first.ends(0);
    expect(ms).toBeLessThan(2_500);
    const before = textsIn(first.stdout);
    const second = await stage.jsonOnline(port, 'ana', '--replay', '--listen');
    if (before.length < many) await second.json({ type: 'message', text: lines.at(-1) });
    expect([...before, ...textsIn(second.stdout)]).toEqual(lines);
  });

  test('holds nobody back: neither the others nor the server, whose own output may stand still, too', async ({
    stage,
  }) => {
    const { server, port } = await stage.server('--rate', '0');
    const still = await stage.jsonOnline(port, 'still', '--listen');
    const reader = await stage.jsonOnline(port, 'reader', '--listen');
    still.pause();
    server.pause();
    await pipe(stage, port);
    await reader.json({ type: 'message', text: lines.at(-1) });
    server.resume();
    await server.json({ type: 'message', text: lines.at(-1) });
    expect(textsIn(server.stdout)).toEqual(lines);
    still.resume();
    await still.json({ type: 'message', text: lines.at(-1) });
    expect(textsIn(still.stdout)).toEqual(lines);
  });
});

describe.concurrent('a server whose log was emptied', () => {
  const says = async (client: Command, text: string) => {
    client.write(`${text}\n`);
    await client.json({ type: 'message', text, own: true });
  };
  const restored = (client: Command) => client.json({ type: 'status', code: 'RESTORED' });

  const texts = async (reader: Command) =>
    (await reader.jsonUntil({ type: 'replayed' })).filter(({ type }) => type === 'message').map(({ text }) => text);

  test('under another name, and emptied again: it is the same room, and has back what any member holds', async ({
    stage,
  }) => {
    const folder = join(stage.home, 'room');
    const { server, port } = await stage.server('--name', 'room', '--data-dir', folder);
    const anew = async (old: Command, name: string) => {
      old.kill('SIGTERM');
      await old.exit;
      for (const file of readdirSync(join(folder, 'log'))) rmSync(join(folder, 'log', file));
      return (await stage.server('--name', name, '--data-dir', folder, '--port', String(port))).server;
    };
    const ann = await stage.jsonOnline(port, 'ann', '--listen');
    const bo = await stage.jsonOnline(port, 'bo', '--listen');
    await says(ann, 'said by ann');
    await says(bo, 'said by bo');
    await hasSignatures(stage.home, 'bo', 2);
    ann.kill('SIGTERM');
    await ann.exit;
    const other = await anew(server, 'other');
    await restored(bo);
    // The name is no part of what was signed: under any name it has everything, also what ann said, who is away.
    await says(bo, 'said to another name');
    await hasSignatures(stage.home, 'bo', 3);
    const dan = await stage.jsonOnline(port, 'dan', '--history', '100');
    expect((await texts(dan)).sort()).toEqual(['said by ann', 'said by bo', 'said to another name']);
    dan.kill('SIGTERM');
    await dan.exit;
    await anew(other, 'room');
    await restored(bo);
    await says(bo, 'said at the end');
    // What others wrote is given back after a pause.
    await hasSignatures(stage.home, 'bo', 4);
    expect(bo.stdout).not.toContain('OTHER_ROOM');

    const cy = await stage.jsonOnline(port, 'cy', '--history', '100');
    const all = ['said at the end', 'said by ann', 'said by bo', 'said to another name'];
    expect((await texts(cy)).sort()).toEqual(all);
  });
});
