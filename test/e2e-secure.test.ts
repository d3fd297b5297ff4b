import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { Router } from 'zeromq';
import { freePort } from './chaos/proxy.ts';
import { type Command, type Stage, test } from './support/command.ts';
import { LegacyClient } from './support/legacy.ts';

/*
 * Rooms with closed doors, as real programs. A refused client in a pipe says why, and ends with code 5; at a terminal it says
 * why, and comes in by itself as soon as it may.
 */

const hexOf = (key: string) => Buffer.from(key, 'base64url').toString('hex');
const secured = (stage: Stage, ...args: string[]) => stage.server('--secure', ...args);
const keyTo = (room: string) => ['--secure', '--server-key', hexOf(room)];
const say = (stage: Stage, port: number, name: string, ...args: string[]) =>
  stage.client(port, name, ...args, '-m', 'hi');

/** The line of this person for a list. */
async function lineOf(stage: Stage, name: string): Promise<string> {
  const printed = stage.spawn('client', ['--name', name, '--key']);
  await printed.ends(0);
  return printed.stdout;
}

/** A list with these people. */
async function listOf(stage: Stage, ...names: string[]): Promise<string> {
  const file = join(stage.home, 'list');
  const lines = await Promise.all(names.map((name) => lineOf(stage, name)));
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  return file;
}

async function refused(client: Command, words: string, hint: string | RegExp): Promise<void> {
  await client.ends(5);
  expect(client.stderr).toContain(`chat-client: ${words}\n`);
  expect(client.stderr.split('\n').at(-2)).toMatch(hint);
}

describe.concurrent('a secure room', () => {
  test('says who comes in, with which line; that line is enough, and needed only once', async ({ stage }) => {
    const server = stage.spawn('server', ['--port', '0', '--ip', '127.0.0.1', '--secure', '--json']);
    const { join: line, port, room, secure } = await server.json({ type: 'listening' });
    expect(secure).toBe(true);
    expect(line).toMatch(new RegExp(`client\\.js --port ${port} --secure --server-key ${hexOf(String(room))}$`));
    await server.stderrLine(/the room is encrypted\. Whoever has this line gets in; to choose who: --allow FILE/);
    const [, ...args] = String(line).split(' ');
    await stage.node([...args, '--name', 'ana', '-m', 'hi']).ends(0);
    expect((await server.json({ type: 'message' })).text).toBe('hi');
    const again = stage.spawn('client', ['--port', String(port), '--name', 'ana', '-m', 'again']);
    await again.ends(0);
    expect((await server.json({ type: 'message' })).text).toBe('again');
  });

  test('with --allow lets in nobody else, whoever knows its key', async ({ stage }) => {
    const list = await listOf(stage, 'ana');
    const { server, port, room } = await secured(stage, '--allow', list);
    await server.stderrLine(/The list has 1 key, nobody else gets in; a line for it: chat-client --key/);
    await say(stage, port, 'ana', ...keyTo(room)).ends(0);
    const line = (await lineOf(stage, 'bo')).trim();
    await refused(
      say(stage, port, 'bo', ...keyTo(room)),
      'this server does not know your key.',
      `Give its owner this line: ${line}`,
    );
  });

  test('an open port beside it: the same room for open clients and the original, on this machine', async ({
    stage,
  }) => {
    const list = await listOf(stage, 'ana');
    const openPort = await freePort();
    const port = await freePort();
    const server = stage.spawn('server', [
      '--port',
      String(port),
      '--secure',
      '--allow',
      list,
      '--open-port',
      String(openPort),
      '--json',
    ]);
    const { room, openEndpoint } = await server.json({ type: 'listening' });
    expect(openEndpoint).toBe(`tcp://localhost:${openPort}`);
    await server.stderrLine(
      /tcp:\/\/localhost:\d+ is open: whoever reaches it can read and write\. Nothing is encrypted there\./,
    );
    const ana = await stage.jsonOnline(port, 'ana', '--listen', ...keyTo(String(room)));
    const lea = stage.keep(LegacyClient.connect(openPort, 'lea'));
    await lea.join();
    await ana.json({ type: 'join', name: 'lea' });
    await say(stage, openPort, 'bo').ends(0);
    expect(await ana.json({ type: 'message' })).toMatchObject({ from: { name: 'bo' }, text: 'hi' });
    await say(stage, port, 'ana').ends(0);
    await lea.hears('hi');
    if (process.platform !== 'linux') return;
    const listening = ['tcp', 'tcp6'].map((table) => readFileSync(`/proc/net/${table}`, 'utf8')).join('');
    const hex = openPort.toString(16).toUpperCase().padStart(4, '0');
    const places = [...listening.matchAll(new RegExp(`(\\w+):${hex} \\w+:0000 0A`, 'g'))].map(([, place]) => place);
    expect(places).toEqual([expect.stringMatching(/^(0{16}FFFF0000)?0100007F$/)]);
  });

  test('is met openly by nobody: an original and an open client see no room', async ({ stage }) => {
    const { server, port } = await secured(stage);
    await refused(
      say(stage, port, 'ana'),
      'this server is encrypted, and its key is not known here.',
      'Ask its owner for the line to come in with: --secure --server-key …',
    );
    server.kill('SIGTERM');
    await server.ends(0);
    expect(server.stdout.split('\n').filter((line) => /"type":"(join|message)"/.test(line))).toEqual([]);
  });

  test('--check finds it with its key, on its list or not; without it nobody can tell; another key is another server', async ({
    stage,
  }) => {
    const { port, room } = await secured(stage, '--allow', await listOf(stage, 'ana'));
    await stage.client(port, 'bo', '--check', ...keyTo(room)).ends(0);
    await stage.client(port, 'bo', '--check').ends(5);
    const other = hexOf('gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q');
    await stage.client(port, 'bo', '--check', '--secure', '--server-key', other).ends(5);
  });
});

describe.concurrent('why a client does not get in: words, and exit 5 in a pipe', () => {
  test('the server is not encrypted, but is meant to be; known once, it is meant to be ever after', async ({
    stage,
  }) => {
    const folder = join(stage.home, 'server');
    const first = await secured(stage, '--data-dir', folder);
    await say(stage, first.port, 'ana', ...keyTo(first.room)).ends(0);
    first.server.kill('SIGTERM');
    await first.server.ends(0);
    const { server } = await stage.server('--port', String(first.port), '--data-dir', folder);
    await refused(
      say(stage, first.port, 'ana'),
      'this server is not encrypted, and an encrypted one is meant.',
      'Ask its owner why. If it is meant to be open, enter it with --forget-room, and without --secure.',
    );
    await refused(
      say(stage, first.port, 'bo', ...keyTo(first.room)),
      'this server is not encrypted, and an encrypted one is meant.',
      /--forget-room/,
    );
    const open = stage.client(first.port, 'ana', '--forget-room', '-m', 'there');
    await open.ends(0);
    expect((await server.json({ type: 'message' })).text).toBe('there');
  });

  test('it is not the one with that key', async ({ stage }) => {
    const { port } = await secured(stage);
    const other = 'gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q';
    await refused(
      say(stage, port, 'ana', ...keyTo(other)),
      'this server is not the one with the key 8139 770e a87d 175f 56a3.',
      'Ask its owner for the line to come in with.',
    );
  });

  test('the original’s server is not encrypted', async ({ stage }) => {
    const router = stage.keep(new Router({ linger: 0 }));
    await router.bind('tcp://127.0.0.1:*');
    const port = Number(router.lastEndpoint?.split(':').at(-1));
    await refused(
      say(stage, port, 'ana', ...keyTo('gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q')),
      'this server is not encrypted, and an encrypted one is meant.',
      /Ask its owner/,
    );
  });

  const strangers: [string, () => Server, string][] = [
    ['HTTP', () => createHttpServer((_, response) => response.end('hello')), 'it is not a chat server'],
    ['a server that says nothing', () => createServer(), 'says nothing: it is no chat server, or stands still'],
  ];
  for (const [name, create, words] of strangers)
    test(`${name}: within 5 s, and tried until it is too late`, async ({ stage }) => {
      const server = stage.keep(create());
      const sockets = new Set<{ destroy(): void }>();
      server.on('connection', (socket) => sockets.add(socket));
      stage.keep({ close: () => [...sockets].map((socket) => socket.destroy()) });
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      const { port } = server.address() as AddressInfo;
      const room = 'gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q';
      const client = say(stage, port, 'ana', ...keyTo(room), '--timeout', '6');
      await client.stderrLine(new RegExp(words));
      await client.ends(5);
      expect(client.stderr).toContain('chat-client: not online after 6 s.\n');
    });
});

describe.concurrent('at a terminal, a client comes in by itself', () => {
  const typed = (stage: Stage, port: number, name: string, ...args: string[]) =>
    stage.screen('client', ['--port', String(port), '--ip', '127.0.0.1', '--name', name, ...args]);

  test('when its key was added to the list; taken off it, it is out, the others are back, and nothing is lost', async ({
    stage,
  }) => {
    const list = await listOf(stage, 'ana');
    const { server, port, room } = await secured(stage, '--allow', list);
    const ana = await stage.jsonOnline(port, 'ana', '--listen', ...keyTo(room));
    const bo = typed(stage, port, 'bo', ...keyTo(room));
    const line = (await lineOf(stage, 'bo')).trim();
    await bo.until('-- this server does not know your key. Give its owner this line:');
    appendFileSync(list, `${line}\n`);
    await bo.until(/You are now online/);
    await ana.json({ type: 'join', name: 'bo' });
    expect(ana.stdout).not.toContain('"offline"');
    bo.enter('from bo');
    await ana.json({ type: 'message', text: 'from bo' });
    writeFileSync(list, readFileSync(list, 'utf8').replace(`${line}\n`, ''));
    server.kill('SIGHUP');
    await server.json({ type: 'leave', name: 'bo', reason: 'left' });
    expect((await ana.jsonUntil({ type: 'state', state: 'online' })).map(({ type }) => type)).toContain('leave');
    await bo.until('-- offline');
    bo.enter('too late');
    await say(stage, port, 'ana').ends(0);
    const told = await ana.jsonUntil({ type: 'message' });
    expect(told.at(-1)).toMatchObject({ text: 'hi' });
    expect(server.stdout).not.toContain('too late');
    expect(server.stdout).not.toContain('"lost"');
  });

  test('when its server, which was open, wants encryption: the key of the room is known', async ({ stage }) => {
    const folder = join(stage.home, 'server');
    const first = await stage.server('--data-dir', folder);
    const ana = await stage.clientScreen(first.port, 'ana');
    const pipe = await stage.jsonOnline(first.port, 'log', '--listen');
    first.server.kill('SIGTERM');
    await first.server.ends(0);
    await ana.until('-- offline');
    ana.enter('while it was away');
    await secured(stage, '--port', String(first.port), '--data-dir', folder);
    await pipe.json({ type: 'message', text: 'while it was away' });
    ana.enter('/status');
    await ana.until(new RegExp(`-- the room at tcp://127\\.0\\.0\\.1:${first.port}: encrypted`));
    const known = /the room's key: ([0-9a-f ]{24}); yours: ([0-9a-f ]{24})/;
    await ana.until(known);
    await ana.until(/-- signed by the room/);
  });
});

test('a stranger that wants encryption changes nothing for a room that was always open: its client comes back', async ({
  stage,
}) => {
  const folder = join(stage.home, 'server');
  const first = await stage.server('--data-dir', folder);
  const ana = await stage.clientScreen(first.port, 'ana');
  first.server.kill('SIGTERM');
  await first.server.ends(0);
  const stranger = await secured(stage, '--port', String(first.port), '--data-dir', join(stage.home, 'another'));
  await ana.until('-- this server is not the one with the key');
  stranger.server.kill('SIGKILL');
  await stranger.server.exit;
  const { server } = await stage.server('--port', String(first.port), '--data-dir', folder);
  await server.json({ type: 'join', name: 'ana' });
});

describe.concurrent('mistakes', () => {
  const at = ['--ip', '127.0.0.1', '--port', '0'];
  test.for<[string, string[], RegExp]>([
    ['--allow without --secure', ['--allow', 'x'], /--allow needs --secure: an open room keeps nobody out\.\n/],
    ['--open-port without --secure', ['--open-port', '0'], /--open-port needs --secure/],
    ['no list', ['--secure', '--allow', '/nowhere/list'], /there is no list \/nowhere\/list\.\n/],
  ])('%s: exit 2, and nothing is open', async ([, args, says], { stage }) => {
    const server = stage.spawn('server', [...at, ...args]);
    await server.ends(2);
    expect(server.stderr).toMatch(says);
  });

  test('a bad line: its number, and exit 2', async ({ stage }) => {
    const list = await listOf(stage, 'ana');
    appendFileSync(list, '\nAna 1234\n');
    const server = stage.spawn('server', [...at, '--secure', '--allow', list]);
    await server.ends(2);
    expect(server.stderr).toContain(
      `chat-server: the list ${list} has no key in line 3: "Ana" is not a key: a key is 64 hexadecimal digits.\n`,
    );
  });

  test('a bad list while it runs: the old one stays, and the log says why; gone, too', async ({ stage }) => {
    const list = await listOf(stage, 'ana');
    const { server, port, room } = await secured(stage, '--allow', list);
    appendFileSync(list, 'x\n');
    await server.stderrLine(/has no key in line 2/);
    await say(stage, port, 'ana', ...keyTo(room)).ends(0);
    rmSync(list);
    await server.stderrLine(/there is no list/);
    await say(stage, port, 'ana').ends(0);
    await say(stage, port, 'bo', ...keyTo(room)).ends(5);
  });

  test('--secure without a key, at a room that was never met', async ({ stage }) => {
    const client = stage.client(await freePort(), 'ana', '--secure', '-m', 'hi');
    await client.ends(2);
    expect(client.stderr).toMatch(/chat-client: --secure needs the key of the room\.\nAdd --server-key HEX/);
  });

  test('the port is taken: exit 3, also for a secure room', async ({ stage }) => {
    const { port } = await secured(stage);
    const second = stage.spawn('server', ['--ip', '127.0.0.1', '--port', String(port), '--secure']);
    await second.ends(3);
    expect(second.stderr).toContain(`port ${port} is already in use`);
  });
});

test('SIGHUP ends a server without a list, as ever', async ({ stage }) => {
  const { server } = await secured(stage);
  server.kill('SIGHUP');
  await server.ends(0);
});

test('without anybody who says who may come in, the server ends, and nobody has come in', async ({ stage }) => {
  const preload = join(stage.home, 'broken.mjs');
  const broken = `
    import { createRequire } from 'node:module';
    const zeromq = createRequire(import.meta.url)(${JSON.stringify(fileURLToPath(import.meta.resolve('zeromq')))});
    class Reply extends zeromq.Reply {
      send() { return Promise.reject(new Error('broken')); }
    }
    Object.defineProperty(zeromq, 'Reply', { value: Reply });`;
  writeFileSync(preload, broken);
  const program = fileURLToPath(new URL('../dist/server.js', import.meta.url));
  const server = stage.node(['--import', preload, program, '--port', '0', '--ip', '127.0.0.1', '--secure', '--json']);
  const { port, room } = await server.json({ type: 'listening' });
  const client = say(stage, Number(port), 'ana', ...keyTo(String(room)), '--timeout', '1');
  await server.ends(1);
  expect(server.stderr).toContain('broken');
  expect(server.stdout).not.toContain('"type":"join"');
  expect((await client.exit).code).not.toBe(0);
});

describe.concurrent('two people in secret', () => {
  const place = (port: number) => ['--ip', '127.0.0.1', '--port', String(port)];
  async function waits(stage: Stage, ...args: string[]) {
    const port = await freePort();
    const listener = stage.spawn('p2p', ['--name', 'ana', '--server', '--secure', '--json', ...args, ...place(port)]);
    const { join: line } = await listener.json({ type: 'listening' });
    const [, key = ''] = /--secure --peer-key ([0-9a-f]{64})$/.exec(String(line)) ?? [];
    return { listener, port, key };
  }

  test('the line that is shown is enough', async ({ stage }) => {
    const { listener, port, key } = await waits(stage);
    const bo = stage.spawn('p2p', ['--name', 'bo', '--secure', '--peer-key', key, ...place(port)]);
    await listener.json({ type: 'join', name: 'bo' });
    bo.end('hi\n');
    expect(await listener.json({ type: 'message' })).toMatchObject({ text: 'hi' });
    await bo.ends(0);
    expect((await lineOf(stage, 'ana')).startsWith(key)).toBe(true);
  });

  test('with --peer-key it is one person, and nobody else takes their place', async ({ stage }) => {
    const [boKey = ''] = (await lineOf(stage, 'bo')).split(' ');
    const { listener, port, key } = await waits(stage, '--peer-key', boKey);
    const eve = stage.spawn('p2p', ['--name', 'eve', '--secure', '--peer-key', key, ...place(port)]);
    await eve.ends(5);
    expect(eve.stderr).toMatch(/p2p: the other side does not know your key\.\nGive them this line: [0-9a-f]{64} eve\n/);
    const bo = stage.spawn('p2p', ['--name', 'bo', '--secure', '--peer-key', key, ...place(port)]);
    await listener.json({ type: 'join', name: 'bo' });
    bo.kill('SIGTERM');
    await bo.exit;
  });

  test('one open, one encrypted: words at both, and exit 5', async ({ stage }) => {
    const { port } = await waits(stage);
    const open = stage.spawn('p2p', ['--name', 'bo', ...place(port)]);
    await open.ends(5);
    expect(open.stderr).toMatch(/p2p: the other side is encrypted.*\nAsk them for the line.*--peer-key …\n/);
    const plain = await freePort();
    stage.spawn('p2p', ['--name', 'cy', '--server', ...place(plain)]);
    const secret = stage.spawn('p2p', [
      '--name',
      'bo',
      '--secure',
      '--peer-key',
      hexOf('gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q'),
      ...place(plain),
    ]);
    await secret.ends(5);
    expect(secret.stderr).toContain('p2p: the other side is not encrypted, and an encrypted one is meant.\n');
  });

  test('whose key is not said, nobody is called', async ({ stage }) => {
    const bo = stage.spawn('p2p', ['--name', 'bo', '--secure', ...place(await freePort())]);
    await bo.ends(2);
    expect(bo.stderr).toContain('p2p: --secure needs the key of the other side.\n');
    const cy = stage.spawn('p2p', ['--name', 'cy', '--peer-key', '11'.repeat(32), ...place(await freePort())]);
    await cy.ends(2);
  });
});
