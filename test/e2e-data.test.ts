import { execFile, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect } from 'vitest';
import { type Command, type Event, placesIn, type Stage, test } from './support/command.ts';
import { dist } from './support/dist.ts';

const root = mkdtempSync(join(tmpdir(), 'zmqchat-data-'));
let count = 0;
const newFolder = () => join(root, String(++count));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const listen = ['--port', '0', '--ip', '127.0.0.1', '--json'];
/** Starts a server at this home; resolves with it, its port and the key of its room. */
async function serve(stage: Stage, home: string, env: Record<string, string> = {}, args: string[] = []) {
  const server = stage.spawn('server', [...listen, ...args], { env: { HOME: home, ...env } });
  const { port, room } = await server.json({ type: 'listening' });
  return { server, port: Number(port), room: String(room) };
}
async function stop(server: Command) {
  server.kill('SIGTERM');
  await server.ends(0);
}
function client(stage: Stage, home: string, port: number, name: string, ...args: string[]): Command {
  const where = ['--port', String(port), '--ip', '127.0.0.1', '--name', name];
  return stage.spawn('client', [...where, '--json', ...args], { env: { HOME: home } });
}
const say = async (stage: Stage, home: string, port: number, name: string, ...texts: string[]) =>
  client(stage, home, port, name, ...texts.flatMap((text) => ['-m', text])).ends(0);
async function online(command: Command): Promise<Command> {
  await command.json({ type: 'state', state: 'online' });
  return command;
}

/** The files with this name below a folder, as paths from it. */
const named = (name: string, folder: string) =>
  (readdirSync(folder, { recursive: true }) as string[]).filter((path) => basename(path) === name).sort();
const logs = (folder: string) => named('log.db', folder);

function exportLog(stage: Stage, args: string[], env: Record<string, string> = {}): Command {
  return stage.spawn('server', ['export', ...args], { env, stdin: null });
}
async function exported(stage: Stage, folder: string, ...args: string[]): Promise<Event[]> {
  const command = exportLog(stage, ['--data-dir', folder, '--json', ...args]);
  await command.ends(0);
  expect(command.stderr).toBe('');
  return placesIn(command.stdout);
}
const texts = (events: Event[]) => events.map(({ text }) => text);
async function refused(command: Command, message: string, hint: string) {
  const { ms } = await command.ends(7);
  expect(command.stderr.replaceAll(/^\{.*\}\n/gm, '')).toBe(`${message}\n${hint}\n`);
  expect(command.stdout).toBe('');
  return ms;
}

describe.concurrent('where things are kept', () => {
  test('two servers on two ports, and the clients of both, each have a folder of their own', async ({ stage }) => {
    const home = newFolder();
    const [one, two] = await Promise.all([serve(stage, home), serve(stage, home)]);
    await say(stage, home, one.port, 'ann', 'first room');
    await say(stage, home, two.port, 'ann', 'second room');
    const found = logs(home);
    for (const { port } of [one, two])
      expect(found.filter((path) => path.endsWith(`0mq-chat/server/${port}/log/log.db`))).toHaveLength(1);
    const ofClients = found.filter((path) => /\/client\/ann-\w+\/rooms\/[12]\/log\.db$/.test(path));
    const roomsOf = ofClients.map((path) => readFileSync(join(home, dirname(path), 'room'), 'utf8'));
    expect(roomsOf).toEqual([one, two].map(({ room }) => `${room}\n`));
    expect(found).toHaveLength(4);
    // Each room is a key of its own, and ann knows which one is where.
    expect(one.room).not.toBe(two.room);
    const known = named('known-rooms', home).map((path) => readFileSync(join(home, path), 'utf8'));
    expect(known).toEqual([[one, two].map(({ port, room }) => `127.0.0.1:${port} ${room}\n`).join('')]);
    expect(named('identity', home).map((path) => /(server\/\d+|client\/ann)/.exec(path)?.[0])).toEqual(
      ['client/ann', ...[one, two].map(({ port }) => `server/${port}`)].sort(),
    );
    const env = { HOME: home };
    const [a, b] = [one, two].map(({ port }) => exportLog(stage, ['--port', String(port), '--json'], env));
    await Promise.all([a?.ends(0), b?.ends(0)]);
    expect([a?.stdout, b?.stdout].flatMap((out) => texts(placesIn(out ?? '')))).toEqual(['first room', 'second room']);
  });

  test('--data-dir, then ZMQCHAT_DATA_DIR, then $STATE_DIRECTORY (systemd), then the default', async ({ stage }) => {
    const [home, option, variable, state] = [newFolder(), newFolder(), newFolder(), newFolder()];
    const env = { STATE_DIRECTORY: state, ZMQCHAT_DATA_DIR: variable };
    await stop((await serve(stage, home, env, ['--data-dir', option])).server);
    expect([option, variable, state].map(existsSync)).toEqual([true, false, false]);
    await stop((await serve(stage, home, env)).server);
    expect([variable, state, home].map(existsSync)).toEqual([true, false, false]);
    await stop((await serve(stage, home, { STATE_DIRECTORY: state })).server);
    expect([existsSync(join(state, 'log', 'log.db')), existsSync(home)]).toEqual([true, false]);
    await stop((await serve(stage, home)).server);
    expect(logs(home)).toHaveLength(1);
  });

  test('--no-history leaves nothing behind but the key of the room, and is the same room again', async ({ stage }) => {
    const [home, folder] = [newFolder(), newFolder()];
    const options = ['--no-history', '--data-dir', folder];
    const first = await serve(stage, home, {}, options);
    await say(stage, newFolder(), first.port, 'ann', 'kept nowhere');
    await stop(first.server);
    const second = await serve(stage, home, {}, options);
    await stop(second.server);
    expect([second.room, readdirSync(folder), existsSync(home)]).toEqual([first.room, ['identity'], false]);
  });

  test('a server started again goes on with its log, and is the same room', async ({ stage }) => {
    const [home, folder] = [newFolder(), newFolder()];
    const rooms = new Set<string>();
    for (const text of ['one', 'two']) {
      const { server, port, room } = await serve(stage, home, {}, ['--data-dir', folder]);
      rooms.add(room);
      await say(stage, newFolder(), port, `n${text}`, text);
      await stop(server);
    }
    expect(rooms.size).toBe(1);
    expect((await exported(stage, folder)).map(({ seq, text }) => [seq, text])).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
  });
});

describe.concurrent('exit 7, at once, with words', () => {
  test('a second server on one folder; the first goes on', async ({ stage }) => {
    const [home, folder] = [newFolder(), newFolder()];
    const { server, port } = await serve(stage, home, {}, ['--data-dir', folder]);
    const second = stage.spawn('server', [...listen, '--data-dir', folder]);
    await second.ends(7);
    expect(second.stderr).toMatch(
      /^chat-server: another server \(pid \d+\) is using .*\.\nEnd it, or choose another folder with --data-dir\.\n$/,
    );
    await say(stage, home, port, 'ann', 'still here');
    await stop(server);
    expect(texts(await exported(stage, folder))).toEqual(['still here']);
  });

  test('damaged, not a folder, an identity others can read', async ({ stage }) => {
    const [folder, home] = [newFolder(), newFolder()];
    const log = join(folder, 'log');
    mkdirSync(log, { recursive: true });
    writeFileSync(join(log, 'log.db'), 'garbage'.repeat(5_000));
    const restore = 'Restore it from a copy, or move it away to begin a new one: members give back what they have.';
    const broken = stage.spawn('server', [...listen, '--data-dir', folder]);
    await refused(broken, `chat-server: the data in ${log} is damaged.`, restore);
    await refused(exportLog(stage, ['--data-dir', folder]), `chat-server: the data in ${log} is damaged.`, restore);
    const file = newFolder();
    writeFileSync(file, '');
    const misplaced = stage.spawn('server', [...listen, '--data-dir', file]);
    await misplaced.ends(7);
    expect(misplaced.stderr).toBe(
      `chat-server: cannot use ${file}/log: a part of its path is not a folder.\nChoose another folder with --data-dir.\n`,
    );
    const keyed = stage.spawn('server', [...listen, '--data-dir', file, '--identity', newFolder()]);
    const notThere = `chat-server: cannot use ${file}/log: a part of its path is not a folder.`;
    await refused(keyed, notThere, 'Choose another folder with --data-dir.');
    const { port } = await serve(stage, home);
    await say(stage, home, port, 'ann', 'hi');
    const identity = join(home, named('identity', home).find((path) => path.includes('/client/')) ?? '');
    spawnSync('chmod', ['644', identity]);
    const open = client(stage, home, port, 'ann', '-m', 'hi');
    await open.ends(7);
    expect(open.stderr).toBe(`chat-client: your identity can be read by others.\nClose it: chmod 600 ${identity}\n`);
  });

  test('a log of a room with another key, a damaged key, a key others can read; the log stays as it was', async ({
    stage,
  }) => {
    const [home, folder, elsewhere] = [newFolder(), newFolder(), newFolder()];
    const { server, port, room } = await serve(stage, home, {}, ['--data-dir', folder]);
    await say(stage, home, port, 'ann', 'said in the room');
    await stop(server);
    const identity = join(folder, 'identity');
    const key = readFileSync(identity, 'utf8');
    const start = (...args: string[]) => stage.spawn('server', [...listen, '--data-dir', folder, ...args]);
    const shown = Buffer.from(room, 'base64url')
      .toString('hex')
      .slice(0, 20)
      .replace(/.{4}(?=.)/g, '$& ');
    writeFileSync(elsewhere, `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 });
    const mine = 'Put the identity of that room back, or move the log away to begin a new room: ';
    const other = `chat-server: the log in ${join(folder, 'log')} is of a room with another key, which begins with ${shown}.`;
    await refused(start('--identity', elsewhere), other, `${mine}members will be asked whether to enter it.`);
    rmSync(identity);
    const gone = (path: string) =>
      `chat-server: the identity of this room is not in ${path} any more; its key begins with ${shown}.`;
    const back =
      'Put it back from a copy: without it this is a new room. To begin that, move the log away: members will be asked whether to enter it.';
    await refused(start(), gone(identity), back);
    await refused(start('--identity', `${elsewhere}.none`), gone(`${elsewhere}.none`), back);
    // A start that was refused leaves no key behind.
    expect([existsSync(identity), existsSync(`${elsewhere}.none`)]).toEqual([false, false]);
    writeFileSync(identity, 'garbage', { mode: 0o600 });
    const anew = 'Restore it from a copy, or remove it to begin as a new room.';
    await refused(start(), `chat-server: the identity in ${identity} is damaged.`, anew);
    writeFileSync(identity, key);
    spawnSync('chmod', ['640', identity]);
    const close = `Close it: chmod 600 ${identity}`;
    await refused(start(), "chat-server: the room's identity can be read by others.", close);
    spawnSync('chmod', ['600', identity]);
    // The key may be anywhere: it is the room.
    renameSync(identity, `${elsewhere}.moved`);
    const again = await serve(stage, home, {}, ['--data-dir', folder, '--identity', `${elsewhere}.moved`]);
    expect([again.room, existsSync(identity)]).toEqual([room, false]);
    await stop(again.server);
    expect(texts(await exported(stage, folder))).toEqual(['said in the room']);
  });
});

describe.concurrent('chat-server export', () => {
  test('while the server runs, and when it does not; as lines and as JSON; only the last days', async ({ stage }) => {
    const [home, folder] = [newFolder(), newFolder()];
    const { server, port } = await serve(stage, home, {}, ['--data-dir', folder]);
    await say(stage, home, port, 'ann', 'one', 'two\nlines');
    const lines = exportLog(stage, ['--data-dir', folder]);
    await lines.ends(0);
    expect(lines.stdout).toMatch(/^\S+ \[ann\] one\n\S+ \[ann\] two\\nlines\n$/);
    expect(lines.stderr).toBe('');
    await say(stage, home, port, 'bob', 'three');
    expect(texts(await exported(stage, folder))).toEqual(['one', 'two\nlines', 'three']);
    await stop(server);
    expect(await exported(stage, folder)).toMatchObject([
      { seq: 1, text: 'one', name: 'ann', h: expect.any(String), sig: expect.any(String) },
      { seq: 2 },
      { seq: 3, name: 'bob' },
    ]);
    expect(texts(await exported(stage, folder, '--since', '2d'))).toEqual(['one', 'two\nlines', 'three']);
    expect(await exported(stage, folder, '--since', '0m')).toEqual([]);
    const mistake = exportLog(stage, ['--data-dir', folder, '--since', 'yesterday']);
    await mistake.ends(2);
    expect(mistake.stderr).toBe('chat-server: --since "yesterday" is not a span of time.\nExamples: 30m, 2h, 2d.\n');
  });

  test('where nothing was written: words, and no folder is made', async ({ stage }) => {
    const [folder, home] = [newFolder(), newFolder()];
    const hint = 'Look elsewhere: --port, --data-dir.';
    await refused(
      exportLog(stage, ['--data-dir', folder]),
      `chat-server: there is no log in ${join(folder, 'log')}.`,
      hint,
    );
    expect(existsSync(folder)).toBe(false);
    mkdirSync(folder);
    await refused(
      exportLog(stage, ['--data-dir', folder]),
      `chat-server: there is no log in ${join(folder, 'log')}.`,
      hint,
    );
    expect(readdirSync(folder)).toEqual([]);
    const nowhere = exportLog(stage, ['--port', '1'], { HOME: home });
    await nowhere.ends(7);
    expect([nowhere.stderr.split('\n')[1], existsSync(home)]).toEqual([hint, false]);
  });

  test('of a log without messages: nothing, exit 0', async ({ stage }) => {
    const folder = newFolder();
    await stop((await serve(stage, newFolder(), {}, ['--data-dir', folder])).server);
    expect(await exported(stage, folder)).toEqual([]);
  });
});

describe.concurrent('several clients of one person', () => {
  const slots = (home: string) =>
    logs(home)
      .map((path) => /\/client\/.*\/(\d+)\/log\.db$/.exec(path)?.[1])
      .filter(Boolean);

  test('each takes the first free place; it is free again after an end and after kill -9', async ({ stage }) => {
    const home = newFolder();
    const { port } = await serve(stage, home);
    const start = () => online(client(stage, home, port, 'ann', '--listen'));
    const one = await start();
    expect(slots(home)).toEqual(['1']);
    const two = await start();
    expect(slots(home)).toEqual(['1', '2']);
    one.kill('SIGKILL');
    await one.exit;
    const again = await start();
    expect(slots(home)).toEqual(['1', '2']);
    for (const command of [two, again]) {
      command.kill('SIGINT');
      await command.exit;
    }
    await start();
    await start();
    expect(slots(home)).toEqual(['1', '2']);
    await start();
    expect(slots(home)).toEqual(['1', '2', '3']);
  });

  test('what waits in the second place goes out next time, although the first one is free', async ({ stage }) => {
    const [home, folder] = [newFolder(), newFolder()];
    const first = await serve(stage, home, {}, ['--data-dir', folder]);
    const listener = await online(client(stage, home, first.port, 'ann', '--listen'));
    const writer = await online(client(stage, home, first.port, 'ann', '--listen'));
    first.server.kill('SIGSTOP');
    writer.write('kept\n');
    await writer.json({ type: 'state', state: 'offline' }, 15_000);
    writer.kill('SIGINT');
    await writer.exit;
    expect(await writer.json({ type: 'outcome' })).toMatchObject({ inDoubt: [{ from: 1, to: 1 }] });
    first.server.kill('SIGKILL');
    await first.server.exit;
    listener.kill('SIGKILL');
    await listener.exit;
    await serve(stage, home, {}, ['--data-dir', folder, '--port', String(first.port)]);
    await say(stage, home, first.port, 'ann', 'new');
    expect(texts(await exported(stage, folder))).toEqual(['kept', 'new']);
  });
});

/** A mount of its own needs a namespace of its own: Linux, and the right to make one. */
const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
const inNamespace = (script: string, env: Record<string, string>) =>
  promisify(execFile)('unshare', ['-rm', 'bash', '--norc', '-euc', script], {
    timeout: 25_000,
    env: { PATH: process.env.PATH ?? '', NODE: process.execPath, DIST: dist, ...env },
  });

// Skipped where this user may not mount a small disk (unshare -rm): nothing else has a full or a read-only disk.
describe.skipIf(!canMount)('disks', () => {
  test('a full disk: the server ends with words, and everything that came back is there', async () => {
    const work = newFolder();
    mkdirSync(join(work, 'disk'), { recursive: true });
    const script = `
      cd "$WORK"; mount -t tmpfs -o size=2m none disk; mkfifo out; exec 3<>out
      serve() { "$NODE" "$DIST/server.js" --port 0 --ip 127.0.0.1 --json --data-dir "$WORK/disk/$1" 3>&-; }
      serve log >out 2>server.err & server=$!
      read -r line <&3; mkdir disk/keyed; cp -p disk/log/identity disk/keyed
      port=$(sed 's/.*"port":\\([0-9]*\\).*/\\1/' <<<"$line"); cat <&3 >/dev/null & reader=$!
      text=$(printf '%01000d' 0)
      while echo "$text"; do :; done 2>/dev/null | HOME=$WORK "$NODE" "$DIST/client.js" --port "$port" --ip 127.0.0.1 \\
        --name ann --json >client.out 2>/dev/null & client=$!
      wait "$server" && code=0 || code=$?; echo "$code" >server.code
      kill -9 "$client"; wait "$client" || true; kill "$reader"
      dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true
      for folder in new keyed; do
        serve $folder >/dev/null 2>$folder.err && code=0 || code=$?; echo "$code" >$folder.code
      done
      rm disk/fill; mount -o remount,size=8m disk
      "$NODE" "$DIST/server.js" export --data-dir "$WORK/disk/log" --json >export.out`;
    await inNamespace(script, { WORK: work });
    const read = (name: string) => readFileSync(join(work, name), 'utf8');
    const full = (folder: string) =>
      `chat-server: the disk with ${work}/disk/${folder}/log is full.\nMake room, or choose another folder with --data-dir.\n`;
    const echoes = read('client.out')
      .trimEnd()
      .split('\n')
      .map((line): Event => JSON.parse(line));
    expect([read('server.code'), read('server.err').replaceAll(/^\{.*\}\n/gm, '')]).toEqual(['7\n', full('log')]);
    expect([read('keyed.code'), read('keyed.err').replaceAll(/^\{.*\}\n/gm, '')]).toEqual(['7\n', full('keyed')]);
    // Here there is no room for the key already.
    const noKey = full('new').replace('/new/log', '/new');
    expect([read('new.code'), read('new.err').replaceAll(/^\{.*\}\n/gm, '')]).toEqual(['7\n', noKey]);
    const kept = new Set(placesIn(read('export.out')).map(({ seq, id }) => `${seq} ${id}`));
    const echoed = echoes.filter(({ type }) => type === 'message');
    expect(echoed.length).toBeGreaterThan(100);
    expect(echoed.filter(({ seq, id }) => !kept.has(`${seq} ${id}`))).toEqual([]);
  });

  test('a read-only disk: no server, in words; but its log can be exported', async ({ stage }) => {
    const work = newFolder();
    mkdirSync(join(work, 'disk'), { recursive: true });
    const { server, port } = await serve(stage, work, {}, ['--data-dir', join(work, 'log')]);
    await say(stage, work, port, 'ann', 'kept');
    await stop(server);
    const script = `
      cd "$WORK"; mount -t tmpfs -o size=8m none disk; cp -rp log disk; mkdir disk/keyed; cp -p log/identity disk/keyed
      mount -o remount,ro disk
      "$NODE" "$DIST/server.js" export --data-dir "$WORK/disk/log" --json
      for folder in log keyed new; do
        "$NODE" "$DIST/server.js" --port 0 --ip 127.0.0.1 --data-dir "$WORK/disk/$folder" && exit 1 || echo "code $?" >&2
      done`;
    const { stdout, stderr } = await inNamespace(script, { WORK: work });
    expect(texts(placesIn(stdout))).toEqual(['kept']);
    const end = 'Choose another folder with --data-dir.\ncode 7\n';
    const readOnly = (folder: string) =>
      `chat-server: cannot use ${work}/disk/${folder}/log: its disk is read-only.\n${end}`;
    expect(stderr).toBe(readOnly('log') + readOnly('keyed') + readOnly('new'));
  });
});
