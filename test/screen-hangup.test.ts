import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { freePort } from './chaos/proxy.ts';
import { test } from './support/command.ts';

/** One after the other, and the window comes last: whatever is started later would keep it open. */
describe('the window is closed', () => {
  test('the program ends by itself, and the room knows', async ({ stage }) => {
    const { server, port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    ana.type('half a dr');
    await ana.settled();
    ana.hangUp();
    expect(await ana.exit).toEqual({ code: 0, signal: null });
    await server.json({ type: 'leave', name: 'ana', reason: 'left' });
  });

  test('a server with a list ends, too; SIGHUP from elsewhere has it read the list', async ({ stage }) => {
    const [list, port] = [join(stage.home, 'list'), await freePort()];
    writeFileSync(list, '', { mode: 0o600 });
    const args = ['--secure', '--allow', list, '--ip', '127.0.0.1', '--port', String(port)];
    const server = stage.screen('server', args);
    await server.until(/The list has 0 keys, nobody else gets in/);
    appendFileSync(list, `${'58'.padEnd(64, '6')} Ana\n`);
    server.kill('SIGHUP');
    await server.until(/the list has 1 key now/);
    server.kill('SIGHUP');
    await server.settled();
    server.hangUp();
    // The system may say it a second time, while the program ends.
    await delay(30);
    server.kill('SIGHUP');
    expect(await server.exit).toEqual({ code: 0, signal: null });
  });

  test('a shell between: no orphan stays in the room', async ({ stage }) => {
    const { server, port } = await stage.server();
    const shell = await stage.shell();
    shell.enter(`chat-client --port ${port} --ip 127.0.0.1 --name ana`);
    await shell.until('You are now online.');
    shell.hangUp();
    await server.json({ type: 'leave', name: 'ana', reason: 'left' });
    await shell.exit;
  });
});
