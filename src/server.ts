#!/usr/bin/env node
import { parseOptions } from './cli/args/options.ts';
import { server } from './cli/args/programs.ts';
import { wallMs } from './cli/console.ts';
import { exportLog } from './cli/export.ts';
import { Logger } from './cli/logger.ts';
import { run } from './cli/run.ts';
import { Room } from './core/room/room.ts';
import { MemoryStore } from './history/memory.ts';
import { serverFolder } from './history/paths.ts';
import { SqliteStore } from './history/sqlite.ts';
import { crypto, newDevice, newNonces } from './keys/ed25519.ts';
import { serve } from './loop/serve.ts';
import { JsonView } from './terminal/json-view.ts';
import { isOutOfDescriptors, maxConnections } from './transport/descriptors.ts';
import { bindEndpoint, portOf, showEndpoint } from './transport/endpoint.ts';
import { RouterLink } from './transport/router.ts';

const dayMs = 86_400_000;

await run('chat-server', async (stop) => {
  const [, , ...args] = process.argv;
  if (args[0] === 'export') return exportLog(args.slice(1));
  const parsed = parseOptions(server);
  if (!parsed) return 0;
  const { name, port: wanted, ip, json, logLevel, verbose, history, dataDir } = parsed;
  const diary = new Logger(verbose ? 'debug' : logLevel);
  const view = json ? new JsonView(process.stdout, wallMs) : undefined;

  const wantedEndpoint = await bindEndpoint(ip, wanted);
  const link = new RouterLink();
  const port = portOf(await link.bind(wantedEndpoint));
  const opened: { close(): Promise<void> }[] = [link];
  try {
    const newLog = newDevice();
    const open = () => SqliteStore.open(serverFolder(dataDir, port), { newLog, program: 'server' });
    const store = history ? open() : new MemoryStore(newLog);
    opened.push(store);
    const endpoint = showEndpoint(ip, port);
    view?.show({ type: 'listening', endpoint, port });
    diary.log('info', `${name} is listening on ${endpoint}. Ctrl-C ends it.`, { port });

    const retention = { entries: parsed.historyLimit, ageMs: parsed.historyDays * dayMs };
    const maxClients = parsed.maxClients ?? maxConnections();
    const room = new Room({ name, maxClients, retention, dev: newDevice(), nonce: newNonces(), crypto }, store);
    const told = new Set<string>();
    const troubles = () => {
      const damaged = [...store.damaged].filter((what) => !told.has(what));
      for (const what of damaged) told.add(what);
      const full = isOutOfDescriptors() ? ['no file descriptor is left: nobody new gets in.'] : [];
      return [...damaged.map((what) => `the disk has damaged ${what}`), ...full];
    };
    await serve({ room, store, link, stop, view, diary, troubles });
  } finally {
    // An open socket would keep the process.
    for (const part of opened) await part.close();
  }
  view?.show({ type: 'closing' });
  diary.log('info', 'Server is off.');
  return 0;
});
