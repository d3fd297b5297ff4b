import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { type Command, type Event, placesIn, type Stage, test } from './support/command.ts';

const root = mkdtempSync(join(tmpdir(), 'zmqchat-erase-'));
let count = 0;
const newFolder = () => join(root, String(++count));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const secret = 'the colour of the elephant';

async function serve(stage: Stage, folder: string, port = 0) {
  const server = stage.spawn('server', ['--port', String(port), '--ip', '127.0.0.1', '--json', '--data-dir', folder]);
  return { server, port: Number((await server.json({ type: 'listening' })).port) };
}
function client(stage: Stage, folder: string, port: number, name: string, ...args: string[]): Command {
  const where = ['--port', String(port), '--ip', '127.0.0.1', '--name', name, '--data-dir', folder];
  return stage.spawn('client', [...where, '--json', ...args]);
}
const say = (stage: Stage, folder: string, port: number, ...texts: string[]) =>
  client(stage, folder, port, 'ann', ...texts.flatMap((text) => ['-m', text])).ends(0);
const erase = (stage: Stage, folder: string, ...args: string[]) =>
  stage.spawn('server', ['erase', ...args, '--data-dir', folder], { stdin: null });
async function exported(stage: Stage, folder: string): Promise<Event[]> {
  const command = stage.spawn('server', ['export', '--json', '--data-dir', folder], { stdin: null });
  await command.ends(0);
  return placesIn(command.stdout);
}

/** The files below a folder in which any of these bytes stand. */
function filesWith(folder: string, ...words: string[]): string[] {
  const files = (readdirSync(folder, { recursive: true }) as string[]).filter((path) =>
    statSync(join(folder, path)).isFile(),
  );
  return files.filter((path) => {
    const bytes = readFileSync(join(folder, path), 'latin1');
    return words.some((word) => bytes.includes(word));
  });
}

/** The salt that stands with the secret, as any of these files has it. */
function saltIn(folder: string): string {
  for (const path of filesWith(folder, secret)) {
    const bytes = readFileSync(join(folder, path), 'latin1');
    const [, salt] = new RegExp(`${secret}[^]{0,200}?([\\w-]{22})`).exec(bytes) ?? [];
    if (salt) return salt;
  }
  throw new Error('no salt was found');
}

describe.concurrent('words that are erased', () => {
  test('are gone from the files of the server, of who is there, and of who was away and comes back', async ({
    stage,
  }) => {
    const [folder, people] = [newFolder(), newFolder()];
    const { server, port } = await serve(stage, folder);
    const [bob, away] = ['bob', 'cyd'].map((name) => client(stage, people, port, name, '--listen')) as [
      Command,
      Command,
    ];
    for (const one of [bob, away]) await one.json({ type: 'state', state: 'online' });
    await say(stage, people, port, 'before', secret, 'after');
    for (const one of [bob, away]) await one.json({ type: 'message', text: 'after' });
    away.kill('SIGKILL');
    await away.exit;
    const salt = saltIn(people);
    expect(filesWith(people, secret, salt).length).toBeGreaterThan(1);

    await erase(stage, folder, '2').ends(0);
    expect(filesWith(folder, secret, salt)).toEqual([]);
    expect(await bob.json({ type: 'erased' })).toMatchObject({ seq: 2, id: expect.stringMatching(/\.2$/) });
    expect(await server.json({ type: 'erased' })).toMatchObject({ seq: 2 });

    const back = client(stage, people, port, 'cyd', '--listen');
    expect(await back.json({ type: 'erased' })).toMatchObject({ seq: 2 });
    await client(stage, people, port, 'ann', '-m', 'later').ends(0);
    for (const one of [bob, back]) await one.json({ type: 'message', text: 'later' });
    for (const one of [bob, back]) {
      one.kill('SIGTERM');
      await one.exit;
    }
    expect(filesWith(people, secret, salt)).toEqual([]);
    const places = (await exported(stage, folder)).map(({ text, erased, type }) => type ?? text ?? typeof erased);
    expect(places).toEqual(['before', 'string', 'after', 'erase', 'later']);
  });

  test('are gone when the server is killed as soon as the command has ended, and the room goes on', async ({
    stage,
  }) => {
    const [folder, people] = [newFolder(), newFolder()];
    const { server, port } = await serve(stage, folder);
    await say(stage, people, port, secret, 'after');
    const salt = saltIn(folder);
    await erase(stage, folder, '1').ends(0);
    server.kill('SIGKILL');
    await server.exit;
    expect(filesWith(folder, secret, salt)).toEqual([]);
    await serve(stage, folder, port);
    await say(stage, people, port, 'still here');
    expect((await exported(stage, folder)).map(({ seq, erased }) => [seq, erased !== undefined])).toEqual([
      [1, true],
      [2, false],
      [3, false],
      [4, false],
    ]);
    expect(filesWith(people, secret, salt)).toEqual([]);
  });

  test('are gone without a server, too; who comes next reads it', async ({ stage }) => {
    const [folder, people] = [newFolder(), newFolder()];
    const { server, port } = await serve(stage, folder);
    await say(stage, people, port, secret);
    const salt = saltIn(folder);
    server.kill('SIGTERM');
    await server.ends(0);
    const command = erase(stage, folder, '1');
    await command.ends(0);
    expect(command.stdout).toBe('message 1 is erased\n');
    expect(filesWith(folder, secret, salt)).toEqual([]);
    await serve(stage, folder, port);
    await say(stage, people, port, 'next');
    expect(filesWith(people, secret, salt)).toEqual([]);
  });
});

describe.concurrent('what cannot be erased is said in words', () => {
  const where = 'chat-server export --json shows it: seq.';

  test('also by a server that runs', async ({ stage }) => {
    const [folder, people] = [newFolder(), newFolder()];
    const { port } = await serve(stage, folder);
    await say(stage, people, port, 'one', 'two');
    await erase(stage, folder, '1').ends(0);
    const again = erase(stage, folder, '1');
    await again.ends(0);
    expect(again.stdout).toBe('message 1 was erased before\n');
    const cases: [seq: string, what: string][] = [
      ['9', 'message 9 does not exist.'],
      ['3', 'message 3 only says that another one is erased.'],
    ];
    for (const [seq, what] of cases) {
      const command = erase(stage, folder, seq);
      await command.ends(8);
      expect(command.stderr).toBe(`chat-server: ${what}\n${where}\n`);
    }
  });

  test('what is no number, and what is no log', async ({ stage }) => {
    const folder = newFolder();
    for (const [args, what] of [
      [['one'], '--seq "one" is not the number of a message.'],
      [['0'], '--seq "0" is not the number of a message.'],
      [[], 'erase needs the number of a message.'],
    ] as const) {
      const command = erase(stage, folder, ...args);
      await command.ends(2);
      expect(command.stderr).toBe(`chat-server: ${what}\n${where}\n`);
    }
    const command = erase(stage, folder, '1');
    await command.ends(7);
    expect(command.stderr).toContain(`chat-server: there is no log in ${join(folder, 'log')}.`);
    expect(existsSync(folder)).toBe(false);
  });
});
