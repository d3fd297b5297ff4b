import { describe, expect } from 'vitest';
import { freePort } from './chaos/proxy.ts';
import { type Command, test } from './support/command.ts';

/** However a program is asked to end, it is gone after this. */
const limitMs = 2_500;

const ways: [name: string, quit: (client: Command) => void][] = [
  ['SIGINT', (client) => client.kill('SIGINT')],
  ['SIGTERM', (client) => client.kill('SIGTERM')],
  ['the end of input', (client) => client.end()],
];
const signals = ways.slice(0, 2);

describe.concurrent('quitting', () => {
  test('the end of input, server stopped: once that is noticed and the timeout over', async ({ stage }) => {
    const { server, port } = await stage.server();
    const client = await stage.jsonOnline(port, 'ana', '--timeout', '1');
    server.kill('SIGSTOP');
    client.end('one\ntwo\n');
    await client.json({ type: 'state', state: 'offline' });
    await client.ends(9);
    const inDoubt = [{ from: 1, to: 2 }];
    expect(await client.json({ type: 'outcome' })).toMatchObject({ arrived: [], inDoubt, notSent: [] });
  });

  for (const [name, quit] of ways)
    test(`${name}, server up: the last line is delivered`, async ({ stage }) => {
      const { port } = await stage.server('--name', 'room');
      const reader = await stage.online(port, 'reader', '--listen');
      const client = await stage.online(port, 'ana');
      await client.stderrLine(/^-- connecting/);
      client.write('last words\n');
      quit(client);
      expect((await client.ends(0)).ms).toBeLessThan(limitMs);
      expect(await reader.stdoutUntil('[room] ana left the room. 1 online.')).toEqual([
        '[room] ana joined the room. 2 online.',
        '[ana] last words',
        '[room] ana left the room. 1 online.',
      ]);
    });

  for (const [name, quit] of signals) {
    test(`${name}, server never up`, async ({ stage }) => {
      const port = await freePort();
      const client = stage.client(port, 'ana', '--timeout', '60');
      await client.stderrLine(/^-- nobody is listening/);
      await quits(client, quit, 0);
    });

    test(`${name}, server gone, a line waiting: that it is dropped is said`, async ({ stage }) => {
      const { server, port } = await stage.server();
      const client = await stage.jsonOnline(port, 'ana');
      server.kill('SIGKILL');
      await client.json({ type: 'state', state: 'offline' });
      client.write('x'.repeat(10));
      client.write('\n');
      await quits(client, quit, name === 'SIGINT' ? 130 : 143);
      const outcome = await client.json({ type: 'outcome' });
      expect(outcome).toMatchObject({ arrived: [], inDoubt: [], notSent: [{ from: 1 }] });
    });

    test(`${name}, server stopped, a line on its way: that it is in doubt is said`, async ({ stage }) => {
      const { server, port } = await stage.server();
      const client = await stage.online(port, 'ana');
      server.kill('SIGSTOP');
      client.write('anybody?\n');
      await quits(client, quit, name === 'SIGINT' ? 130 : 143);
      expect(client.stderr).toContain('!! in doubt, do not send again: line 1\n');
    });

    test(`${name}, server stopped, nothing to say`, async ({ stage }) => {
      const { server, port } = await stage.server();
      const client = await stage.online(port, 'ana', '--listen');
      server.kill('SIGSTOP');
      await quits(client, quit, 0);
    });

    test(`${name} twice ends it at once`, async ({ stage }) => {
      const { server, port } = await stage.server();
      const client = await stage.jsonOnline(port, 'ana');
      server.kill('SIGSTOP');
      client.write('anybody?\n');
      quit(client);
      await client.json({ type: 'state', state: 'closing' }, 5_000);
      quit(client);
      expect((await client.exit).ms).toBeLessThan(1_000);
    });
  }

  test('the end of input, server gone: after the timeout, with the count', async ({ stage }) => {
    const { server, port } = await stage.server();
    const client = await stage.jsonOnline(port, 'ana', '--timeout', '1');
    server.kill('SIGKILL');
    await client.json({ type: 'state', state: 'offline' });
    client.end('one\ntwo\n');
    expect((await client.ends(8)).ms).toBeLessThan(1_000 + limitMs);
    const outcome = await client.json({ type: 'outcome' });
    expect(outcome).toMatchObject({ arrived: [], inDoubt: [], notSent: [{ from: 1, to: 2 }] });
  });

  for (const [name, quit] of signals) {
    test(`${name}: a server with a client that is stopped`, async ({ stage }) => {
      const { server, port } = await stage.server();
      const client = await stage.online(port, 'ana');
      client.kill('SIGSTOP');
      await quits(server, quit, 0);
    });

    test(`${name}: p2p with nobody, with somebody, and with one who is stopped`, async ({ stage }) => {
      const listen = ['--server', '--port', '0', '--ip', '127.0.0.1', '--json'];
      const alone = stage.spawn('p2p', listen);
      await alone.json({ type: 'listening' });
      await quits(alone, quit, 0);
      for (const stopped of [false, true]) {
        const ana = stage.spawn('p2p', listen);
        const { port } = await ana.json({ type: 'listening' });
        const bo = stage.spawn('p2p', ['--port', `${port}`, '--ip', '127.0.0.1', '--json']);
        await Promise.all([ana, bo].map((side) => side.json({ type: 'join' })));
        if (stopped) ana.kill('SIGSTOP');
        await quits(bo, quit, 0);
      }
    });
  }
});

async function quits(command: Command, quit: (command: Command) => void, wanted: number): Promise<void> {
  quit(command);
  expect((await command.ends(wanted)).ms).toBeLessThan(limitMs);
}
