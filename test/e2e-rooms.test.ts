import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Stage, test } from './support/command.ts';

const texts = (stdout: string) =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'message')
    .map(({ text }) => text);

/** A room in a folder of this name; it can be ended, and come back. */
async function room(stage: Stage, name: string, port = 0) {
  const { server, port: bound } = await stage.server('--data-dir', join(stage.home, name), '--port', String(port));
  const end = async () => {
    server.kill('SIGTERM');
    await server.exit;
  };
  return { port: bound, server, end };
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
