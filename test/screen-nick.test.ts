import { describe, expect } from 'vitest';
import { maxOwnNames } from '../src/core/limits.ts';
import { test } from './support/command.ts';
import { LegacyClient } from './support/legacy.ts';

describe.concurrent('another name', () => {
  test('is the same person next time: what was read is not shown again, what was missed is', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.online(port, 'bo', '--listen');
    const ana = await stage.clientScreen(port, 'ana');
    bo.write('read\n');
    await ana.until('[bo] read');
    ana.enter('/nick zoe');
    await ana.until('-- you are now called zoe');
    await bo.stdoutLine('[room] ana is now called zoe. 2 online.');
    ana.enter('by zoe');
    await bo.stdoutLine('[zoe] by zoe');
    ana.enter('/quit');
    await ana.ends(0);
    bo.write('missed\n');
    await bo.stdoutLine('[room] zoe left the room. 1 online.');
    const zoe = await stage.clientScreen(port, 'zoe');
    await zoe.until('-- end of missed messages ---');
    expect(zoe.count('-- 1 missed message since')).toBe(1);
    expect(zoe.count('[bo] missed')).toBe(1);
    expect(zoe.has('[bo] read')).toBe(false);
  });

  test('is told in one sentence, whatever the names are, to everybody and in the log of the server', async ({
    stage,
  }) => {
    const { server, port } = await stage.server('--name', 'room');
    const old = stage.keep(LegacyClient.connect(port, 'Neo'));
    await old.join();
    const bo = await stage.online(port, 'bo', '--listen');
    const cy = await stage.clientScreen(port, 'cy');
    const luis = await stage.clientScreen(port, 'Luis García');
    luis.enter('/nick Lu is');
    await luis.until('-- you are now called Lu is');
    const sentence = 'Luis García is now called Lu is. 4 online.';
    await bo.stdoutLine(`[room] ${sentence}`);
    await cy.until(`[room] ${sentence}`);
    await old.hears(sentence);
    await server.stderrLine(/"message":"Luis García is now called Lu is \(4 online\)"/);
  });

  test('what waits under the old one goes out when started under the new one', async ({ stage }) => {
    const { server, port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'ana');
    ana.enter('/nick zoe');
    await ana.until('-- you are now called zoe');
    server.kill('SIGKILL');
    await ana.until('-- connection lost.');
    ana.enter('later');
    await ana.until(/^… later$/);
    ana.press('ctrl-d');
    await ana.ends(0);
    expect(ana.has('-- 1 message was not sent; it will go out next time.')).toBe(true);
    const { server: again } = await stage.server('--name', 'room', '--port', String(port));
    await stage.clientScreen(port, 'zoe');
    expect(await again.json({ type: 'message' })).toMatchObject({ text: 'later', from: { name: 'zoe' } });
  });

  test('is not taken from somebody else on this machine, nor from somebody in the room', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    for (const name of ['bob', 'carl']) await stage.client(port, name, '-m', `I am ${name}`).ends(0);
    const ana = await stage.clientScreen(port, 'ana');
    ana.enter('/nick bob');
    await ana.until('!! "bob" is somebody else on this machine: start with --name.');
    const far = await stage.clientScreen(port, 'dan', ['--data-dir', `${stage.home}/far`]);
    far.enter('/nick bob');
    await far.until('!! "bob" belongs to somebody else.');
    far.enter('still dan');
    await far.until('[dan] still dan');
  });

  test('while others talk: nothing looks missed, and nothing is doubled', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room', '--rate', '0');
    const bo = await stage.online(port, 'bo', '--listen');
    const ana = await stage.clientScreen(port, 'ana', ['--joins', 'all']);
    // With the first one as many as one person may have.
    for (let n = 1; n < maxOwnNames; n++) {
      ana.enter(`/nick ana${n}`);
      for (let line = 0; line < 20; line++) bo.write(`${n}.${line}\n`);
      await ana.until(`[bo] ${n}.19`);
      await ana.until(`-- you are now called ana${n}`);
    }
    await ana.settled();
    expect(ana.has('missed')).toBe(false);
    for (let n = 1; n < maxOwnNames; n++)
      for (let line = 0; line < 20; line++) expect(ana.count(new RegExp(`\\[bo\\] ${n}\\.${line}$`))).toBe(1);
  });
});
