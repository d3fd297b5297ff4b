#!/usr/bin/env node
import { client } from './cli/args/programs.ts';
import { openConsole } from './cli/console.ts';
import { run } from './cli/run.ts';
import type { Contradiction } from './core/events.ts';
import { Log } from './core/log/log.ts';
import type { Change } from './core/log/store.ts';
import { Member } from './core/member/member.ts';
import { fingerprint } from './errors.ts';
import { keepEvidence } from './history/evidence.ts';
import { MemoryStore } from './history/memory.ts';
import { addName, isFreeName, personFolder } from './history/paths.ts';
import { Rooms } from './history/rooms.ts';
import { crypto, newDevice, newSalt } from './keys/ed25519.ts';
import { loadIdentity, newIdentity } from './keys/identity-file.ts';
import { Talk } from './loop/talk.ts';
import { Trouble } from './loop/trouble.ts';
import { historyCommand } from './prompt/history.ts';
import { nickCommand, openPrompt, settingCommand, signedUpTo } from './prompt/prompt.ts';
import { joinsChoices } from './terminal/view.ts';
import { connectEndpoint, isLoopback, showEndpoint } from './transport/endpoint.ts';
import { Link } from './transport/link.ts';
import { openDealer } from './transport/sockets.ts';

const pipeTimeoutSeconds = 10;
const emptyHint = 'Pipe text in, use -m TEXT, or --listen to read only.';
/** How much of the log is shown at first, is shown after an absence, and is kept. */
const limits = { history: 20, maxReplay: 200, maxKept: 5_000 };

await run(client, async (options, stop, opened) => {
  const { name, port, ip, message, check, verbose, 'data-dir': dataDir, joins, bell, ...style } = options;
  const settings = { joins, bell };
  const { view, lines, person, isScreen } = openConsole({ ...style, settings, messages: check ? ['check'] : message });
  opened.push(view);
  view.show({ type: 'state', state: 'connecting', endpoint: showEndpoint(ip, port) });
  const endpoint = await connectEndpoint(ip, port);
  const home = personFolder(dataDir, name);
  const rooms = new Rooms(home);
  const address = `${ip}:${port}`;
  if (options['forget-room']) rooms.remember(address);
  // Who only looks in needs no folder.
  const identity = check ? newIdentity() : loadIdentity(home);
  const open = (room: string | undefined) =>
    check ? new MemoryStore('', newDevice()) : rooms.open(address, room, newDevice);
  let room = options['server-key'] ?? (check ? undefined : rooms.at(address));
  let store = open(room);
  opened.push(store);
  const history = options.history ?? (person ? limits.history : 0);
  const show = { history, replay: options.replay || person, maxReplay: person ? limits.maxReplay : Infinity };
  const place = () => ({ dev: store.dev, folder: store.folder, ...(room && { room }) });
  const who = { name, identity, nonce: newDevice, salt: newSalt, ...place() };
  const conversation = new Member({ ...who, ...limits, ...show, crypto, check }, store);
  /** Nothing crosses over: what waits for the room before waits on. */
  const follow = (other: string) => {
    const left = conversation.waiting.map(({ text }) => `"${text}"`);
    const message = `what waits for the room before stays there: ${left.join(', ')}`;
    if (left.length > 0) view.show({ type: 'status', code: 'LEFT_BEHIND', message });
    rooms.remember(address, other);
    [room, store] = [other, open(other)];
    opened.push(store);
    conversation.move(place(), store);
  };
  /** The first time online: from now on what is kept here is of this room. */
  const entered = (key: string) => {
    if (check || rooms.at(address) === key) return;
    room = key;
    rooms.claim(store, key);
    rooms.remember(address, key);
    view.show({ type: 'status', code: 'ROOM_KEY', message: `this room has the key ${fingerprint(key)}` });
  };
  for (const what of store.damaged)
    view.show({ type: 'error', code: 'DATA_DAMAGED', message: `The disk has damaged ${what}.` });
  const timeoutMs = 1_000 * (options.timeout ?? (person ? Infinity : pipeTimeoutSeconds));
  const manner = { person, listen: options.listen && !isScreen, check, timeoutMs, verbose, emptyHint };
  const own = [
    historyCommand(() => new Log(store, crypto), view, Date.now),
    nickCommand(view),
    settingCommand('joins', joinsChoices, 'who comes and goes', settings, view),
  ];
  const names = {
    whyNotCalled: (other: string) =>
      isFreeName(home, dataDir, other) ? undefined : `"${other}" is somebody else on this machine: start with --name.`,
    renamed: (other: string) => addName(home, dataDir, other),
    entered,
  };
  const about = () => [
    `the room at ${showEndpoint(ip, port)}`,
    signedUpTo(conversation.copy.signed),
    `what is kept here: ${store.folder}`,
  ];
  const testify = (event: Contradiction) => keepEvidence(store.folder, event);
  const read = person ? { read: openPrompt(own, { conversation, view, settings, about }) } : {};
  const link = new Link(openDealer, endpoint);
  const kept = { commit: (change: Change) => store.commit(change) };
  const going = { follow, mayFollow: isLoopback(endpoint) && options['server-key'] === undefined };
  const parts = {
    conversation,
    view,
    store: kept,
    names,
    testify,
    ...going,
    ...read,
    trouble: new Trouble(ip, port),
    manner,
  };
  return await new Talk({ ...parts, lines, link, stop }).run();
});
