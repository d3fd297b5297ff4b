#!/usr/bin/env node
import { join, resolve } from 'node:path';
import { server, serverErase, serverExport, serverVerify } from './cli/args/programs.ts';
import { eraseMessage } from './cli/erase.ts';
import { exportLog } from './cli/export.ts';
import { doorWords, invitationText, invite } from './cli/invitation.ts';
import { openDiary } from './cli/logger.ts';
import { run } from './cli/run.ts';
import { verifyLog } from './cli/verify.ts';
import { Room } from './core/room/room.ts';
import { ChatError, fingerprint } from './errors.ts';
import { MemoryStore } from './history/memory.ts';
import { serverFolder } from './history/paths.ts';
import { Requests } from './history/requests.ts';
import { SqliteStore } from './history/sqlite.ts';
import { trouble } from './history/trouble.ts';
import { AllowFile } from './keys/allow-file.ts';
import { keyInHex } from './keys/allow-list.ts';
import { crypto, newDevice, newNonce, newToken, type OwnIdentity } from './keys/ed25519.ts';
import { findIdentity, makeIdentity, newIdentity } from './keys/identity-file.ts';
import { serve } from './loop/serve.ts';
import { Queue } from './queue.ts';
import { JsonView } from './terminal/pipe-view.ts';
import { isOutOfDescriptors, maxConnections } from './transport/descriptors.ts';
import { Doors } from './transport/doors.ts';
import { bindEndpoints, reserve, showEndpoint } from './transport/endpoint.ts';

import { Zap } from './transport/zap.ts';

const dayMs = 86_400_000;
const [, , command, ...others] = process.argv;

if (command === 'export') await run(serverExport, exportLog, others);
else if (command === 'erase') await run(serverErase, eraseMessage, others);
else if (command === 'verify') await run(serverVerify, verifyLog, others);
else
  await run(
    server,
    async ({ name, ip: asked, json, history, secure, 'data-dir': dataDir, ...options }, stop, opened) => {
      const { allow, 'open-port': openPort } = options;
      if (!secure && allow !== undefined) throw needsSecure('--allow', 'an open room keeps nobody out.');
      if (!secure && openPort !== undefined) throw needsSecure('--open-port', 'the only door is open already.');
      const diary = openDiary(options.verbose ? 'debug' : options['log-level']);
      const view = json ? new JsonView(process.stdout, Date.now) : undefined;
      const guests = allow === undefined ? undefined : new AllowFile(allow, (why) => diary.log('warn', why));
      // Before any door is open: while nobody says who may come in, nobody may.
      const zap = secure ? await Zap.open((key) => guests?.admits(key) ?? true) : undefined;
      if (zap) opened.push(zap);

      const doors = new Doors();
      opened.push(doors);
      const ip = asked ?? 'all';
      const port = secure
        ? await reserve(...(await bindEndpoints(ip, options.port)))
        : await doors.open(ip, options.port);
      const openEndpoint = openPort === undefined ? undefined : await openBeside(doors, asked, openPort);
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
      if (secure) await doors.open(ip, port, { own: identity.curve, door: true });
      const endpoint = showEndpoint(ip, port);
      const secret = secure ? ` --secure --server-key ${keyInHex(identity.key)}` : '';
      const invitation = invite('chat-client', { ip, port, usual: Number(server.options.port.default), secret });
      view?.show({
        type: 'listening',
        endpoint,
        port,
        room: identity.key,
        secure,
        ...(openEndpoint && { openEndpoint }),
        ...invitation,
      });
      diary.log('info', `${name} is listening on ${endpoint}. Ctrl-C ends it.`, { port });
      diary.log('info', invitationText(invitation), invitation);
      for (const words of doorWords({ secure, listed: guests?.keys.size, openEndpoint })) diary.log('info', words);
      if (options.port === 0 && folder !== serverFolder(dataDir, 0)) diary.log('warn', passing(history, folder));
      diary.log('info', `the room's key is ${fingerprint(identity.key)}`, { room: identity.key });

      const retention = { entries: options['history-limit'], ageMs: options['history-days'] * dayMs };
      const maxClients = options['max-clients'] ?? maxConnections();
      const dev = newDevice(identity.key);
      const secrets = { nonce: newNonce, salt: newNonce, crypto };
      const { topic } = options;
      const admitted = guests?.keys;
      const room = new Room({ name, identity, dev, maxClients, retention, topic, admitted, ...secrets }, store);
      const troubles = () => {
        const damaged = [...store.damaged].map((what) => `the disk has damaged ${what}`);
        store.damaged.clear();
        return isOutOfDescriptors() ? [...damaged, 'no file descriptor is left: nobody new gets in.'] : damaged;
      };
      const requests = history ? new Requests(logFolder) : undefined;
      const reloads = new Queue<'look'>();
      if (guests) stop.hangUp = () => reloads.push('look');
      const guard = zap && (() => zap.answer());
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
    },
  );

/** The folder is named by the port, which is another one the next time. */
function passing(history: boolean, folder: string): string {
  const what = history ? 'the key and the log' : 'the key';
  return `port 0 makes a new room at each start: ${what} of this one are in ${folder}. To find it again: --data-dir.`;
}

function needsSecure(option: string, why: string): ChatError {
  return new ChatError('USAGE', `${option} needs --secure: ${why}`, 'Add --secure, or leave it out.');
}

/** Whoever says nothing of an address means the programs of this machine. */
async function openBeside(doors: Doors, ip: string | undefined, port: number): Promise<string> {
  const where = ip ?? 'localhost';
  return showEndpoint(where, await doors.open(where, port));
}
