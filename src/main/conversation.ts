import type { Values } from '../cli/args/flags.ts';
import type { client } from '../cli/args/programs.ts';
import type { Console } from '../cli/console.ts';
import type { Opened, Stop } from '../cli/run.ts';
import type { ChatEvent, Contradiction } from '../core/events.ts';
import { inDoubt } from '../core/log/doubt.ts';
import { Log } from '../core/log/log.ts';
import type { Change } from '../core/log/store.ts';
import { withUnwritten } from '../core/log/unwritten.ts';
import { Member } from '../core/member/member.ts';
import { droppedEvent, messageEvent } from '../core/narrate.ts';
import type { Waiting } from '../core/turn.ts';
import { ChatError, fingerprint } from '../errors.ts';
import { keepEvidence } from '../history/evidence.ts';
import { IgnoredFile } from '../history/ignored.ts';
import { MemoryStore } from '../history/memory.ts';
import { addName, isFreeName, personFolder } from '../history/paths.ts';
import { keepPort, lastPort } from '../history/port-file.ts';
import { Rooms } from '../history/rooms.ts';
import type { SqliteStore } from '../history/sqlite.ts';
import { keyInHex } from '../keys/allow-list.ts';
import { curveKeyOf, signingKeysOf } from '../keys/curve.ts';
import { crypto, newDevice, newNonce } from '../keys/ed25519.ts';
import { loadIdentity, newIdentity } from '../keys/identity-file.ts';
import { Talk } from '../loop/talk.ts';
import { Trouble } from '../loop/trouble.ts';
import { answerCommand, withAnswered } from '../prompt/answer.ts';
import { type Eye, historyCommand } from '../prompt/history.ts';
import { Ignored, whose, whyNotIgnored } from '../prompt/ignore.ts';
import {
  awayCommand,
  inRooms,
  nickCommand,
  openPrompt,
  reachableAt,
  secrecy,
  settingCommand,
  signedUpTo,
  topicCommand,
} from '../prompt/prompt.ts';
import { searchCommand } from '../prompt/search.ts';
import type { Message, MessageId } from '../protocol/frames.ts';
import { formatId } from '../protocol/signed.ts';
import { joinsChoices, type Settings } from '../terminal/view.ts';
import { isLoopback, showEndpoint } from '../transport/endpoint.ts';
import { Link } from '../transport/link.ts';
import { Peers } from '../transport/peers.ts';
import { isOriginal } from '../transport/probe.ts';
import { Route } from '../transport/route.ts';
import { openDealer } from '../transport/sockets.ts';

const pipeTimeoutSeconds = 10;
const whoHasIt = 'Add --server-key HEX: it stands in the line that the server prints.';
const emptyHint = 'Pipe text in, use -m TEXT, or --listen to read only.';
const settledText = (count: number) =>
  `${count} ${count === 1 ? 'message' : 'messages'} of an earlier run ${count === 1 ? 'was' : 'were'} in doubt: in the room now`;
const steadyMs = 1_000;
/** How much of the log is shown at first, and after an absence. */
const limits = { history: 20, maxReplay: 200 };

type Given = {
  options: Values<typeof client.options>;
  settings: Settings;
  console: Console;
  stop: Stop;
  opened: Opened;
};

/** Talks in a room until this ends, and returns the exit code. */
export async function converse({ options, settings, console, stop, opened }: Given): Promise<number> {
  const { name, port, ip, check, verbose, 'data-dir': dataDir } = options;
  const { view, lines, person, isScreen } = console;
  const route = await Route.to(ip, port);
  // Who only looks in needs no folder.
  const home = check ? '' : personFolder(dataDir, name);
  const newDev = () => newDevice(identity.key);
  const rooms = new Rooms(home, newDev);
  opened.push(rooms);
  const address = `${ip}:${port}`;
  if (options['forget-room'] && !check) rooms.remember(address);
  let room = options['server-key'] ?? (check ? undefined : rooms.at(address));
  if (options.secure && room === undefined)
    throw new ChatError('USAGE', '--secure needs the key of the room.', whoHasIt);
  let isSecure = options.secure || (room !== undefined && !check && rooms.isSecure(address, room));
  const identity = check ? newIdentity() : loadIdentity(home);
  const open = () => {
    const store = check ? new MemoryStore('', newDev()) : rooms.open(address, room);
    opened.push(store);
    return store;
  };
  let store = open();
  const mayLink = options.peers && !check && (person || options.listen);
  const peerPort = options['peer-port'];
  if (!mayLink && (peerPort !== undefined || options.peer.length > 0)) throw needsPeers(options.peers);
  const history = options.history ?? (person ? limits.history : 0);
  const show = { history, replay: options.replay || person, maxReplay: person ? limits.maxReplay : Infinity };
  const place = (carried: Message[]) => {
    const { dev, former, given, piped, folder, isCopied } = store;
    const doubts = room && !check ? rooms.doubts(room) : [];
    for (const { id } of [...doubts, ...inDoubt(store, store.pending())]) if (id) doubtful.add(formatId(id));
    return { dev, former, given, piped, folder, isCopied, carried, doubts, ...(room && { room }) };
  };
  /** By id: what earlier runs have left in doubt, as far as that is so. */
  const doubtful = new Set<string>();
  const settle = async (arrived: readonly MessageId[]) => {
    await rooms.settle(arrived);
    const settled = arrived.filter((id) => doubtful.delete(formatId(id))).length;
    if (settled > 0 && !person) view.show({ type: 'status', code: 'SETTLED', message: settledText(settled) });
  };
  const keeps = (key: string) => !check && rooms.keeps(key);
  const secrets = { identity, crypto, nonce: newNonce, salt: newNonce, chance: Math.random, newDev };
  const typed = room && !check ? rooms.typedAt(address) : [];
  const conversation = new Member(
    {
      name,
      keeps,
      ...secrets,
      maxKept: options.keep,
      highlights: options.highlight,
      ...show,
      check,
      isPipe: !person,
      // A file must not hold an order that nobody has.
      finalOnly: !isScreen && !options.json,
      ...(mayLink && { hosts: [] }),
      ...place(typed),
    },
    store,
  );
  const tellWaiting = (code: string, what: string, waiting: readonly Waiting[]) => {
    const message = `${what}: ${waiting.map(({ text }) => `"${text}"`).join(', ')}`;
    if (waiting.length > 0) view.show({ type: 'status', code, message });
  };
  /** Nothing crosses over from one room to another: what waits for the room before waits on. */
  const follow = (other: string) => {
    const [before, wasMet] = [store as SqliteStore, room !== undefined];
    const left = wasMet ? rooms.leave(before) : [];
    tellWaiting('LEFT_BEHIND', 'what waits for the room before stays there', left);
    rooms.remember(address, other);
    room = other;
    store = open();
    const carried = wasMet ? rooms.typedAt(address) : rooms.carry(before);
    tellWaiting('WAITED', 'what has waited for this room goes out now', store.pending());
    conversation.move(place(carried), store);
  };
  /** The first time online: from now on what is kept here is of this room. */
  const entered = (key: string) => {
    const isNew = rooms.at(address) !== key;
    if (check || (!isNew && rooms.isSecure(address, key) === isSecure)) return;
    rooms.remember(address, key, isSecure);
    if (!isNew) return;
    room = key;
    rooms.claim(store, key);
    view.show({ type: 'status', code: 'ROOM_KEY', message: `this room has the key ${fingerprint(key)}` });
  };
  for (const event of droppedEvent(rooms.abandoned)) view.show(event);
  for (const message of rooms.doubtful) view.show({ type: 'error', code: 'DATA_DAMAGED', message });
  for (const what of store.damaged)
    view.show({ type: 'error', code: 'DATA_DAMAGED', message: `The disk has damaged ${what}.` });
  const timeoutMs = 1_000 * (options.timeout ?? (person ? Infinity : pipeTimeoutSeconds));
  const manner = { person, listen: options.listen && !isScreen, check, timeoutMs, verbose, emptyHint };
  const openLog = () => withUnwritten(new Log(store, crypto), conversation.copy.buffer.places);
  const ignored = new Ignored({
    kept: new IgnoredFile(home),
    room: () => room,
    view,
    whyNot: (other) => whyNotIgnored(other, { name: conversation.name, server: conversation.availability.server }),
    whose: (other) => whose(other, { log: openLog(), members: store.members(), others: conversation.others, room }),
  });
  const see = (event: ChatEvent) =>
    ignored.hides(event)
      ? undefined
      : withAnswered(event, openLog(), (message) => ignored.hides(messageEvent(message, false)));
  const eye: Eye = {
    see,
    show(event, taken) {
      const seen = see(event);
      if (seen) view.show(seen, taken);
      else taken?.();
    },
  };
  const own = [
    historyCommand(openLog, eye, Date.now),
    searchCommand(openLog, eye),
    answerCommand({ openLog, view, unkept: () => (room === undefined ? conversation.others : []) }),
    ...ignored.commands,
    topicCommand(() => conversation.availability.topic, view),
    nickCommand(view),
    awayCommand(view),
    settingCommand('joins', joinsChoices, 'who comes and goes', settings, view),
  ];
  const names = {
    whyNotCalled: (other: string) =>
      isFreeName(home, dataDir, other) ? undefined : `"${other}" is somebody else on this machine: start with --name.`,
    renamed: (other: string) => addName(home, dataDir, other),
    entered,
  };
  const about = () => [
    `the room at ${showEndpoint(ip, port)}: ${secrecy(isSecure)}`,
    `the room's key: ${room ? fingerprint(room) : 'none'}; yours: ${fingerprint(identity.key)}`,
    signedUpTo(conversation.copy.signed),
    reachableAt(peers?.hosts),
    `what is kept here: ${store.folder}`,
  ];
  const testify = (event: Contradiction) => keepEvidence(store.folder, event);
  const read = person ? { see, read: openPrompt(own, { conversation, view, settings, about, answers: inRooms }) } : {};
  /** The room's key is known: whoever has another one is not met. */
  const encryption = () => (isSecure ? { own: identity.curve, other: curveKeyOf(room ?? '') } : undefined);
  /**
   * A room that is known is met as its server wants it; but one that was met in secret, or is meant to be, in no other way.
   * A server that wants now this and now that is not followed.
   */
  let adaptedAtMs = Number.NEGATIVE_INFINITY;
  const adapt = () => {
    const isBound = isSecure ? check || options.secure || rooms.isSecure(address, room ?? '') : room === undefined;
    if (isBound || performance.now() - adaptedAtMs < steadyMs) return false;
    adaptedAtMs = performance.now();
    isSecure = !isSecure;
    return true;
  };
  const link = new Link(() => openDealer(encryption()), route, check && !isSecure ? isOriginal : undefined);
  let isTold = false;
  /** Other members can reach this one there: it is said once, if that may be anybody. */
  const reached = (hosts: readonly string[], port: number) => {
    keepPort(store.folder, port);
    if (isTold || isSecure || hosts.length === 0 || hosts.every((host) => isLoopback(`tcp://${host}`))) return;
    isTold = true;
    const message = `if the server is away, members of this room can reach me at ${hosts[0]}; --no-peers turns this off`;
    view.show({ type: 'status', code: 'REACHABLE', message });
  };
  const keysOfLinks = { key: identity.key, own: identity.curve, curveKeyOf, signingKeysOf };
  const where = { server: () => link.endpoint, room: () => room, given: options.peer };
  const tell = ({ code, message, hint }: ChatError) =>
    view.show({ type: 'status', code, message: `${message} ${hint}` });
  const peers = mayLink ? new Peers({ ...keysOfLinks, ...where, reached, tell }) : undefined;
  void peers?.listen(peerPort ?? lastPort(store.folder), peerPort !== undefined);
  const trouble = new Trouble({
    host: ip,
    port,
    isSecure: () => isSecure,
    meant: () => fingerprint(room ?? ''),
    line: check ? 'the line that chat-client --key prints.' : `this line: ${keyInHex(identity.key)} ${name}`,
    isPair: false,
  });
  const kept = {
    async commit(change: Change) {
      await store.commit(change);
      await rooms.letGo();
      await settle(change.dropped ?? []);
    },
  };
  const going = {
    follow,
    mayFollow: () => isLoopback(link.endpoint) && !isSecure && options['server-key'] === undefined,
  };
  const mayResend = options.resend;
  const parts = {
    conversation,
    view,
    store: kept,
    names,
    testify,
    ...going,
    mayResend,
    ...read,
    trouble,
    adapt,
    peers,
    manner,
  };
  return await new Talk({ ...parts, lines, link, stop }).run();
}

function needsPeers(areWanted: boolean): ChatError {
  const why = areWanted ? 'a pipe that only says something links with nobody.' : '--no-peers turns links off.';
  return new ChatError(
    'USAGE',
    `--peer and --peer-port are for links with other members: ${why}`,
    'Leave one of them out.',
  );
}
