import { join, resolve } from 'node:path';
import type { server } from '../cli/args/programs.ts';
import { openEntrance } from '../cli/entrance.ts';
import { openDiary } from '../cli/logger.ts';
import type { Main } from '../cli/run.ts';
import { paceOf } from '../core/limits.ts';
import { Room } from '../core/room/room.ts';
import { ChatError, fingerprint } from '../errors.ts';
import { MemoryStore } from '../history/memory.ts';
import { serverFolder } from '../history/paths.ts';
import { Requests } from '../history/requests.ts';
import { SqliteStore } from '../history/sqlite.ts';
import { trouble } from '../history/trouble.ts';
import { crypto, newDevice, newNonce, newToken, type OwnIdentity } from '../keys/ed25519.ts';
import { findIdentity, makeIdentity, newIdentity } from '../keys/identity-file.ts';
import { serve } from '../loop/serve.ts';
import { Queue } from '../queue.ts';
import { JsonView } from '../terminal/pipe-view.ts';
import { isOutOfDescriptors, maxConnections } from '../transport/descriptors.ts';

const dayMs = 86_400_000;
/** Keeps a room until a signal ends it, and returns the exit code. */
export const keepRoom: Main<typeof server.options> = async (
  { name, json, history, 'data-dir': dataDir, ...options },
  stop,
  opened,
) => {
  const diary = openDiary(options.verbose ? 'debug' : options['log-level']);
  const view = json ? new JsonView(process.stdout, Date.now) : undefined;

  const warn = (words: string) => diary.log('warn', words);
  const { doors, port, guests, guard, begin } = await openEntrance(options, warn, opened);
  const reloads = new Queue<'look'>();
  if (guests) stop.hangUp = () => reloads.push('look');
  const [newLog, folder] = [newToken(), serverFolder(dataDir, port)];
  const logFolder = join(folder, 'log');
  const keyFile = resolve(options.identity ?? join(folder, 'identity'));
  let identity: OwnIdentity | undefined;
  const keyOf = (known?: string) => {
    identity = roomIdentity(known);
    return identity.key;
  };
  const log = { newLog, room: keyOf, program: 'server' };
  const store = history ? SqliteStore.open(logFolder, log) : new MemoryStore(newLog);
  identity ??= roomIdentity();
  opened.push(store);
  const { event, endpoint, invitation, words } = await begin(identity);
  view?.show(event);
  diary.log('info', `${name} is listening on ${endpoint}. Ctrl-C ends it.`, { port });
  for (const line of words) diary.log('info', line, line === words[0] ? invitation : {});
  if (options.port === 0 && folder !== serverFolder(dataDir, 0)) diary.log('warn', passing(history, folder));
  diary.log('info', `the room's key is ${fingerprint(identity.key)}`, { room: identity.key });

  const retention = { entries: options['history-limit'], ageMs: options['history-days'] * dayMs };
  const maxClients = Math.min(options['max-clients'], maxConnections());
  const pace = paceOf(options.rate);
  const dev = newDevice(identity.key);
  const secrets = { nonce: newNonce, salt: newNonce, crypto };
  const [topic, unlinked] = [options.topic, !options.peers];
  const admitted = guests?.keys;
  const room = new Room(
    { name, identity, dev, maxClients, pace, retention, topic, unlinked, admitted, ...secrets },
    store,
  );
  const troubles = () => {
    const damaged = [...store.damaged].map((what) => `the disk has damaged ${what}`);
    store.damaged.clear();
    return isOutOfDescriptors() ? [...damaged, 'no file descriptor is left: nobody new gets in.'] : damaged;
  };
  const requests = history ? new Requests(logFolder) : undefined;
  await serve({
    room,
    store,
    doors,
    stop,
    view,
    diary,
    troubles,
    guests,
    reloads,
    guard,
    requests,
  });
  view?.show({ type: 'closing' });
  diary.log('info', 'Server is off.');
  return 0;

  /** Made on the first start only: a log that had one cannot go on with another. */
  function roomIdentity(known?: string): OwnIdentity {
    try {
      const found = findIdentity(keyFile, 'room');
      if (found) return found;
      if (known) throw trouble('lostKey', keyFile, fingerprint(known));
      const made = makeIdentity(keyFile, 'room');
      diary.log('info', `a new room: its key is made, and kept in ${keyFile}. If that is lost, so is the room.`);
      return made;
    } catch (error) {
      return withoutKey(error);
    }
  }

  /** Who keeps no room needs no place for its key, but members will take it for another room after each start. */
  function withoutKey(error: unknown): OwnIdentity {
    if (!(error instanceof ChatError)) throw error;
    if (history || options.identity) throw error;
    diary.log('warn', `${error.message} Until the next start this is a room of its own.`);
    return newIdentity();
  }
};

/** The folder is named by the port, which is another one the next time. */
function passing(history: boolean, folder: string): string {
  const what = history ? 'the key and the log' : 'the key';
  return `port 0 makes a new room at each start: ${what} of this one are in ${folder}. To find it again: --data-dir.`;
}
