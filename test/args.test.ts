import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Program } from '../src/cli/args/flags.ts';
import { parse, variablesIn } from '../src/cli/args/options.ts';
import { client, p2p, server, serverExport, serverVerify } from '../src/cli/args/programs.ts';
import { ChatError } from '../src/errors.ts';

type Name = 'p2p' | 'server' | 'client';
const programs: Record<Name, Program> = { p2p, server, client };
const everyProgram = Object.keys(programs) as Name[];

/** As the entry of the program does it. */
function run(name: Name, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const [first, ...others] = args;
  const surroundings = { env, columns: 200 };
  if (name === 'server' && first === 'export') return parse(serverExport, others, surroundings);
  if (name === 'server' && first === 'verify') return parse(serverVerify, others, surroundings);
  return parse(programs[name], args, surroundings);
}

/** The message and the hint; undefined if all was understood. */
function mistake(...what: Parameters<typeof run>): string | undefined {
  try {
    run(...what);
    return undefined;
  } catch (error) {
    if (!(error instanceof ChatError) || error.code !== 'USAGE') throw error;
    return [error.message, error.hint].filter(Boolean).join('\n');
  }
}

const values = (name: Name, args: string[], env?: NodeJS.ProcessEnv) => {
  const parsed = run(name, args, env);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
};

type Slip = [args: string[], says: string, programs?: readonly Name[]];
/** A server may take any free port, a client has to know which. */
const notAPort = (raw: string): Slip[] => [
  [[`--port=${raw}`], `--port "${raw}" is not a port.\nA port is a number from 0 to 65535.`, ['p2p', 'server']],
  [[`--port=${raw}`], `--port "${raw}" is not a port.\nA port is a number from 1 to 65535.`, ['client']],
];
const hosts = 'Examples: localhost, 192.168.1.7, all.';
const notHosts = ['', ' ', 'a b', 'http://x', 'x/y', 'tcp://', 'host:', 'host:x', ':9999', '[::1', '::1]']
  .concat(['[host]:1', '[::1]9', 'fe80::1%', '%eth0', 'a%b', '1:2:3', '\u0000', 'a\u200bb'])
  .concat(['tcp://a:1:2', '[]', '[fe80::1%]:1', 'fe80::1%eth0/64']);

/** Command lines that are not understood: the message and the hint. */
const mistakes: Slip[] = [
  ...['abc', '99999', '65536', '-1', '1e3', ''].flatMap(notAPort),
  [['--port', '80', '--port', 'abc'], '--port "abc" is not a port.\nA port is a number from 0 to 65535.', ['server']],
  [['--port', '0'], '--port "0" is not a port.\nA port is a number from 1 to 65535.', ['client']],
  [['export', '--port', '0'], '--port "0" is not a port.\nA port is a number from 1 to 65535.', ['server']],
  [['--name', ''], '--name "": A name must not be empty.'],
  [['--name', '   '], '--name "   ": A name must not be empty.'],
  [['--name', 'x'.repeat(33)], `--name "${'x'.repeat(33)}": A name has at most 32 characters.`],
  [
    ['--name', 'a\x1b[31mb'],
    '--name "a\x1b[31mb": A name must not contain control or invisible characters, nor [ ] < >.',
  ],
  [['--name', '[bob]'], '--name "[bob]": A name must not contain control or invisible characters, nor [ ] < >.'],
  ...notHosts.map((raw): Slip => [[`--ip=${raw}`], `--ip "${raw}" is not a host name or an address.\n${hosts}`]),
  [
    ['--ip', 'x'.repeat(10_000)],
    `--ip "${'x'.repeat(200)}…" is not a host name or an address.\nExamples: localhost, 192.168.1.7, all.`,
  ],
  [['--ip', 'a:1', '--port', '2'], '--ip "a:1" and --port "2" name two ports.\nLeave one of them out.'],
  [['--ip', '[::1]:1', '--port=2'], '--ip "[::1]:1" and --port "2" name two ports.\nLeave one of them out.'],
  [['--ip', 'a:99999'], '--ip "99999" is not a port.\nA port is a number from 0 to 65535.', ['server']],
  [['--ip', 'a:0'], '--ip "0" is not a port.\nA port is a number from 1 to 65535.', ['client']],
  [['--data-dir=~/x'], '--data-dir "~/x" is not a path.\nWrite the path of your home folder in full.', ['client']],
  ...['--max-clients', '--history-limit', '--history-days'].flatMap((option): Slip[] => [
    [[option, '0'], `${option} "0" is too small.\nGive 1 or more.`, ['server']],
    [[option, '-1'], `${option} "-1" is too small.\nGive 1 or more.`, ['server']],
    [[option, '1.5'], `${option} "1.5" is not a whole number.\nGive a number such as 10.`, ['server']],
    [[option, '1000000000'], `${option} "1000000000" is too large.\nGive at most 999999999.`, ['server']],
  ]),
  [['--timeout', '-1'], '--timeout "-1" is too small.\nGive 0 or more.', ['client']],
  [['--naem', 'x'], 'unknown option --naem.\nDid you mean --name?'],
  [['--prot=1'], 'unknown option --prot.\nDid you mean --port?'],
  [['--quite-another'], 'unknown option --quite-another.\nSee --help.'],
  [['--name.x', '3'], 'unknown option --name.x.\nDid you mean --name?'],
  [['--Name', 'x'], 'unknown option --Name.\nDid you mean --name?', ['p2p']],
  [['-name', 'x'], 'unknown option -name.\nDid you mean --name?', ['server']],
  [['-n', 'x'], 'unknown option -n.\nDid you mean --name?', ['p2p']],
  [['-n', 'x'], 'unknown option -n.\nDid you mean --name or --notify?', ['client']],
  ...['', '  ', 'a\nb', '\x1b[31m', 'a\u2028b', '\0'].map(
    (topic): Slip => [
      ['--topic', topic],
      `--topic "${topic}" is no line of text.\nFor example: --topic "Lunch at noon".`,
      ['server'],
    ],
  ),
  [['--topic', 'x'.repeat(4_096)], '--topic has at most 1024 bytes.', ['server']],
  [['--topic', 'é'.repeat(513)], '--topic has at most 1024 bytes.', ['server']],
  [['--topic'], '--topic needs a value.\nWrite --topic TEXT.', ['server']],
  ...['', ' \t', 'a\x07b', 'x'.repeat(129)].map(
    (word): Slip => [
      ['--highlight', 'fine', '--highlight', word],
      `--highlight "${word.slice(0, 128)}" is no word to look for.\nFor example: --highlight lunch.`,
      ['client'],
    ],
  ),
  ...['', ' ', '1e3', '\x1b'].map(
    (keep): Slip => [
      [`--keep=${keep}`],
      `--keep "${keep}" is not a whole number.\nGive a number such as 10.`,
      ['client'],
    ],
  ),
  [['--keep=-1'], '--keep "-1" is too small.\nGive 0 or more.', ['client']],
  [['--notify=x'], '--notify takes no value.\nWrite --notify or --no-notify.', ['client']],
  [['-p', '80'], 'unknown option -p.\nDid you mean --port, --peer-port or --peer?', ['client']],
  [['-x'], 'unknown option -x.\nSee --help.', ['p2p']],
  [['-vx'], 'unknown option -vx.\nSee --help.', ['server']],
  [['--hist', '9'], 'unknown option --hist.\nDid you mean --history?', ['client']],
  [['-t', '9'], 'unknown option -t.\nDid you mean --timestamps or --timeout?', ['client']],
  [['-mhello'], 'unknown option -mhello.\nDid you mean -m hello?', ['client']],
  [['--dataDir', 'x'], 'unknown option --dataDir.\nDid you mean --data-dir?', ['server', 'client']],
  [['--name'], '--name needs a value.\nWrite --name NAME.', ['client']],
  [['--name', '--json'], '--name needs a value.\nWrite --name NAME.', ['p2p']],
  [['--name', '-bo'], '--name needs a value.\nIf -bo is its value, write --name=-bo.', ['server']],
  [['--name', '--port=80'], '--name needs a value.\nWrite --name NAME.'],
  [['-m'], '-m needs a value.\nWrite -m TEXT.', ['client']],
  [['-m='], '-m needs a value.\nWrite -m TEXT.', ['client']],
  [['-m', '-5 degrees'], '-m needs a value.\nIf "-5 degrees" is its value, write -m="-5 degrees".', ['client']],
  [['--m', 'x'], 'unknown option --m.\nDid you mean --message?', ['client']],
  [['-m5'], 'unknown option -m5.\nDid you mean -m 5?', ['client']],
  [['-vm', 'x'], 'unknown option -vm.\nSee --help.', ['client']],
  [['--no-name'], 'unknown option --no-name.\nSee --help.', ['p2p']],
  [['--no---'], 'unknown option --no---.\nSee --help.'],
  [['---'], 'unknown option ---.\nSee --help.'],
  [['--timestamps'], '--timestamps needs a value.\nWrite --timestamps auto|off|time|iso.', ['client']],
  [['--json=yes'], '--json takes no value.\nWrite --json or --no-json.', ['client']],
  [['-v=yes'], '-v takes no value.\nWrite -v, --verbose or --no-verbose.'],
  [['--no-color=true'], '--no-color takes no value.\nWrite --color or --no-color.'],
  [['--no-color=1'], '--no-color takes no value.\nWrite --color or --no-color.', ['p2p']],
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
  [['hello'], 'unknown argument "hello".\nDid you mean --ip hello or --name hello?', ['p2p', 'server']],
  [
    ['hello you'],
    'unknown argument "hello you".\n' + 'Did you mean --ip "hello you", --name "hello you" or --message "hello you"?',
    ['client'],
  ],
  [['exprot'], 'unknown argument "exprot".\nDid you mean export?', ['server']],
  [['Export'], 'unknown argument "Export".\nDid you mean export?', ['server']],
  [['--port', '1', 'export'], 'unknown argument "export".\nWrite it first: chat-server export.', ['server']],
  [['export', '--sicne', '2d'], 'unknown option --sicne.\nDid you mean --since?', ['server']],
  [['export', '2d'], 'unknown argument "2d".\nSee chat-server export --help.', ['server']],
  [['export', '--since', '2w'], '--since "2w" is not a span of time.\nExamples: 30m, 2h, 2d.', ['server']],
  [['verfiy'], 'unknown argument "verfiy".\nDid you mean verify?', ['server']],
  [['completon'], 'unknown argument "completon".\nDid you mean completion?', ['server']],
  [
    ['completion', 'bsh'],
    'no completion for the shell "bsh".\nWrite chat-client completion bash|zsh|fish.',
    ['client'],
  ],
  [
    ['completion', 'tcsh', 'x'],
    'no completion for the shell "tcsh".\nWrite chat-client completion bash|zsh|fish.',
    ['client'],
  ],
  [['completion', 'zsh', 'x'], 'unknown argument "x".\nWrite chat-client completion bash|zsh|fish.', ['client']],
  [['completion'], 'completion needs the name of a shell.\nWrite p2p completion bash|zsh|fish.', ['p2p']],
  [['--timeout', 'soon'], '--timeout "soon" is not a whole number.\nGive a number such as 10.', ['client']],
  [['--allow', ''], '--allow "" is not a file.\nGive the path of a list of keys.', ['server']],
  [['--allow', '-'], '--allow "-" is not a file.\nGive the path of a list of keys.', ['server']],
  [['--max-clients', 'many'], '--max-clients "many" is not a whole number.\nGive a number such as 10.', ['server']],
];

describe('what is not understood: the word that is wrong, and what to do', () => {
  for (const [args, says, names = everyProgram] of mistakes)
    test(args.join(' '), () => {
      for (const name of names) expect(mistake(name, args), name).toBe(says);
    });

  test('in a shell that is not known', () =>
    expect(mistake('p2p', ['completion'], { SHELL: '/bin/tcsh' })).toBe(
      'no completion for the shell "tcsh".\nWrite p2p completion bash|zsh|fish.',
    ));

  test('in the environment: the variable is named', () => {
    for (const [env, says] of [
      [{ ZMQCHAT_PORT: 'tcp://x' }, 'ZMQCHAT_PORT "tcp://x" is not a port.\nA port is a number from 0 to 65535.'],
      [{ ZMQCHAT_IP: 'a b' }, `ZMQCHAT_IP "a b" is not a host name or an address.\n${hosts}`],
      [
        { ZMQCHAT_IP: 'a:1', ZMQCHAT_PORT: '2' },
        'ZMQCHAT_IP "a:1" and ZMQCHAT_PORT "2" name two ports.\nLeave one of them out.',
      ],
      [
        { ZMQCHAT_NAME: '[x]' },
        'ZMQCHAT_NAME "[x]": A name must not contain control or invisible characters, nor [ ] < >.',
      ],
      [
        { ZMQCHAT_DATA_DIR: 'data' },
        'ZMQCHAT_DATA_DIR "data" is not a path from the root.\nSet it to one, or use --data-dir.',
      ],
      [
        { ZMQCHAT_SECURE: '1' },
        'there is no variable ZMQCHAT_SECURE: only ZMQCHAT_NAME, ZMQCHAT_PORT, ZMQCHAT_IP, ZMQCHAT_DATA_DIR are read.\n' +
          'If --secure is an option, say it in the command line.',
      ],
    ] as const)
      expect(mistake('server', [], env)).toBe(says);
  });

  test('what stands on the command line is blamed for itself, whatever the environment says', () => {
    const env = { ZMQCHAT_PORT: 'x', ZMQCHAT_IP: 'a:1' };
    expect(mistake('client', ['--port', 'y'], env)).toContain('--port "y"');
    expect(mistake('client', ['--port', '2'], env)).toBeUndefined();
    expect([...variablesIn(client, ['--port', '2'], env)]).toEqual([['ip', 'ZMQCHAT_IP']]);
  });

  test('of several the first word', () => {
    expect(mistake('client', ['--naem', 'x', '--prot', '1'])).toContain('--naem');
    expect(mistake('client', ['--name', '--prot', '1', 'hello'])).toContain('--name needs');
    expect(mistake('client', ['hello', '--prot', '1'])).toContain('"hello"');
  });
});

describe('what is understood', () => {
  const understood: [args: string[], means: Record<string, unknown>, name?: Name][] = [
    [[], { port: 9999, ip: 'localhost', timestamps: 'auto', check: false, verbose: false }],
    [[], { message: [], timeout: undefined, color: undefined, 'data-dir': undefined }],
    [
      [],
      { ip: undefined, history: true, 'history-limit': 100_000, 'history-days': 30, 'max-clients': 500, rate: 100 },
      'server',
    ],
    [[], { ip: undefined, port: 8888 }, 'p2p'],
    [['--port', '0'], { port: 0 }, 'server'],
    [['--port', '0', '--server'], { port: 0 }, 'p2p'],
    [['--ip', 'host:80'], { ip: 'host', port: 80 }],
    [['--ip', 'all:0'], { ip: 'all', port: 0 }, 'server'],
    [['--ip', '*:80', '--server'], { ip: '*', port: 80 }, 'p2p'],
    [['--ip', 'TCP://host:80/'], { ip: 'host', port: 80 }],
    [['--ip', 'tcp://192.168.1.7'], { ip: '192.168.1.7', port: 9999 }],
    [['--ip', '[::1]'], { ip: '::1', port: 9999 }],
    [['--ip', 'tcp://[::1]:80'], { ip: '::1', port: 80 }],
    [['--ip', '::1'], { ip: '::1', port: 9999 }],
    [['--ip', 'fe80::1%eth0'], { ip: 'fe80::1%eth0' }],
    [['--ip', '[fe80::1%br-lan_0.10]:80'], { ip: 'fe80::1%br-lan_0.10', port: 80 }],
    [['--ip', '::ffff:10.0.0.1'], { ip: '::ffff:10.0.0.1' }],
    [['--ip', 'host:80', '--port', '0080'], { ip: 'host', port: 80 }],
    [['--ip', 'a:1', '--ip', 'b:2'], { ip: 'b', port: 2 }],
    [['--ip', 'a:1', '--ip', 'b'], { ip: 'b', port: 9999 }],
    [['--ip', 'bücher.example'], { ip: 'bücher.example' }],
    [['--port=0080'], { port: 80 }],
    [['--port', 'abc', '--port', '80'], { port: 80 }],
    [['--name', 'John Doe'], { name: 'John Doe' }],
    [['--name=-bo'], { name: '-bo' }],
    [['--name', '7'], { name: '7' }],
    [['--name="bo"'], { name: '"bo"' }],
    [['-m', 'a', '--message', 'b', '-m=c'], { message: ['a', 'b', 'c'] }],
    [['-m', '-'], { message: ['-'] }],
    [[], { highlight: [], keep: 5_000, notify: false }],
    [['--highlight', ' ship  it ', '--highlight=*'], { highlight: ['ship it', '*'] }],
    [['--keep', '100000'], { keep: 100_000 }],
    [['--topic', ' Lunch at noon '], { topic: 'Lunch at noon' }, 'server'],
    [['--topic', 'x'.repeat(1_024)], { topic: 'x'.repeat(1_024) }, 'server'],
    [[], { topic: undefined }, 'server'],
    [['-m', ''], { message: [''] }],
    [['-m', '-5', '-m', '-.5', '-m', '1e3', '-m', 'a=b'], { message: ['-5', '-.5', '1e3', 'a=b'] }],
    [['--data-dir', '/x', '--'], { 'data-dir': '/x' }],
    [['--json', '--no-color', '-v'], { json: true, color: false, verbose: true }],
    [['--json', '--no-json'], { json: false }],
    [['--json=false', '--check', 'true', '--listen=true'], { json: false, check: true, listen: true }],
    [
      ['--no-history', '--max-clients', '3', '--rate', '0', '--log-level=warn'],
      { history: false, 'max-clients': 3, rate: 0, 'log-level': 'warn' },
      'server',
    ],
    [['export', '--since', '2h'], { since: 7_200_000, json: false }, 'server'],
    [['verify'], { file: undefined, 'server-key': undefined }, 'server'],
    [['verify', 'room.json', '--port', '81'], { file: 'room.json', port: 81 }, 'server'],
    [['verify', '-'], { file: '-' }, 'server'],
  ];
  test.each(understood)('%j', (args, means, name = 'client') => expect(values(name, args)).toMatchObject(means));

  test('the environment is below the options and above the defaults', () => {
    const env = { ZMQCHAT_NAME: 'env', ZMQCHAT_PORT: '80', ZMQCHAT_IP: 'host', ZMQCHAT_DATA_DIR: '/x' };
    expect(values('client', [], env)).toMatchObject({ name: 'env', port: 80, ip: 'host', 'data-dir': '/x' });
    expect(values('client', ['--name', 'flag', '--port=81'], env)).toMatchObject({ name: 'flag', port: 81 });
    expect(values('client', [], { ZMQCHAT_PORT: '' })).toMatchObject({ port: 9999 });
    const withPort = { ZMQCHAT_IP: 'host:80' };
    expect(values('client', [], withPort)).toMatchObject({ ip: 'host', port: 80 });
    expect(values('client', ['--port', '81'], withPort)).toMatchObject({ ip: 'host', port: 81 });
    expect(values('client', ['--ip', 'a'], withPort)).toMatchObject({ ip: 'a', port: 9999 });
    expect(values('client', ['--ip', 'a:1'], { ZMQCHAT_PORT: '2' })).toMatchObject({ ip: 'a', port: 1 });
    expect(run('client', ['--help'], env)).toContain('[env]');
  });

  test('whatever is typed gives values, a text, or one mistake', () => {
    const pieces = [
      '-',
      '--',
      'no-',
      'm',
      'v',
      'h',
      '=',
      'name',
      'json',
      'ip',
      'x',
      '5',
      '.',
      ' ',
      '_',
      '__proto__',
      '---',
      'true',
    ];
    const word = fc.oneof(
      fc.array(fc.constantFrom(...pieces), { maxLength: 4 }).map((parts) => parts.join('')),
      fc.string(),
    );
    const line = fc.array(word, { maxLength: 6 });
    fc.assert(fc.property(fc.constantFrom(...everyProgram), line, (name, args) => void mistake(name, args)));
  });
});

describe('what is asked of the program itself', () => {
  const helps: [name: Name, args: string[], start: RegExp][] = [
    ['p2p', ['--help'], /^p2p --name a --port \d+/],
    ['server', ['--help'], /^chat-server --port \d+/],
    ['client', ['--help'], /^chat-client --port \d+/],
    ['client', ['--naem', 'x', '-h'], /^chat-client --port \d+/],
    ['client', ['-vh'], /^chat-client --port \d+/],
    ['client', ['completion', '--help'], /^chat-client --port \d+/],
    ['server', ['export', '--help'], /^chat-server export --port \d+/],
    ['server', ['verify', '--help'], /^chat-server verify --port \d+/],
  ];
  /** The options of a room do not fit a screen of 24 rows; the exit codes then stand above the prompt. */
  const mostRows = (start: RegExp) => (/chat-(server|client) --/.test(start.source) ? 39 : 24);
  test.each(helps)('%s %j is short and starts with the example', (name, args, start) => {
    const lines = String(run(name, args)).trimEnd().split('\n');
    expect(lines[0]).toMatch(start);
    expect(lines.length).toBeLessThanOrEqual(mostRows(start));
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  test.each(everyProgram)('%s --help names exit codes and variables', (name) => {
    const help = String(run(name, ['--help'])).replaceAll(/\n +/g, ' ');
    expect(help).toMatch(/^Exit codes: 0 all well, .*, 4 [a-z ]+, .*, 128\+N ended by signal N$/m);
    const variables = ['NAME', 'PORT', 'IP', 'DATA_DIR'].map((each) => `ZMQCHAT_${each}`);
    expect(help.match(/ZMQCHAT_\w+/g)?.toSorted()).toEqual(variables.toSorted());
  });

  test.each(everyProgram)('%s --version', (name) =>
    expect(run(name, ['--json', '--version'])).toMatch(/^\d+\.\d+\.\d+\n$/),
  );

  test('behind -- nothing is asked', () =>
    expect(mistake('p2p', ['--', '--help'])).toMatch(/^unknown argument "--help"/));
});
