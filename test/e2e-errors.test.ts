import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { describe, expect } from 'vitest';
import { freePort } from './chaos/proxy.ts';
import { type Command, isPlain, type Program, type SpawnOptions, type Stage, test } from './support/command.ts';

const commandName = { p2p: 'p2p', server: 'chat-server', client: 'chat-client' } as const;

describe.concurrent('what is not understood: exit 2, and on stderr the word that is wrong and what to do', () => {
  const slips: [program: Program, args: string[], says: string][] = [
    ['p2p', ['--naem', 'x'], 'unknown option --naem.\nDid you mean --name?'],
    ['server', ['export', '--since', '2w'], '--since "2w" is not a span of time.\nExamples: 30m, 2h, 2d.'],
    [
      'client',
      ['--ip', 'a\x1b[31mb'],
      '--ip "a␛[31mb" is not a host name or an address.\nExamples: localhost, 192.168.1.7, all.',
    ],
  ];
  for (const [program, args, says] of slips)
    test(`${commandName[program]} ${args[0]}`, async ({ stage }) => {
      const command = stage.spawn(program, args, { stdin: null, env: { LC_ALL: 'es_ES.UTF-8' } });
      await command.ends(2);
      expect(clean(command)).toBe(`${commandName[program]}: ${says}\n`);
      expect(command.stdout).toBe('');
    });
});

describe.concurrent('what is asked of the program itself', () => {
  const asked: [program: Program, args: string[], start: RegExp][] = [
    ['client', ['--help'], /^chat-client --port \d+/],
    ['server', ['export', '--help'], /^chat-server export --port \d+/],
    ['p2p', ['--version'], /^\d+\.\d+\.\d+\n$/],
  ];
  for (const [program, args, start] of asked)
    test(`${commandName[program]} ${args.join(' ')}`, async ({ stage }) => {
      const env = { TERM: 'xterm-256color', COLORTERM: 'truecolor', FORCE_COLOR: '3' };
      const command = stage.spawn(program, args, { stdin: null, env });
      await command.ends(0);
      expect(command.stdout).toMatch(start);
      expect(clean(command)).toBe('');
    });

  test('colours: a wish in the environment counts in a pipe too, an option counts more', async ({ stage }) => {
    const colored = async (env: Record<string, string>, ...args: string[]) => {
      const command = stage.spawn('client', ['--port', '1', '--timeout', '0', '-m', 'x', ...args], { env });
      await command.ends(4);
      // From version 22 on Node itself has a word for whoever wishes both.
      const own = command.stderr.replace(/^\(node:\d+\) Warning: The 'NO_COLOR' env.*\n\(Use.*\n/m, '');
      expect(own).not.toContain('Warning');
      return !isPlain(own);
    };
    const found = await Promise.all([
      colored({ TERM: 'xterm' }),
      colored({ FORCE_COLOR: '1' }),
      colored({ FORCE_COLOR: '1', NO_COLOR: '1' }),
      colored({ FORCE_COLOR: '1' }, '--no-color'),
      colored({ FORCE_COLOR: '0', NO_COLOR: '1' }, '--color'),
    ]);
    expect(found).toEqual([false, true, true, false, true]);
  });

  test('the environment is below the options and above the defaults', async ({ stage }) => {
    const env = { ZMQCHAT_NAME: 'from env', ZMQCHAT_PORT: '0', ZMQCHAT_IP: '127.0.0.1' };
    const server = stage.spawn('server', ['--json'], { env: { ...env, ...kubernetes } });
    const { port, endpoint } = await server.json({ type: 'listening' });
    expect(endpoint).toBe(`tcp://127.0.0.1:${port}`);
    await server.stderrLine(/from env is listening on/);
    const clientEnv = { ...env, ...kubernetes, ZMQCHAT_NAME: 'env', ZMQCHAT_PORT: String(port) };
    const fromEnv = stage.spawn('client', ['-m', 'hi'], { env: clientEnv });
    await fromEnv.ends(0);
    await server.json({ type: 'join', name: 'env' });
    const flags = stage.spawn('client', ['--name', 'x', '--name', 'flag', '-m', 'hi'], { env: clientEnv });
    await flags.ends(0);
    await server.json({ type: 'join', name: 'flag' });
  });
});

describe.concurrent('what cannot be listened on: exit 3', () => {
  test('a port in use', async ({ stage }) => {
    const { port } = await stage.server();
    for (const program of ['server', 'p2p'] as const) {
      const command = listen(stage, program, '127.0.0.1', port);
      await command.ends(3);
      expect(clean(command)).toBe(
        `${commandName[program]}: port ${port} is already in use.\n` +
          'Is a server running already? Choose another with --port.\n',
      );
    }
  });

  test('an address of another machine', async ({ stage }) => {
    for (const program of ['server', 'p2p'] as const) {
      const command = listen(stage, program, '192.0.2.1', 0);
      await command.ends(3);
      expect(clean(command)).toMatch(
        /^[\w-]+: this machine has no address "192\.0\.2\.1"\.\nUse --ip all, or one of: .*127\.0\.0\.1.*\n$/,
      );
    }
  });
});

describe.concurrent('where nobody can be reached: exit 4', () => {
  test('an unknown host', async ({ stage }) => {
    for (const program of ['client', 'p2p'] as const) {
      const command = stage.spawn(program, ['--ip', 'no-such-host.invalid'], { stdin: null });
      await command.ends(4);
      expect(clean(command)).toContain(`${commandName[program]}: the name "no-such-host.invalid" is not known.\n`);
    }
  });

  test('nobody listening', async ({ stage }) => {
    const port = await freePort();
    const text = `-- nobody is listening on localhost:${port} yet; trying again`;
    const [client, p2p] = [
      stage.spawn('client', ['--port', `${port}`, '--timeout', '2', '-m', 'hi']),
      stage.spawn('p2p', ['--port', `${port}`]),
    ];
    await Promise.all([client.stderrLine(text), p2p.stderrLine(text)]);
    await client.ends(4);
    expect(clean(client)).toContain('chat-client: not online after 2 s.\n');
    p2p.kill('SIGINT');
    await p2p.ends(0);
  });

  const noChat = 'it is not a chat server.';
  const strangers: [string, () => Server, string][] = [
    ['an HTTP server', () => createHttpServer((_, response) => response.end('hello')), noChat],
    ['a server that says nothing', () => createServer(), 'says nothing: it is no chat server, or stands still.'],
    ['a server that hangs up', () => createServer((socket) => socket.on('error', () => {}).end('bye\r\n')), noChat],
  ];
  for (const [name, create, words] of strangers)
    test(`${name}: words within 5 s, and exit 5 when it is too late`, async ({ stage }) => {
      const server = stage.keep(create());
      const sockets = new Set<{ destroy(): void }>();
      server.on('connection', (socket) => sockets.add(socket));
      stage.keep({ close: () => [...sockets].map((socket) => socket.destroy()) });
      const port = await open(server);
      const client = stage.spawn('client', ['--ip', '127.0.0.1', '--port', `${port}`, '--timeout', '7', '-m', 'hi']);
      await client.stderrLine(new RegExp(`^-- something answers on port ${port}, but ${words}`));
      await client.ends(5);
      expect(clean(client)).toContain('chat-client: not online after 7 s.\n');
    });
});

describe.concurrent('--verbose says what happens to the connection', () => {
  const said = (command: Command) =>
    clean(command)
      .split('\n')
      .filter((line) => line.startsWith('-- connection: '))
      .map((line) => line.slice('-- connection: '.length));

  test('of a client, on stderr: refused, opened, connected, disconnected', async ({ stage }) => {
    const port = await freePort();
    const client = stage.client(port, 'ana', '--listen', '-v');
    await client.stderrLine('-- connection: refused');
    const { server } = await stage.server('--port', String(port));
    await client.stderrLine('-- connection: opened');
    await client.stderrLine('-- connection: connected');
    await client.stdoutLine(/You are now online/);
    server.kill('SIGKILL');
    await client.stderrLine('-- connection: disconnected');
    const events = said(client);
    const connected = events.indexOf('connected');
    expect(events.slice(0, connected - 1).every((event) => event === 'refused')).toBe(true);
    expect(events.slice(connected - 1, connected + 2)).toEqual(['opened', 'connected', 'disconnected']);
    expect(client.stdout).not.toContain('connection:');
    client.kill('SIGTERM');
    await client.exit;
  });

  test('of p2p, too; and nobody else does', async ({ stage }) => {
    const port = await freePort();
    const place = ['--ip', '127.0.0.1', '--port', String(port)];
    const listener = stage.spawn('p2p', ['--name', 'ana', '--server', ...place]);
    await listener.stderrLine(/^-- listening on /);
    const caller = stage.spawn('p2p', ['--name', 'bo', '--verbose', ...place]);
    await caller.stderrLine('-- connection: connected');
    await listener.stderrLine('-- bo is here.');
    listener.kill('SIGTERM');
    await caller.stderrLine('-- connection: disconnected');
    expect(said(listener)).toEqual([]);
    expect(caller.stdout).not.toContain('connection:');
  });
});

/** What Kubernetes puts into the environment of every pod when a service is called chat. */
const kubernetes = { CHAT_PORT: 'tcp://10.0.0.1:9999', CHAT_SERVICE_HOST: '10.0.0.1', CHAT_NAME: 'x' };

const listen = (stage: Stage, program: Program, ip: string, port: number, options: SpawnOptions = { stdin: null }) =>
  stage.spawn(program, ['--ip', ip, '--port', `${port}`, ...(program === 'p2p' ? ['--server'] : [])], options);

/** The words on stderr, which never hold a stack trace or an escape. */
function clean({ stderr, stdout }: Command): string {
  expect(stderr).not.toMatch(/^\s+at .*:\d+/m);
  expect(stderr).not.toContain('this is a bug');
  expect(isPlain(stdout + stderr)).toBe(true);
  return stderr;
}

const open = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
