import { userInfo } from 'node:os';
import { defaultMaxClients, defaultPace } from '../../core/limits.ts';
import { safeName } from '../../core/names.ts';
import { bellChoices, joinsChoices, timestampChoices } from '../../terminal/view.ts';
import { logLevels } from '../logger.ts';
import { completion } from './completion.ts';
import type { OptionTable, Program } from './flags.ts';
import {
  addresses,
  choice,
  count,
  countOfSome,
  file,
  folder,
  host,
  list,
  name,
  place,
  port,
  portOfServer,
  publicKey,
  span,
  texts,
  toggle,
  topic,
  words,
} from './values.ts';

const person = { ...name('your name in the chat'), default: loginName() };
const roomPort = { ...portOfServer('TCP port'), default: '9999' };
const json = toggle('events as JSON lines on stdout');
const quiet = { ...toggle('in a pipe: say nothing when all goes well'), alias: 'q' };
const listen = toggle('stay when the input ends');
const keyFile = {
  ...folder('file with the key of the room'),
  value: 'FILE',
  defaultDescription: 'identity in the folder',
};
const dataDir = { ...folder('folder for what must be kept'), defaultDescription: 'a folder of your user' };

const keyFolder = { ...dataDir, describe: 'folder with your key' };
const hexKey = 'in hexadecimal digits';

const inDoubt = 'some in doubt, do not send again';
const unusable = 'data folder or output unusable';

export const p2p = program({
  command: 'p2p',
  purpose: 'chat of two',
  example: 'p2p --name a --port 8888 --ip all --server\np2p --name b --port 8888 --ip localhost',
  options: {
    name: person,
    port: { ...port('TCP port'), default: '8888' },
    ip: host('other side [localhost]; --server: listen here [all]'),
    server: toggle('wait for the other side to connect'),
    secure: toggle('encrypted, or not at all'),
    'peer-key': publicKey('with --secure: the key of the other side'),
    'data-dir': keyFolder,
    listen,
    quiet,
    json,
  },
  exits: {
    3: 'cannot listen',
    4: 'not online',
    5: 'taken, or not let in',
    6: 'name refused',
    7: unusable,
    8: 'not all sent',
    9: inDoubt,
  },
  subcommands: { completion },
});

export const serverExport = program({
  command: 'chat-server export',
  purpose: 'prints what is kept',
  example: 'chat-server export --port 9999 --since 2d',
  options: {
    port: roomPort,
    'data-dir': dataDir,
    since: span('only the last 30m, 2h, 2d'),
    json: toggle('all that proves it, as JSON lines for verify'),
    identity: { ...keyFile, describe: 'file with the key of the room, which signs how far the JSON goes' },
  },
  exits: { 7: unusable },
  subcommands: {},
});

export const serverVerify = program({
  command: 'chat-server verify',
  purpose: 'checks what is kept',
  example: 'chat-server verify --port 9999\nchat-server verify room.json',
  options: {
    file: { ...file('what export --json printed; - is stdin; --file may be left out'), isBare: true },
    port: roomPort,
    'data-dir': dataDir,
    'server-key': publicKey('the room it must be of, by its key in hexadecimal digits'),
  },
  exits: { 5: 'another room', 7: unusable, 8: 'something is wrong' },
  subcommands: {},
});

export const serverErase = program({
  command: 'chat-server erase',
  purpose: 'takes the words of a message away',
  example: 'chat-server erase 1234 --port 9999',
  options: {
    seq: { ...place('number of the message; --seq may be left out'), isBare: true },
    port: roomPort,
    'data-dir': dataDir,
    identity: keyFile,
  },
  exits: { 4: 'no answer', 7: unusable, 8: 'no such words' },
  subcommands: {},
});

export const server = program({
  command: 'chat-server',
  purpose: 'keeps a room',
  example: 'chat-server --port 9999 --ip all --name chatroom-server',
  options: {
    name: { ...name('name of the server'), default: 'server' },
    port: { ...port('TCP port'), default: '9999' },
    ip: { ...host('address to listen on; all is every interface'), defaultDescription: 'all' },
    secure: toggle('encrypted: whoever has the key of the room comes in'),
    allow: list('with --secure: only the keys in this file come in'),
    'open-port': port('with --secure: a port for open clients, originals too'),
    topic: topic('what the room is about, shown on entering'),
    'data-dir': dataDir,
    identity: keyFile,
    history: { default: true, describe: 'keep the room in memory only' },
    'history-limit': { ...countOfSome('most messages kept'), default: '100000' },
    'history-days': { ...countOfSome('days a message is kept'), default: '30' },
    peers: { default: true, describe: 'members do not link while this server is away' },
    'max-clients': { ...countOfSome('most clients at a time'), default: String(defaultMaxClients) },
    rate: {
      ...count('messages a second from each, 0: no limit'),
      default: String(defaultPace.messages.perSecond),
    },
    json,
    'log-level': { ...choice('LEVEL', logLevels, 'what to say on stderr'), default: 'info' },
  },
  exits: { 3: 'cannot listen', 4: 'host unknown', 7: unusable },
  subcommands: { export: serverExport, verify: serverVerify, erase: serverErase, completion },
});

export const client = program({
  command: 'chat-client',
  purpose: 'enters a room',
  example: 'chat-client --port 9999 --ip localhost --name "John Doe"',
  options: {
    name: person,
    port: roomPort,
    ip: { ...host('host of the server'), default: 'localhost' },
    message: { ...texts('send this and exit (repeatable; - is all of stdin)'), alias: 'm' },
    listen,
    quiet,
    history: { ...count('first time: show the last N'), defaultDescription: '20 on a terminal' },
    keep: { ...count('messages kept here, for /history and /search'), default: '5000' },
    replay: toggle('in a pipe, too: what was missed'),
    json,
    timestamps: { ...choice('WHEN', timestampChoices, 'time before each line'), default: 'auto' },
    joins: { ...choice('WHICH', joinsChoices, 'joins and leaves: all, grouped (auto), none'), default: 'auto' },
    bell: { ...choice('WHEN', bellChoices, 'ring for mentions, all, or not (off)'), default: 'mention' },
    notify: toggle('the desktop tells of what rings, also over ssh'),
    highlight: words('a word that counts as your name does (repeatable)'),
    timeout: { ...count('how long to try getting online'), value: 'SECONDS', defaultDescription: '10 in a pipe' },
    check: toggle('exit 0 if the server answers'),
    'data-dir': dataDir,
    'server-key': publicKey(`the room's key, ${hexKey}`),
    secure: toggle('encrypted, or not at all'),
    key: toggle('print your key, for the list of a room, and exit'),
    peers: { default: true, describe: 'no links with other members while the server is away' },
    'peer-port': port('listen for other members here, and nowhere else'),
    peer: addresses('a member to be found there while the server is away (repeatable)'),
    'forget-room': toggle('take whatever room is at this address'),
    resend: { ...toggle('say from here what waits in a copied folder'), isHidden: true },
  },
  exits: {
    4: 'not online',
    5: 'full, refused, not let in, or another room',
    6: 'name refused',
    7: unusable,
    8: 'not all accepted',
    9: inDoubt,
  },
  subcommands: { completion },
});

/** With the options that every command has. */
function program<const Table extends OptionTable>(own: Program<Table>) {
  const shared = {
    color: { describe: 'use colours, or not', defaultDescription: 'on a terminal' },
    verbose: { ...toggle('say more'), alias: 'v' },
    help: { ...toggle('show this'), alias: 'h' },
    version: toggle('show the version'),
  } as const;
  const exits = { 0: 'all well', 1: 'a bug of ours', 2: 'wrong usage', ...own.exits, '128+N': 'ended by signal N' };
  return { ...own, options: { ...own.options, ...shared }, exits };
}

function loginName(): string {
  try {
    return safeName(userInfo().username);
  } catch {
    return 'somebody';
  }
}
