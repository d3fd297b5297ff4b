#!/usr/bin/env node
import { newDevice, now } from './cli/console.ts';
import { Logger, logLevels } from './cli/logger.ts';
import { countOption, ipOption, nameOption, parseOptions, portOption } from './cli/options.ts';
import { run } from './cli/run.ts';
import { serve } from './cli/serve.ts';
import { MemoryLog } from './core/log.ts';
import { Room } from './core/room.ts';
import { JsonView } from './terminal/json-view.ts';
import { bindEndpoint, portOf, showEndpoint } from './transport/endpoint.ts';
import { RouterLink } from './transport/router.ts';

const example = 'chat-server --port 9999 --ip all --name chatroom-server';
const options = {
  name: { ...nameOption('server'), describe: 'name of the server' },
  port: portOption(9999),
  ip: ipOption('all', 'address to listen on; all is every interface'),
  'max-clients': countOption('most clients at a time'),
  json: { type: 'boolean', default: false, describe: 'events as JSON lines on stdout' },
  'log-level': { choices: logLevels, default: 'info', describe: 'how much to say on stderr' },
} as const;

await run('chat-server', async (stop) => {
  const parsed = await parseOptions('chat-server', example, options, process.argv.slice(2));
  if (!parsed) return 0;
  const { name, port, ip = 'all', maxClients, json, logLevel, verbose } = parsed;
  const logger = new Logger(verbose ? 'debug' : logLevel);
  const view = json ? new JsonView(process.stdout, now) : undefined;

  const link = await RouterLink.bind(await bindEndpoint(ip, port));
  const endpoint = showEndpoint(ip, portOf(link.endpoint));
  view?.show({ type: 'listening', endpoint, port: portOf(link.endpoint) });
  logger.log('info', `${name} is listening on ${endpoint}. Ctrl-C ends it.`, { port: portOf(link.endpoint) });

  const room = new Room(maxClients === undefined ? { name } : { name, maxClients }, new MemoryLog(newDevice()));
  await serve({ room, link, view, logger, stop, now });
  view?.show({ type: 'closing' });
  logger.log('info', 'Server is off.');
  return 0;
});
