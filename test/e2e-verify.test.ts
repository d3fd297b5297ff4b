import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { describe, expect } from 'vitest';
import { type Command, type Stage, test } from './support/command.ts';
import { changeCell, forgeMessage } from './support/lines.ts';

const hint = 'What a server has lost its members give back while they are online.';
const hexOf = (room: string) => Buffer.from(room, 'base64url').toString('hex');
const count = 12;
const texts = Array.from({ length: count }, (_, i) => `line ${i + 1}`);

/** A room in which so much was said. */
async function spoken(stage: Stage) {
  const folder = join(stage.home, 'room');
  const { server, port, room } = await stage.server('--data-dir', folder);
  const author = stage.client(port, 'ann');
  author.end(texts.join('\n'));
  await author.ends(0);
  return { folder, server, port, room };
}
async function run(stage: Stage, code: number, ...args: string[]): Promise<Command> {
  const command = stage.spawn('server', args, { stdin: null });
  await command.ends(code);
  return command;
}
const verify = (stage: Stage, code: number, ...args: string[]) => run(stage, code, 'verify', ...args);
async function exportTo(stage: Stage, folder: string, name: string, ...args: string[]): Promise<string> {
  const file = join(stage.home, name);
  writeFileSync(file, (await run(stage, 0, 'export', '--json', '--data-dir', folder, ...args)).stdout);
  return file;
}
async function ended(server: Command): Promise<void> {
  server.kill('SIGTERM');
  await server.ends(0);
}
const right = (range: string, room: string, by = '') =>
  new RegExp(
    `^${range}, chain and signatures are right; head \\d+ [\\w-]{22}${by}\nthe room has the key ${hexOf(room)}\n$`,
  );

// Many programs, one after the other.
const timeout = 90_000;

describe.concurrent('a log that is right', { timeout }, () => {
  test('in its folder, while the server runs and when it does not; exported, and when words are erased', async ({
    stage,
  }) => {
    const { folder, server, room } = await spoken(stage);
    const all = right(`12 messages from 1 to ${count}`, room);
    const first = await verify(stage, 0, '--data-dir', folder, '--server-key', hexOf(room));
    expect(first.stdout).toMatch(all);
    expect(first.stderr).toBe('');

    const file = await exportTo(stage, folder, 'all.json');
    const signed = right(`12 messages from 1 to ${count}`, room, ', signed by the room');
    expect((await verify(stage, 0, file)).stdout).toMatch(signed);
    const piped = stage.spawn('server', ['verify', '-']);
    piped.end(readFileSync(file, 'utf8'));
    await piped.ends(0);
    expect(piped.stdout).toMatch(signed);

    await run(stage, 0, 'erase', '3', '--data-dir', folder);
    await ended(server);
    expect((await verify(stage, 0, '--data-dir', folder)).stdout).toMatch(right('13 messages from 1 to 13', room));
    const after = await exportTo(stage, folder, 'after.json');
    expect(readFileSync(after, 'utf8')).not.toContain('line 3');
    expect((await verify(stage, 0, `--file=${after}`)).stdout).toMatch(
      right('13 messages from 1 to 13', room, ', signed by the room'),
    );
    // What was exported before goes on proving what was said.
    await verify(stage, 0, file);
  });

  test('without the key of the room nobody signs the head; without messages there is only that', async ({ stage }) => {
    const { folder, server, room } = await spoken(stage);
    await ended(server);
    const [copy, elsewhere] = [join(stage.home, 'copy'), join(folder, 'identity')];
    cpSync(join(folder, 'log'), join(copy, 'log'), { recursive: true });
    const file = await exportTo(stage, copy, 'copy.json');
    expect((await verify(stage, 0, file)).stdout).toMatch(right('12 messages from 1 to 12', room, ', not signed'));
    const signed = await exportTo(stage, copy, 'signed.json', '--identity', elsewhere);
    expect((await verify(stage, 0, signed)).stdout).toContain(', signed by the room\n');
    const none = await run(stage, 7, 'export', '--json', '--data-dir', copy, '--identity', join(copy, 'none'));
    expect(none.stderr).toMatch(/^chat-server: the room's key is not in .*none\.\nName its file with --identity\.\n$/);
    const empty = await exportTo(stage, folder, 'empty.json', '--since', '0m');
    expect((await verify(stage, 0, empty)).stdout).toMatch(
      /^there are no messages; head 12 [\w-]{22}, signed by the room\n/,
    );
  });
});

describe.concurrent('what the disk has changed, or somebody', { timeout }, () => {
  test('is named, in the folder and in what is exported of it', async ({ stage }) => {
    const { folder, server } = await spoken(stage);
    await ended(server);
    const db = new DatabaseSync(join(folder, 'log', 'log.db'));
    changeCell(db, 4, 'text', () => 'line 44');
    changeCell(db, 6, 'sig', () => 'x');
    db.exec('DELETE FROM entries WHERE seq IN (8, 9)');
    forgeMessage(db, 2, { sig: 'AAAA' });
    forgeMessage(db, 11, { sig: undefined });
    db.close();
    const found = [
      'place 2 is wrongly signed',
      ...[4, 6, 8, 9].map((seq) => `place ${seq} is lost`),
      'place 11 is not signed',
    ];
    const file = await exportTo(stage, folder, 'damaged.json');
    for (const source of [['--data-dir', folder], [file]]) {
      const command = await verify(stage, 8, ...source);
      expect(command.stdout).toBe(`${found.join('\n')}\n`);
      expect(command.stderr).toBe(`chat-server: 6 things are wrong; 6 of 12 messages are right.\n${hint}\n`);
    }
  });

  test('in an export', async ({ stage }) => {
    const { folder, server, room } = await spoken(stage);
    const file = await exportTo(stage, folder, 'all.json');
    const other = await verify(stage, 5, file, '--server-key', '58'.padEnd(64, '6'));
    expect(other.stderr).toBe(
      `chat-server: this is the log of another room: it has the key ${hexOf(room)}.\nChoose another log, or leave --server-key out.\n`,
    );
    writeFileSync(file, readFileSync(file, 'utf8').replace('line 7', 'line 8').slice(0, -9));
    const command = await verify(stage, 8, file);
    expect(command.stdout).toBe(
      'place 7 does not follow: it was changed\nplace 7 is wrongly signed\n' +
        'line 13 is no place of a log: it was changed or cut off\nplace 12 is missing\n',
    );
    appendFileSync(file, `\n${readFileSync(file, 'utf8')}`);
    expect((await verify(stage, 8, file)).stderr).toBe(
      'chat-server: line 14 begins another export.\nCheck each in a file of its own.\n',
    );
    await ended(server);
  });
});

describe.concurrent('what cannot be checked: a word', { timeout }, () => {
  test('no file, no export, no log, an older log', async ({ stage }) => {
    const file = join(stage.home, 'file');
    writeFileSync(file, '');
    const cases: [args: string[], what: string][] = [
      [[join(stage.home, 'none')], `cannot read ${join(stage.home, 'none')}: no such file or directory.`],
      [[stage.home], `cannot read ${stage.home}: illegal operation on a directory.`],
      [[file], 'this is no export of a log.'],
      [[join(import.meta.dirname, '..', 'package.json')], 'this is no export of a log.'],
      [['--data-dir', join(stage.home, 'none')], `there is no log in ${join(stage.home, 'none', 'log')}.`],
    ];
    for (const [args, what] of cases) {
      const command = await verify(stage, 7, ...args);
      expect([command.stdout, command.stderr.split('\n')[0]]).toEqual(['', `chat-server: ${what}`]);
    }
    mkdirSync(join(stage.home, 'old', 'log'), { recursive: true });
    writeFileSync(join(stage.home, 'old', 'log', 'data.mdb'), 'x');
    expect((await verify(stage, 7, '--data-dir', join(stage.home, 'old'))).stderr).toContain('was never released');
    await verify(stage, 2, '--server-key', '00'.repeat(32));
  });
});
