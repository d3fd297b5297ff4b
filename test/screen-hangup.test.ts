import { describe, expect } from 'vitest';
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
