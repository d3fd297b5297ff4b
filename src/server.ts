#!/usr/bin/env node
import { parseOptions } from './cli/args/options.ts';
import { server } from './cli/args/programs.ts';
import { now } from './cli/console.ts';
import { exportLog } from './cli/export.ts';
import { Logger } from './cli/logger.ts';
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

const dayMs = 86_400_000;

await run('chat-server', async (stop) => {
  const [, , ...args] = process.argv;
  if (args[0] === 'export') return exportLog(args.slice(1));
  const parsed = parseOptions(server);
  if (!parsed) return 0;
  const { name, port: wanted, ip, maxClients, json, logLevel, verbose, history, dataDir } = parsed;
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
