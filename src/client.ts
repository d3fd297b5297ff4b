#!/usr/bin/env node
import { newDevice, now, openConsole } from './cli/console.ts';
import { countOption, ipOption, listOption, loginName, nameOption, parseOptions, portOption } from './cli/options.ts';
import { run } from './cli/run.ts';
import { talk } from './cli/talk.ts';
import { Trouble } from './cli/trouble.ts';
import { Session } from './core/session.ts';
import { connectEndpoint, showEndpoint } from './transport/endpoint.ts';
import { Link } from './transport/link.ts';
import { openDealer } from './transport/sockets.ts';

const example = 'chat-client --port 9999 --ip localhost --name "John Doe"';
const pipeTimeoutSeconds = 10;
const options = {
  name: nameOption(loginName()),
  port: portOption(9999),
  ip: ipOption('localhost', 'host of the server'),
  message: listOption('m', 'send this and exit (repeatable; - is all of stdin)'),
  listen: { type: 'boolean', default: false, describe: 'stay when the input ends' },
  json: { type: 'boolean', default: false, describe: 'events as JSON lines on stdout' },
  timestamps: { choices: ['auto', 'off', 'time', 'iso'], default: 'auto', describe: 'time before each line' },
  timeout: countOption('seconds to get online; default: 10 in a pipe'),
  check: { type: 'boolean', default: false, describe: 'exit 0 if the server answers' },
} as const;

await run('chat-client', async (stop) => {
  const parsed = await parseOptions('chat-client', example, options, process.argv.slice(2));
  if (!parsed) return 0;
  const { name, port, ip = 'localhost', message: messages = [], listen, check, ...style } = parsed;
  const { view, lines, person } = openConsole({ ...style, messages: check ? ['check'] : messages });
  view.show({ type: 'state', state: 'connecting', endpoint: showEndpoint(ip, port) });
  try {
    const endpoint = await connectEndpoint(ip, port);
    const link = Link.connect(openDealer(), endpoint);
    const conversation = new Session({ name, dev: newDevice() });
    const timeoutSeconds = parsed.timeout ?? (person ? undefined : pipeTimeoutSeconds);
    const timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1_000;
    const trouble = new Trouble(ip, port);
    return await talk({ conversation, link, view, trouble, lines, stop, person, listen, check, timeoutMs, now });
  } finally {
    view.close();
  }
});
