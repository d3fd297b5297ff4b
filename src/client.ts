#!/usr/bin/env node
import { client } from './cli/args/programs.ts';
import { openConsole } from './cli/console.ts';
import { run } from './cli/run.ts';
import { Log } from './core/log/log.ts';
import { Member } from './core/member/member.ts';
import { MemoryStore } from './history/memory.ts';
import { addName, isFreeName, openClientStore, personFolder } from './history/paths.ts';
import { crypto, newDevice } from './keys/ed25519.ts';
import { loadIdentity, newIdentity } from './keys/identity-file.ts';
import { Talk } from './loop/talk.ts';
import { Trouble } from './loop/trouble.ts';
import { historyCommand } from './prompt/history.ts';
import { nickCommand, openPrompt, settingCommand } from './prompt/prompt.ts';
import { joinsChoices } from './terminal/view.ts';
import { connectEndpoint, showEndpoint } from './transport/endpoint.ts';
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
  // Who only looks in needs no folder.
  const identity = check ? newIdentity() : loadIdentity(home);
  const store = check ? new MemoryStore('', newDevice()) : openClientStore(home, ip, port, newDevice);
  opened.push(store);
  const { dev, folder } = store;
  const history = options.history ?? (person ? limits.history : 0);
  const show = { history, replay: options.replay || person, maxReplay: person ? limits.maxReplay : Infinity };
  const who = { name, identity, dev, folder };
  const conversation = new Member({ ...who, ...limits, ...show, crypto, check }, store);
  for (const what of store.damaged)
    view.show({ type: 'error', code: 'DATA_DAMAGED', message: `The disk has damaged ${what}.` });
  const timeoutMs = 1_000 * (options.timeout ?? (person ? Infinity : pipeTimeoutSeconds));
  const manner = { person, listen: options.listen && !isScreen, check, timeoutMs, verbose, emptyHint };
  const own = [
    historyCommand(new Log(store, crypto), view, Date.now),
    nickCommand(view),
    settingCommand('joins', joinsChoices, 'who comes and goes', settings, view),
  ];
  const names = {
    whyNotCalled: (other: string) =>
      isFreeName(home, dataDir, other) ? undefined : `"${other}" is somebody else on this machine: start with --name.`,
    renamed: (other: string) => addName(home, dataDir, other),
  };
  const about = () => [`the room at ${showEndpoint(ip, port)}`, `what is kept here: ${folder}`];
  const read = person ? { read: openPrompt(own, { conversation, view, settings, about }) } : {};
  const link = new Link(openDealer, endpoint);
  const parts = { conversation, view, store, names, ...read, trouble: new Trouble(ip, port), manner };
  return await new Talk({ ...parts, lines, link, stop }).run();
});
