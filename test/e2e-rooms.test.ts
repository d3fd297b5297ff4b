import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { SqliteStore } from '../src/history/sqlite.ts';
import { type Stage, test } from './support/command.ts';

const texts = (stdout: string) =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'message')
    .map(({ text }) => text);

/** A room in a folder of this name; it can be ended, and come back. */
async function room(stage: Stage, name: string, port = 0, ...more: string[]) {
  const args = ['--data-dir', join(stage.home, name), '--port', String(port), ...more];
  const { server, port: bound } = await stage.server(...args);
  const end = async () => {
    server.kill('SIGTERM');
    await server.exit;
  };
  return { port: bound, server, end };
}

/** What waits for the one room that this client knows. */
function waitingOf(home: string, name: string): string[] {
  const folders = readdirSync(home, { recursive: true, encoding: 'utf8' });
  const folder = folders.find((path) => path.includes(join('client', `${name}-`)) && path.endsWith(join('rooms', '1')));
  const store = SqliteStore.open(join(home, folder ?? ''), { readOnly: true });
  const texts = store.pending().map(({ text }) => text);
  void store.close();
  return texts;
}

describe.concurrent('another room at a known address', () => {
  test('is handed nothing: what was said stays in its room, and what waits for that goes there', async ({ stage }) => {
    const first = await room(stage, 'first');
    const { port } = first;
    const ann = stage.client(port, 'ann', '-m', 'the door code is 4711');
    await ann.ends(0);
    await first.end();
    await stage.leavesWaiting('for the first room', ['--port', `${port}`, '--ip', '127.0.0.1', '--name', 'ann']);
    const second = await room(stage, 'second', port);
    const pipe = stage.client(port, 'ann', '-m', 'for nobody');
    await pipe.ends(8);
    expect(pipe.stderr).toContain('this is another room');
    expect(pipe.stderr).toContain('stays there: "for the first room"\n');
    expect(pipe.stderr).toContain('!! not sent, may be sent again: line 1\n');
    const here = stage.client(port, 'ann', '-m', 'for the second room');
    await here.ends(0);
    const bo = await stage.jsonOnline(port, 'bo', '--history', '100');
    await bo.jsonUntil({ type: 'replayed' });
    expect(texts(bo.stdout)).toEqual(['for the second room']);
    await second.end();
    const again = await room(stage, 'first', port);
    const back = await stage.jsonOnline(port, 'ann', '--listen', '--replay');
    await back.json({ type: 'message', text: 'for the first room' });
    await again.end();
  });

  test('in the place of the one that clients are in: they go there with nothing, and say what stays', async ({
    stage,
  }) => {
    const first = await room(stage, 'first');
    const pipe = await stage.online(first.port, 'ann', '--listen');
    const screen = await stage.clientScreen(first.port, 'bo');
    pipe.write('secret said\n');
    await screen.until('secret said');
    await first.end();
    await pipe.stderrLine(/connection lost/);
    pipe.write('secret of a pipe\n');
    await vi.waitFor(() => expect(waitingOf(stage.home, 'ann')).toEqual(['secret of a pipe']), { timeout: 10_000 });
    screen.enter('secret of a person');
    await screen.until('… secret of a person');
    const { server } = await room(stage, 'second', first.port, '--log-level', 'debug');
    await screen.until('what waits for the room before stays there: "secret of a person"');
    await pipe.stderrLine(/this is another room/);
    pipe.write('for the second room\n');
    await screen.until('for the second room');
    screen.enter('here, too');
    await pipe.stdoutLine('[bo] here, too');
    await server.json({ type: 'message', text: 'here, too' });
    expect(texts(server.stdout)).toEqual(['for the second room', 'here, too']);
    expect(server.stdout + server.stderr).not.toContain('secret');
    pipe.kill('SIGTERM');
    await pipe.exit;
    expect(pipe.stderr).toContain('-- arrived: lines 1, 3\n!! not sent, may be sent again: lines 2');
  });

  test('than the one that is meant is not entered', async ({ stage }) => {
    const { port } = await room(stage, 'first');
    const key = 'ab'.repeat(32);
    const client = stage.client(port, 'ann', '--server-key', key, '-m', 'hi');
    await client.ends(5);
    expect(client.stderr).toContain('the room known here has the key abab abab abab abab abab');
    expect(client.stderr).toContain('--forget-room');
  });

  test('is what a server without its key would be: a log of another room is refused in words', async ({ stage }) => {
    const first = await room(stage, 'first');
    await first.end();
    rmSync(join(stage.home, 'first', 'identity'));
    const server = stage.spawn('server', ['--port', '0', '--data-dir', join(stage.home, 'first')]);
    await server.ends(7);
    expect(server.stderr).toContain('the identity of this room is not in');
  });

  test('is no room whose log was emptied: who was there gives back what it has', async ({ stage }) => {
    const first = await room(stage, 'first');
    const ann = await stage.jsonOnline(first.port, 'ann', '--listen');
    ann.write('one\n');
    await ann.json({ type: 'message', text: 'one', own: true });
    await first.end();
    rmSync(join(stage.home, 'first', 'log'), { recursive: true });
    const again = await room(stage, 'first', first.port);
    await ann.json({ type: 'status', code: 'RESTORED' });
    await again.server.json({ type: 'message', text: 'one' });
  });
});
