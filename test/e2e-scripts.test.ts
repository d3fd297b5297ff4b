import { spawn } from 'node:child_process';
import { describe, expect } from 'vitest';
import { freePort } from './chaos/proxy.ts';
import { type Command, placesIn, type Stage, test } from './support/command.ts';

/** A room that comes and goes, at one port and in one folder. */
class Scene {
  readonly stage: Stage;
  port = 0;
  server!: Command;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  async open(): Promise<void> {
    const { server, port } = await this.stage.server('--port', `${this.port}`, '--data-dir', `${this.stage.home}/room`);
    [this.server, this.port] = [server, port];
  }

  async close(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.server.kill(signal);
    await this.server.exit;
  }

  bot(...args: string[]): Command {
    return this.stage.client(this.port, 'bot', ...args);
  }

  /** Is online; then the room says nothing more, so that what is written now is given to it without a receipt. */
  async doubts(...texts: string[]): Promise<Command[]> {
    const bots = await Promise.all(texts.map(() => this.stage.jsonOnline(this.port, 'bot', '--timeout', '1')));
    this.server.kill('SIGSTOP');
    for (const [i, bot] of bots.entries()) bot.end(`${texts[i]}\n`);
    await Promise.all(bots.map((bot) => bot.ends(9, 20_000)));
    await this.close();
    return bots;
  }

  async log(): Promise<string[]> {
    const printed = this.stage.spawn('server', ['export', '--json', '--data-dir', `${this.stage.home}/room`]);
    await printed.ends(0);
    return placesIn(printed.stdout).map(({ text }) => String(text));
  }
}

describe.concurrent('a script', { timeout: 90_000 }, () => {
  test('that writes faster than the room takes is slowed and told so once; all arrives in its order, and it ends with 0', async ({
    stage,
  }) => {
    const { port } = await stage.server('--rate', '20', '--json');
    const lines = Array.from({ length: 250 }, (_, i) => `line ${i + 1}`);
    const reader = await stage.online(port, 'reader', '--listen');
    const bot = stage.client(port, 'bot', '--timeout', '1');
    bot.end(`${lines.join('\n')}\n`);
    await bot.ends(0, 60_000);
    expect(bot.stderr.match(/^-- you write faster than this room takes: .* wait/gm)).toHaveLength(1);
    const heard = await reader.stdoutUntil('[bot] line 250');
    expect(heard.filter((line) => line.startsWith('[bot]'))).toEqual(lines.map((line) => `[bot] ${line}`));
  });

  test('that fails three times and then succeeds has said it once', async ({ stage }) => {
    const scene = new Scene(stage);
    scene.port = await freePort();
    for (let run = 0; run < 3; run++) {
      const bot = scene.bot('--timeout', '1', '-m', 'disk is full');
      await bot.ends(4);
      expect(bot.stderr).toContain('!! not sent, may be sent again: line 1\n');
    }
    await scene.open();
    await scene.bot('-m', 'disk is full').ends(0);
    expect(await scene.log()).toEqual(['disk is full']);
  });

  test('that wants quiet has it when all goes well, and hears what went wrong', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    const bo = await stage.online(scene.port, 'bo', '--listen');
    for (const args of [
      ['-m', 'hi'],
      ['--json', '-m', 'hi'],
    ]) {
      const bot = scene.bot('-q', ...args);
      await bot.ends(0);
      expect([bot.stdout, bot.stderr]).toEqual(['', '']);
    }
    const listener = stage.client(scene.port, 'ear', '--quiet', '--listen');
    await bo.stdoutUntil(/ear joined the room/);
    bo.write('hello\n');
    expect(await listener.stdoutUntil('[bo] hello')).toEqual(['[bo] hello']);
    expect(listener.stderr).toBe('');
    await scene.close();
    const late = scene.bot('-q', '--timeout', '1', '-m', 'hi');
    await late.ends(4);
    expect(late.stdout).toBe('');
    expect(late.stderr).toMatch(/^!! not sent, may be sent again: line 1\nchat-client: not online after 1 s\.\n/);
  });

  test('that was killed before it met a room: its lines are dropped, which is said once', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    await scene.bot('-m', 'before').ends(0);
    await scene.close();
    const killed = scene.bot('--timeout', '60', '--listen', '--json');
    killed.write('never said\n');
    await killed.json({ type: 'status' });
    killed.kill('SIGKILL');
    await killed.exit;
    await scene.open();
    const next = scene.bot('-m', 'after');
    await next.ends(0);
    expect(next.stderr).toContain('!! a run before was killed; what it had given to nobody is dropped: "never said"\n');
    const last = scene.bot('-m', 'last');
    await last.ends(0);
    expect(last.stderr).not.toContain('never said');
    expect(await scene.log()).toEqual(['before', 'after', 'last']);
  });

  test('that ends with 9 leaves its lines to the next run, which settles those of every place first', async ({
    stage,
  }) => {
    const scene = new Scene(stage);
    await scene.open();
    const bots = await scene.doubts('one', 'two', 'three');
    for (const bot of bots)
      expect(await bot.json({ type: 'outcome' })).toMatchObject({ arrived: [], inDoubt: [{ from: 1, to: 1 }] });
    // Without a room they stay as they are, and the own line is dropped.
    await scene.bot('--timeout', '1', '-m', 'never said').ends(4);
    await scene.open();
    const next = scene.bot('-m', 'next');
    await next.ends(0);
    expect(next.stderr.match(/(\d) messages? of an earlier run (was|were) in doubt: in the room now/g)).not.toBeNull();
    const log = await scene.log();
    expect(log.at(-1)).toBe('next');
    expect(log.toSorted()).toEqual(['next', 'one', 'three', 'two']);
    await scene.bot('-q', '-m', 'again').ends(0);
    expect(await scene.log()).toHaveLength(5);
  });

  test('is told which lines have arrived, are in doubt, and were dropped', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    const bot = scene.bot('--timeout', '1');
    bot.write('one\n');
    const reader = await stage.jsonOnline(scene.port, 'reader', '--history', '9', '--listen');
    await reader.json({ type: 'message', text: 'one' });
    // What it reads next tells that its own line was read, too.
    reader.write('seen\n');
    await bot.stdoutLine(/\[reader\] seen$/);
    await scene.close();
    await bot.stderrLine(/^-- connection lost/);
    bot.end(`two\n${'x'.repeat(5_000)}\nthree\n`);
    await bot.ends(8);
    expect(bot.stderr).toContain('-- arrived: line 1\n!! not sent, may be sent again: lines 2-4\n');
  });

  test('that pipes another encoding is told once; a byte order mark is no text', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    const child = scene.bot('-q');
    child.end('\ufeffmarked\n');
    await child.ends(0);
    const where = ['dist/client.js', '--port', `${scene.port}`, '--ip', '127.0.0.1', '--name', 'bot', '-q'];
    const latin = spawn(process.execPath, where, { env: { HOME: stage.home, PATH: process.env.PATH } });
    let said = '';
    latin.stderr.setEncoding('utf8').on('data', (text) => (said += text));
    latin.stdin.end(Buffer.from('good\nse\xf1or\nse\xf1ora\n', 'latin1'));
    expect(await new Promise((resolve) => latin.once('close', resolve))).toBe(0);
    expect(said).toBe('!! the input is not UTF-8, first in line 2: what cannot be read is sent as "\ufffd".\n');
    expect(await scene.log()).toEqual(['marked', 'good', 'se\ufffdor', 'se\ufffdora']);
  });

  test('p2p --listen stays when its input ends', async ({ stage }) => {
    const ana = stage.spawn('p2p', ['--server', '--port', '0', '--ip', '127.0.0.1', '--json', '--listen']);
    const { port } = await ana.json({ type: 'listening' });
    ana.end();
    const bo = stage.spawn('p2p', ['--port', `${port}`, '--ip', '127.0.0.1', '--name', 'bo']);
    bo.end('hello\n');
    await bo.ends(0);
    await ana.json({ type: 'message', text: 'hello' });
    expect(ana.ended).toBe(false);
    ana.kill('SIGTERM');
    await ana.ends(0);
  });
});
