import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Command, placesIn, type Stage, test } from './support/command.ts';

const events = (command: Command) =>
  command.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const codesOf = (command: Command) => events(command).flatMap(({ code }) => code ?? []);

/** A room that can be ended and come back, and Ann's programs, each with a data folder that the test names. */
class Scene {
  readonly stage: Stage;
  port = 0;
  server!: Command;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  path = (...names: string[]) => join(this.stage.home, ...names);

  async open(): Promise<void> {
    const folder = ['--data-dir', this.path('room'), '--port', String(this.port)];
    const { server, port } = await this.stage.server(...folder);
    [this.server, this.port] = [server, port];
  }

  async close(): Promise<void> {
    this.server.kill('SIGTERM');
    await this.server.exit;
  }

  ann(folder: string, ...args: string[]): Command {
    return this.stage.client(this.port, 'ann', '--json', '--data-dir', this.path(folder), ...args);
  }

  async says(folder: string, ...texts: string[]): Promise<Command> {
    const client = this.ann(folder, ...texts.flatMap((text) => ['-m', text]));
    await client.ends(0);
    return client;
  }

  /** Types this while the room is away: it waits in the folder. */
  async waits(folder: string, text: string): Promise<void> {
    const where = ['--port', String(this.port), '--ip', '127.0.0.1', '--data-dir', this.path(folder)];
    await this.stage.leavesWaiting(text, ['--name', 'ann', ...where]);
  }

  async listens(folder: string): Promise<Command> {
    const client = this.ann(folder, '--listen');
    await client.json({ type: 'state', state: 'online' });
    return client;
  }

  copy(from: string, to: string): void {
    cpSync(this.path(from), this.path(to), { recursive: true, preserveTimestamps: true });
  }

  /** Everything in the log, oldest first. */
  async log(): Promise<string[]> {
    const printed = this.stage.spawn('server', ['export', '--json', '--data-dir', this.path('room')]);
    await printed.ends(0);
    return placesIn(printed.stdout).map(({ text }) => String(text));
  }
}

// Many programs, one after the other.
const timeout = 90_000;

describe.concurrent('a data folder', { timeout }, () => {
  test('that is copied while its program goes on: both talk, and nothing is lost', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    const first = await scene.listens('one');
    first.write('before\n');
    await first.json({ type: 'message', text: 'before' });
    scene.copy('one', 'two');
    const second = await scene.listens('two');
    expect(codesOf(second)).toContain('NEW_DEVICE');
    second.write('from the copy\n');
    first.write('from the first\n');
    await second.json({ type: 'message', text: 'from the first' });
    await first.json({ type: 'message', text: 'from the copy' });
    expect(codesOf(first)).not.toContain('NEW_DEVICE');
    expect((await scene.log()).sort()).toEqual(['before', 'from the copy', 'from the first']);
    // It is a device of its own by now, and says so no more.
    second.kill('SIGTERM');
    await second.exit;
    expect(codesOf(await scene.says('two', 'later'))).not.toContain('NEW_DEVICE');
  });

  test('and its copy, which both talk offline: each line is said once', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    await scene.says('one', 'before');
    await scene.close();
    scene.copy('one', 'two');
    await scene.waits('one', 'first offline');
    await scene.waits('two', 'copy offline');
    await scene.open();
    await scene.says('two', 'copy back');
    await scene.says('one', 'first back');
    expect(await scene.log()).toEqual(['before', 'copy offline', 'copy back', 'first offline', 'first back']);
  });

  test('that is copied with a line that waits: the first says it, and the copy does not say it again', async ({
    stage,
  }) => {
    const scene = new Scene(stage);
    await scene.open();
    await scene.says('one', 'before');
    await scene.close();
    await scene.waits('one', 'waits');
    scene.copy('one', 'two');
    await scene.open();
    await scene.says('one', 'goes on');
    await scene.says('two', 'from the copy');
    expect(await scene.log()).toEqual(['before', 'waits', 'goes on', 'from the copy']);
  });

  test('that is copied with a line that nobody has said: it ends with 7, until it is told to say it', async ({
    stage,
  }) => {
    const scene = new Scene(stage);
    await scene.open();
    await scene.says('one', 'before');
    await scene.close();
    await scene.waits('one', 'waits');
    scene.copy('one', 'two');
    rmSync(scene.path('one'), { recursive: true });
    await scene.open();
    for (let run = 0; run < 2; run++) {
      const refused = scene.ann('two', '--listen');
      await refused.ends(7);
      expect(refused.stderr).toContain('what waits in it may have been said from elsewhere: "waits".');
      expect(refused.stderr).toContain('To say it from here, add --resend.');
    }
    const resent = scene.ann('two', '--resend', '-m', 'new');
    await resent.ends(0);
    expect((await scene.log()).sort()).toEqual(['before', 'new', 'waits']);
    await scene.says('two', 'later');
    expect(await scene.log()).toHaveLength(4);
  });

  test('that was restored from a backup, file by file, goes on as another device', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    await scene.says('one', 'a');
    scene.copy('one', 'backup');
    await scene.says('one', 'b', 'c');
    rmSync(scene.path('one'), { recursive: true });
    scene.copy('backup', 'one');
    expect(codesOf(await scene.says('one', 'd'))).toContain('NEW_DEVICE');
    expect(await scene.log()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('whose files were written over with older ones is found out by the room', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    await scene.says('one', 'a');
    scene.copy('one', 'backup');
    await scene.says('one', 'b');
    // In the same files: nothing but what they say is old.
    for (const path of readdirSync(scene.path('backup'), { recursive: true }) as string[])
      if (path.endsWith('log.db')) writeFileSync(scene.path('one', path), readFileSync(scene.path('backup', path)));
    const client = await scene.listens('one');
    expect(codesOf(client)).toContain('NEW_DEVICE');
    client.write('c\n');
    await client.json({ type: 'message', text: 'c' });
    expect(await scene.log()).toEqual(['a', 'b', 'c']);
  });

  test('that was moved on the same disk is the same device', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    await scene.says('one', 'a');
    await scene.close();
    await scene.waits('one', 'b');
    renameSync(scene.path('one'), scene.path('moved'));
    await scene.open();
    expect(codesOf(await scene.says('moved', 'c'))).not.toContain('NEW_DEVICE');
    expect(await scene.log()).toEqual(['a', 'b', 'c']);
  });

  test('whose identity is lost is somebody new’s, who is asked about what waits', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    await scene.says('one', 'a');
    await scene.close();
    await scene.waits('one', 'b');
    const [person = ''] = readdirSync(scene.path('one'));
    rmSync(scene.path('one', person, 'identity'));
    await scene.open();
    // The name is the lost key's.
    const refused = scene.ann('one', '-m', 'c');
    await refused.ends(6);
    expect(codesOf(refused)).toContain('NEW_DEVICE');
    expect(await scene.log()).toEqual(['a']);
  });
});

describe.concurrent('a room at two addresses', { timeout }, () => {
  const addressed = (scene: Scene, ip: string, ...args: string[]) =>
    scene.stage.spawn('client', ['--port', String(scene.port), '--ip', ip, '--name', 'ann', '--json', ...args], {
      env: { HOME: scene.stage.home },
    });
  const slots = (scene: Scene) => {
    const clients = scene.path('.local', 'share', '0mq-chat', 'client');
    return existsSync(clients) ? readdirSync(join(clients, readdirSync(clients)[0] ?? '', 'rooms')) : [];
  };

  test('has one folder, and what was typed for the other address is said from there', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    await addressed(scene, '127.0.0.1', '-m', 'one').ends(0);
    await scene.close();
    const there = ['--port', String(scene.port), '--ip', 'localhost', '--name', 'ann'];
    await stage.leavesWaiting('typed for localhost', there);
    await scene.open();
    const late = addressed(scene, 'localhost', '-m', 'two');
    await late.ends(0);
    await addressed(scene, '127.0.0.1', '-m', 'three').ends(0);
    expect(await scene.log()).toEqual(['one', 'typed for localhost', 'two', 'three']);
    expect(slots(scene)).toEqual(['1', '2']);
    const printed = stage.spawn('server', ['export', '--json', '--data-dir', scene.path('room')]);
    await printed.ends(0);
    expect(new Set(placesIn(printed.stdout).map(({ id }) => String(id).split('.')[0])).size).toBe(1);
  });
});

describe.concurrent('the start of a server', () => {
  test('that makes a key says so and where, and a later one does not', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    const made = `a new room: its key is made, and kept in ${scene.path('room', 'identity')}`;
    await scene.server.stderrLine(/the room's key is/);
    expect(scene.server.stderr).toContain(made);
    await scene.close();
    await scene.open();
    await scene.server.stderrLine(/the room's key is/);
    expect(scene.server.stderr).not.toContain('a new room');
  });

  test('on port 0 without a folder says that the room will not be found again, and how to keep it', async ({
    stage,
  }) => {
    const env = { HOME: stage.home };
    const server = stage.spawn('server', ['--port', '0', '--ip', '127.0.0.1', '--json'], { env });
    const { port } = await server.json({ type: 'listening' });
    await server.stderrLine(/port 0 makes a new room at each start/);
    expect(server.stderr).toContain(join('server', String(port)));
    expect(server.stderr).toContain('--data-dir');
    mkdirSync(join(stage.home, 'kept'));
    const kept = ['--port', '0', '--ip', '127.0.0.1', '--json', '--data-dir', join(stage.home, 'kept')];
    const other = stage.spawn('server', kept, { env });
    await other.stderrLine(/the room's key is/);
    expect(other.stderr).not.toContain('port 0');
  });
});
