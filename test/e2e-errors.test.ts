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
  [['--name', 'a\x1b[31mb'], '--name "a␛[31mb": A name must not contain control or invisible characters, nor [ ] < >.'],
  [['--name', '[bob]'], '--name "[bob]": A name must not contain control or invisible characters, nor [ ] < >.'],
  [['--ip', 'tcp://x'], '--ip "tcp://x" is not a host name or an address.\nExamples: localhost, 192.168.1.7, all.'],
  [['--ip', ''], '--ip "" is not a host name or an address.\nExamples: localhost, 192.168.1.7, all.'],
  [['--naem', 'x'], 'unknown option --naem.\nDid you mean --name?'],
  [['--prot=1'], 'unknown option --prot.\nDid you mean --port?'],
  [['--quite-another'], 'unknown option --quite-another.\nSee --help.'],
  [['--name.x', '3'], 'unknown option --name.x.\nDid you mean --name?'],
  [['--Name', 'x'], 'unknown option --Name.\nDid you mean --name?', ['p2p']],
  [['-name', 'x'], 'unknown option -name.\nDid you mean --name?', ['server']],
  [['-n', 'x'], 'unknown option -n.\nDid you mean --name?', ['p2p', 'client']],
  [['-p', '80'], 'unknown option -p.\nDid you mean --port?', ['client']],
  [['-x'], 'unknown option -x.\nSee --help.', ['p2p']],
  [['-vx'], 'unknown option -vx.\nSee --help.', ['server']],
  [['--hist', '9'], 'unknown option --hist.\nDid you mean --history?', ['client']],
  [['-t', '9'], 'unknown option -t.\nDid you mean --timestamps or --timeout?', ['client']],
  [['-mhello'], 'unknown option -mhello.\nDid you mean -m hello?', ['client']],
  [['--dataDir', 'x'], 'unknown option --dataDir.\nDid you mean --data-dir?', ['server', 'client']],
  [['--name'], '--name needs a value.\nWrite --name NAME.', ['client']],
  [['--name', '--json'], '--name needs a value.\nWrite --name NAME.', ['p2p']],
  [['--name', '-bo'], '--name needs a value.\nIf -bo is its value, write --name=-bo.', ['server']],
  [['-m'], '-m needs a value.\nWrite -m TEXT.', ['client']],
  [['--timestamps'], '--timestamps needs a value.\nWrite --timestamps auto|off|time|iso.', ['client']],
  [['--json=yes'], '--json takes no value.\nWrite --json or --no-json.', ['client']],
  [['--no-color=1'], '--no-color takes no value.\nWrite --no-color or --color.', ['p2p']],
  [['--data-dir', ''], '--data-dir "" is not a folder.\nGive its path, or leave the option out.', ['server', 'client']],
  [['--timestamps', 'tme'], '--timestamps "tme" is none of auto, off, time, iso.\nDid you mean time?', ['client']],
  [['--timestamps=ISO'], '--timestamps "ISO" is none of auto, off, time, iso.\nDid you mean iso?', ['client']],
  [['--joins', 'never'], '--joins "never" is none of auto, all, none.\nChoose one of them.', ['client']],
  [['--bell', 'mentions'], '--bell "mentions" is none of mention, all, off.\nDid you mean mention?', ['client']],
  [
    ['--log-level', 'trace'],
    '--log-level "trace" is none of error, warn, info, debug.\nChoose one of them.',
    ['server'],
  ],
  [['localhost'], 'unknown argument "localhost".\nDid you mean --ip localhost?', ['server']],
  [['10.0.0.7'], 'unknown argument "10.0.0.7".\nDid you mean --ip 10.0.0.7?', ['client']],
  [['tcp://host:99'], 'unknown argument "tcp://host:99".\nDid you mean --ip host --port 99?', ['p2p']],
  [['9999'], 'unknown argument "9999".\nDid you mean --port 9999?', ['server']],
  [['--json', 'name', 'Ana'], 'unknown argument "name".\nDid you mean --name?', ['client']],
  [['name=Ana'], 'unknown argument "name=Ana".\nDid you mean --name?', ['p2p']],
  [['—name', 'Ana'], 'unknown argument "—name".\nDid you mean --name?', ['server']],
  [['--name', 'John', 'Doe', '--json'], 'unknown argument "Doe".\nDid you mean --name "John Doe"?', ['client']],
  [['-m', 'a', 'b', 'c'], 'unknown argument "b".\nDid you mean -m "a b c"?', ['client']],
  [['--', 'host.org'], 'unknown argument "host.org".\nDid you mean --ip host.org?', ['p2p']],
  [['hello'], 'unknown argument "hello".\nA value needs its option: --ip hello or --name hello.', ['p2p', 'server']],
  [
    ['hello you'],
    'unknown argument "hello you".\n' +
      'A value needs its option: --ip "hello you", --name "hello you" or --message "hello you".',
    ['client'],
  ],
  [['exprot'], 'unknown argument "exprot".\nDid you mean export?', ['server']],
  [['Export'], 'unknown argument "Export".\nDid you mean export?', ['server']],
  [['--port', '1', 'export'], 'unknown argument "export".\nWrite it first: chat-server export.', ['server']],
  [['export', '--sicne', '2d'], 'unknown option --sicne.\nDid you mean --since?', ['server']],
  [['export', '2d'], 'unknown argument "2d".\nSee chat-server export --help.', ['server']],
  [['export', '--since', '2w'], '--since "2w" is not a span of time.\nExamples: 30m, 2h, 2d.', ['server']],
  [['completon'], 'unknown argument "completon".\nDid you mean completion?', ['server']],
  [['completion', 'bsh'], 'no completion for the shell "bsh".\nDid you mean bash?', ['client']],
  [
    ['completion', 'tcsh', 'x'],
    'no completion for the shell "tcsh".\nWrite chat-client completion bash|zsh|fish.',
    ['client'],
  ],
  [['completion', 'zsh', 'x'], 'unknown argument "x".\nWrite chat-client completion bash|zsh|fish.', ['client']],
  [['completion'], 'completion needs the name of a shell.\nWrite p2p completion bash|zsh|fish.', ['p2p']],
  [['--timeout', 'soon'], '--timeout "soon" is not a whole number.\nGive a number such as 10.', ['client']],
  [['--max-clients', 'many'], '--max-clients "many" is not a whole number.\nGive a number such as 10.', ['server']],
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

  test('in every language the same', async ({ stage }) => {
    const command = stage.spawn('client', ['--timestamps', 'x'], { env: { LC_ALL: 'es_ES.UTF-8' } });
    await command.ends(2);
    expect(clean(command)).toContain('is none of');
  });

  test('in a shell that is not known', async ({ stage }) => {
    const command = stage.spawn('p2p', ['completion'], { env: { SHELL: '/bin/tcsh' } });
    await command.ends(2);
    expect(clean(command)).toBe(
      'p2p: no completion for the shell "tcsh" of $SHELL.\nWrite p2p completion bash|zsh|fish.\n',
    );
  });
});

describe.concurrent('what is asked of the program itself', () => {
  const helps: [program: Program, args: string[], start: RegExp][] = [
    ['p2p', ['--help'], /^p2p --name a --port \d+/],
    ['server', ['--help'], /^chat-server --port \d+/],
    ['client', ['--help'], /^chat-client --port \d+/],
    ['client', ['--naem', 'x', '-h'], /^chat-client --port \d+/],
    ['client', ['-vh'], /^chat-client --port \d+/],
    ['client', ['completion', '--help'], /^chat-client --port \d+/],
    ['server', ['export', '--help'], /^chat-server export --port \d+/],
  ];
  for (const [program, args, start] of helps)
    test(`${commandName[program]} ${args.join(' ')} fits a screen and starts with the example`, async ({ stage }) => {
      const env = { TERM: 'xterm-256color', COLORTERM: 'truecolor', FORCE_COLOR: '3', COLUMNS: '200' };
      const help = stage.spawn(program, args, { stdin: null, env });
      await help.ends(0);
      const lines = help.stdout.trimEnd().split('\n');
      expect(lines[0]).toMatch(start);
      expect(lines.length).toBeLessThanOrEqual(24);
      expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
      expect(clean(help)).toBe('');
    });

  for (const program of everyProgram)
    test(`${commandName[program]} --version`, async ({ stage }) => {
      const version = stage.spawn(program, ['--version'], { stdin: null });
      await version.ends(0);
      expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    });

  test('colours: a wish in the environment counts in a pipe too, an option counts more', async ({ stage }) => {
    const colored = async (env: Record<string, string>, ...args: string[]) => {
      const command = stage.spawn('client', ['--port', '1', '--timeout', '0', '-m', 'x', ...args], { env });
      await command.ends(4);
      expect(command.stderr).not.toContain('Warning');
      return !isPlain(command.stderr);
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

/** Where nobody listens. */
async function freePort(): Promise<number> {
  const closed = createServer();
  const port = await open(closed);
  await new Promise((resolve) => closed.close(resolve));
  return port;
}
