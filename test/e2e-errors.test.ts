import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { describe, expect } from 'vitest';
import { type Command, isPlain, type Program, type SpawnOptions, type Stage, test } from './support/command.ts';

const everyProgram = ['p2p', 'server', 'client'] as const;
const commandName = { p2p: 'p2p', server: 'chat-server', client: 'chat-client' } as const;

/** Command lines that are not understood: the words on stderr behind the command's name. */
const mistakes: [args: string[], says: string, programs?: readonly Program[]][] = [
  [['--port', 'abc'], '--port "abc" is not a port.\nA port is a number from 0 to 65535.'],
  [['--port', '99999'], '--port "99999" is not a port.\nA port is a number from 0 to 65535.'],
  [['--port', '65536'], '--port "65536" is not a port.\nA port is a number from 0 to 65535.'],
  [['--port=-1'], '--port "-1" is not a port.\nA port is a number from 0 to 65535.'],
  [['--port', '1e3'], '--port "1e3" is not a port.\nA port is a number from 0 to 65535.'],
  [['--port', '80', '--port', 'abc'], '--port "abc" is not a port.\nA port is a number from 0 to 65535.'],
  [['--name', ''], '--name "": A name must not be empty.'],
  [['--name', '   '], '--name "   ": A name must not be empty.'],
  [['--name', 'x'.repeat(33)], `--name "${'x'.repeat(33)}": A name has at most 32 characters.`],
  [['--name', 'a\x1b[31mb'], '--name "a␛[31mb": A name must not contain control, invisible or bracket characters.'],
  [['--name', '[bob]'], '--name "[bob]": A name must not contain control, invisible or bracket characters.'],
  [['--ip', 'tcp://x'], '--ip "tcp://x" is not a host name or an address.\nExamples: localhost, 192.168.1.7, all.'],
  [['--ip', ''], '--ip "" is not a host name or an address.\nExamples: localhost, 192.168.1.7, all.'],
  [['--naem', 'x'], 'unknown option --naem.\nDid you mean --name?'],
  [['--prot=1'], 'unknown option --prot.\nDid you mean --port?'],
  [['--quite-another'], 'unknown option --quite-another.\nSee --help.'],
  [['--name.x', '3'], 'unknown option --name.x.\nDid you mean --name?'],
  [['--timeout', 'soon'], '"soon" is not a whole number.\nGive a number such as 10.', ['client']],
  [['--max-clients', 'many'], '"many" is not a whole number.\nGive a number such as 10.', ['server']],
  [['-m'], 'Not enough arguments following: m.\nSee chat-client --help.', ['client']],
];

describe.concurrent('what is not understood: exit 2, the word that is wrong, and what to do', () => {
  for (const [args, says, programs = everyProgram] of mistakes)
    test(args.join(' '), async ({ stage }) => {
      for (const program of programs) {
        const command = stage.spawn(program, args, { stdin: null });
        await command.ends(2);
        expect(clean(command)).toBe(`${commandName[program]}: ${says}\n`);
        expect(command.stdout).toBe('');
      }
    });

  test('stray words and choices', async ({ stage }) => {
    for (const program of everyProgram) {
      const command = stage.spawn(program, ['hello'], { stdin: null });
      await command.ends(2);
      expect(clean(command)).toContain('Unknown argument: hello.\n');
    }
    const command = stage.spawn('client', ['--timestamps', 'never'], { env: { LC_ALL: 'es_ES.UTF-8' } });
    await command.ends(2);
    expect(clean(command)).toContain('Invalid values: Argument: timestamps, Given: "never"');
  });
});

describe.concurrent('what is asked of the program itself', () => {
  for (const program of everyProgram)
    test(`${commandName[program]} --help fits a screen and starts with the example; --version`, async ({ stage }) => {
      const help = stage.spawn(program, ['--help'], { stdin: null });
      await help.ends(0);
      const lines = help.stdout.trimEnd().split('\n');
      expect(lines[0]).toMatch(new RegExp(`^${commandName[program]} (--name a )?--port \\d+`));
      expect(lines.length).toBeLessThanOrEqual(24);
      expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
      expect(clean(help)).toBe('');
      const version = stage.spawn(program, ['--version'], { stdin: null });
      await version.ends(0);
      expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
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
    const wrong = stage.spawn('client', ['-m', 'hi'], { env: { ...env, ZMQCHAT_PORT: 'tcp://x' } });
    await wrong.ends(2);
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
    const closed = createServer();
    const port = await open(closed);
    await new Promise((resolve) => closed.close(resolve));
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

  const strangers: [string, () => Server][] = [
    ['an HTTP server', () => createHttpServer((_, response) => response.end('hello'))],
    ['a server that says nothing', () => createServer()],
    ['a server that hangs up', () => createServer((socket) => socket.on('error', () => {}).end('bye\r\n'))],
  ];
  for (const [name, create] of strangers)
    test(name, async ({ stage }) => {
      const server = stage.keep(create());
      const sockets = new Set<{ destroy(): void }>();
      server.on('connection', (socket) => sockets.add(socket));
      stage.keep({ close: () => [...sockets].map((socket) => socket.destroy()) });
      const port = await open(server);
      const client = stage.spawn('client', ['--ip', '127.0.0.1', '--port', `${port}`, '--timeout', '7', '-m', 'hi']);
      await client.stderrLine(`-- something answers on port ${port}, but it is not a chat server.`);
      await client.ends(4);
      expect(clean(client)).toContain('chat-client: not online after 7 s.\n');
    });
});

/** What Kubernetes puts into the environment of every pod when a service is called chat. */
const kubernetes = { CHAT_PORT: 'tcp://10.0.0.1:9999', CHAT_SERVICE_HOST: '10.0.0.1', CHAT_NAME: 'x' };

const listen = (stage: Stage, program: Program, ip: string, port: number, options: SpawnOptions = { stdin: null }) =>
  stage.spawn(program, ['--ip', ip, '--port', `${port}`, ...(program === 'p2p' ? ['--server'] : [])], options);

/** The words on stderr, which never hold a stack trace or an escape. */
function clean({ stderr, stdout }: Command): string {
  expect(stderr).not.toMatch(/^\s+at .*:\d+/m);
  expect(stderr).not.toContain('bug');
  expect(isPlain(stdout + stderr)).toBe(true);
  return stderr;
}

const open = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
