#!/usr/bin/env node
import {
  countOption,
  countOptionOf,
  dataDirOption,
  ipOption,
  nameOption,
  parseOptions,
  portOption,
  sharedOptions,
} from './cli/args/options.ts';
import { now } from './cli/console.ts';
import { exportLog, exportOptions } from './cli/export.ts';
import { Logger, logLevels } from './cli/logger.ts';
import { run } from './cli/run.ts';
import { Room } from './core/room/room.ts';
import { LmdbStore } from './history/lmdb.ts';
import { MemoryStore } from './history/memory.ts';
import { serverFolder } from './history/paths.ts';
import { crypto, newDevice, newNonces } from './keys/ed25519.ts';
import { serve } from './loop/serve.ts';
import { JsonView } from './terminal/json-view.ts';
import { bindEndpoint, portOf, showEndpoint } from './transport/endpoint.ts';
import { RouterLink } from './transport/router.ts';

const example = 'chat-server --port 9999 --ip all --name chatroom-server';
const dayMs = 86_400_000;
const options = {
  name: { ...nameOption('server'), describe: 'name of the server' },
  port: portOption(9999),
  ip: ipOption('all', 'address to listen on; all is every interface'),
  'data-dir': dataDirOption,
  history: { type: 'boolean', default: true, describe: 'keep the room in memory only' },
  'history-limit': countOptionOf(100_000, 'most messages kept'),
  'history-days': countOptionOf(30, 'days a message is kept'),
  'max-clients': countOption('most clients at a time', 'no limit'),
  json: { type: 'boolean', default: false, describe: 'events as JSON lines on stdout' },
  'log-level': { choices: logLevels, value: 'LEVEL', default: 'info', describe: 'what to say on stderr' },
} as const;
const subcommands = {
  export: { usage: '[options]', describe: 'prints what is kept', options: { ...exportOptions, ...sharedOptions } },
};

await run('chat-server', async (stop) => {
  const [, , ...args] = process.argv;
  if (args[0] === 'export') return exportLog(args.slice(1));
  const parsed = await parseOptions('chat-server', example, options, args, subcommands);
  if (!parsed) return 0;
  const { name, port: wanted, ip = 'all', maxClients, json, logLevel, verbose, history, dataDir } = parsed;
  const logger = new Logger(verbose ? 'debug' : logLevel);
  const view = json ? new JsonView(process.stdout, now) : undefined;

  const link = await RouterLink.bind(await bindEndpoint(ip, wanted));
  const port = portOf(link.endpoint);
  const newLog = newDevice();
  const openStore = () => LmdbStore.open(serverFolder(dataDir, port), { newLog, program: 'server' });
  const store = history ? orClose(link, openStore) : new MemoryStore(newLog);
  const endpoint = showEndpoint(ip, port);
  view?.show({ type: 'listening', endpoint, port });
  logger.log('info', `${name} is listening on ${endpoint}. Ctrl-C ends it.`, { port });

  const retention = { entries: parsed.historyLimit, ageMs: parsed.historyDays * dayMs };
  const limits = maxClients === undefined ? {} : { maxClients };
  const room = new Room({ name, ...limits, retention, dev: newDevice(), nonce: newNonces(), crypto }, store);
  try {
    await serve({ room, store, link, view, logger, stop, now });
  } finally {
    await store.close();
  }
  view?.show({ type: 'closing' });
  logger.log('info', 'Server is off.');
  return 0;
});

/** What was opened before is closed if the next thing cannot be: an open socket would keep the process. */
function orClose<T>(opened: { close(): void }, open: () => T): T {
  try {
    return open();
  } catch (error) {
    opened.close();
    throw error;
  }
}
