#!/usr/bin/env node
import { noBelongings, openBelongings } from './cli/belongings.ts';
import { readCommands } from './cli/commands.ts';
import { now, openConsole } from './cli/console.ts';
import { historyCommand } from './cli/history.ts';
import {
  countOption,
  dataDirOption,
  ipOption,
  listOption,
  loginName,
  nameOption,
  parseOptions,
  portOption,
} from './cli/options.ts';
import { run } from './cli/run.ts';
import { talk } from './cli/talk.ts';
import { Trouble } from './cli/trouble.ts';
import { Session } from './core/session.ts';
import { crypto } from './keys/crypto.ts';
import { connectEndpoint, showEndpoint } from './transport/endpoint.ts';
import { Link } from './transport/link.ts';
import { openDealer } from './transport/sockets.ts';

const example = 'chat-client --port 9999 --ip localhost --name "John Doe"';
const pipeTimeoutSeconds = 10;
const emptyHint = 'Pipe text in, use -m TEXT, or --listen to read only.';
/** How much of the log a client shows at first, shows after an absence, and keeps. */
const limits = { history: 20, maxReplay: 200, maxKept: 5_000 };
const options = {
  name: nameOption(loginName()),
  port: portOption(9999),
  ip: ipOption('localhost', 'host of the server'),
  message: listOption('m', 'send this and exit (repeatable; - is all of stdin)'),
  listen: { type: 'boolean', default: false, describe: 'stay when the input ends' },
  history: countOption('first time: show the last N', '20 on a terminal'),
  replay: { type: 'boolean', default: false, describe: 'in a pipe, too: what was missed' },
  json: { type: 'boolean', default: false, describe: 'events as JSON lines on stdout' },
  timestamps: {
    choices: ['auto', 'off', 'time', 'iso'],
    value: 'WHEN',
    default: 'auto',
    describe: 'time before each line',
  },
  joins: {
    choices: ['auto', 'all', 'none'],
    value: 'WHICH',
    default: 'auto',
    describe: 'joins and leaves: all, grouped (auto), none',
  },
  bell: {
    choices: ['mention', 'all', 'off'],
    value: 'WHEN',
    default: 'mention',
    describe: 'ring for mentions, all, or not (off)',
  },
  timeout: countOption('how long to try getting online', '10 in a pipe', 'SECONDS'),
  check: { type: 'boolean', default: false, describe: 'exit 0 if the server answers' },
  'data-dir': dataDirOption,
} as const;

await run('chat-client', async (stop) => {
  const parsed = await parseOptions('chat-client', example, options, process.argv.slice(2));
  if (!parsed) return 0;
  const { name, port, ip = 'localhost', message: messages = [], listen, check, dataDir, ...style } = parsed;
  const { view, lines, person } = openConsole({ ...style, messages: check ? ['check'] : messages });
  view.show({ type: 'state', state: 'connecting', endpoint: showEndpoint(ip, port) });
  try {
    const endpoint = await connectEndpoint(ip, port);
    const belongings = check ? noBelongings() : openBelongings({ name, ip, port, dataDir });
    const { store, renamed } = belongings;
    try {
      const link = Link.connect(openDealer(), endpoint);
      const history = parsed.history ?? (person ? limits.history : 0);
      const show = { history, replay: parsed.replay || person, maxReplay: person ? limits.maxReplay : Infinity };
      const conversation = new Session({ ...belongings, ...limits, ...show, name, crypto, check }, store);
      const timeoutSeconds = parsed.timeout ?? (person ? undefined : pipeTimeoutSeconds);
      const timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1_000;
      const wiring = { conversation, link, view, store, trouble: new Trouble(ip, port), lines, stop, now };
      const read = person ? { read: readCommands([historyCommand(store, view)], view) } : {};
      return await talk({ ...wiring, ...read, emptyHint, renamed, person, listen, check, timeoutMs });
    } finally {
      await store.close();
    }
  } finally {
    view.close();
  }
});
