#!/usr/bin/env node
import { join } from 'node:path';
import { server, serverExport } from './cli/args/programs.ts';
import { exportLog } from './cli/export.ts';
import { openDiary } from './cli/logger.ts';
import { run } from './cli/run.ts';
import { Room } from './core/room/room.ts';
import { ChatError, fingerprint } from './errors.ts';
import { MemoryStore } from './history/memory.ts';
import { serverFolder } from './history/paths.ts';
import { SqliteStore } from './history/sqlite.ts';
import { inWords } from './history/trouble.ts';
import { crypto, newDevice, newNonces, newSalt } from './keys/ed25519.ts';
import { loadIdentity, newIdentity } from './keys/identity-file.ts';
import { serve } from './loop/serve.ts';
import type { Identity } from './protocol/signed.ts';
import { JsonView } from './terminal/pipe-view.ts';
import { isOutOfDescriptors, maxConnections } from './transport/descriptors.ts';
import { bindEndpoint, portOf, showEndpoint } from './transport/endpoint.ts';
import { RouterLink } from './transport/router.ts';

const dayMs = 86_400_000;
const [, , command, ...others] = process.argv;

if (command === 'export') await run(serverExport, exportLog, others);
else
  await run(server, async ({ name, ip, json, history, 'data-dir': dataDir, ...options }, stop, opened) => {
    const diary = openDiary(options.verbose ? 'debug' : options['log-level']);
    const view = json ? new JsonView(process.stdout, Date.now) : undefined;

    const link = new RouterLink();
    // An open socket would keep the process.
    opened.push(link);
    const port = portOf(await link.bind(await bindEndpoint(ip, options.port)));
    const [newLog, folder] = [newDevice(), serverFolder(dataDir, port)];
    const logFolder = join(folder, 'log');
    const identity = roomIdentity(folder);
    const log = { newLog, room: identity.key, program: 'server' };
    const store = history ? SqliteStore.open(logFolder, log) : new MemoryStore(newLog);
    opened.push(store);
    const endpoint = showEndpoint(ip, port);
    view?.show({ type: 'listening', endpoint, port, room: identity.key });
    diary.log('info', `${name} is listening on ${endpoint}. Ctrl-C ends it.`, { port });
    diary.log('info', `the room's key is ${fingerprint(identity.key)}`, { room: identity.key });

    const retention = { entries: options['history-limit'], ageMs: options['history-days'] * dayMs };
    const maxClients = options['max-clients'] ?? maxConnections();
    const room = new Room(
      { name, identity, maxClients, retention, dev: newDevice(), nonce: newNonces(), salt: newSalt, crypto },
      store,
    );
    const troubles = () => {
      const damaged = [...store.damaged].map((what) => `the disk has damaged ${what}`);
      store.damaged.clear();
      return isOutOfDescriptors() ? [...damaged, 'no file descriptor is left: nobody new gets in.'] : damaged;
    };
    await serve({ room, store, link, stop, view, diary, troubles });
    view?.show({ type: 'closing' });
    diary.log('info', 'Server is off.');
    return 0;

    /** Who keeps no room needs no place for its key, but members will take it for another room after each start. */
    function roomIdentity(folder: string): Identity {
      try {
        return loadIdentity(folder, options.identity);
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        // The reason says more than that the key has no place.
        if (history && error.cause) inWords(folder, () => rethrow(error.cause));
        if (history || options.identity) throw error;
        diary.log('warn', `${error.message} Until the next start this is a room of its own.`);
        return newIdentity();
      }
    }
  });

function rethrow(error: unknown): never {
  throw error;
}
