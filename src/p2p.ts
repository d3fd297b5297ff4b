#!/usr/bin/env node
import { p2p } from './cli/args/programs.ts';
import { openConsole } from './cli/console.ts';
import { invitationText, invite } from './cli/invitation.ts';
import { run } from './cli/run.ts';
import { Pair } from './core/pair.ts';
import { ChatError } from './errors.ts';
import { newToken } from './keys/ed25519.ts';
import { Talk } from './loop/talk.ts';
import { Trouble } from './loop/trouble.ts';
import { inPairs, openPrompt } from './prompt/prompt.ts';
import type { Settings } from './terminal/view.ts';
import { bindEndpoints, portOf, showEndpoint } from './transport/endpoint.ts';
import { Link } from './transport/link.ts';
import { Route } from './transport/route.ts';
import { openBindingPair, openConnectingPair } from './transport/sockets.ts';

const pipeTimeoutMs = 10_000;
const portHint = 'Only who waits with --server may take any free one: 0. Give the port that the other side says.';
const emptyHint = 'Pipe text in, or type it at a terminal. To read only, add --listen.';

/** Between two people every message is meant for me. */
const settings: Settings = { joins: 'all', bell: 'mention' };

await run(p2p, async (options, stop, opened) => {
  const { name, port, server: binds, ip = binds ? 'all' : 'localhost', verbose, ...style } = options;
  if (!binds && port === 0) throw new ChatError('USAGE', '--port "0" is not a port.', portHint);
  const { view, lines, person, isScreen } = openConsole({ ...style, settings });
  opened.push(view);
  let link: Link;
  if (binds) {
    const [first = '', ...others] = await bindEndpoints(ip, port);
    link = new Link(openBindingPair);
    const bound = portOf(await link.bind(first, ...others));
    const invitation = invite('p2p', { ip, port: bound, usual: Number(p2p.options.port.default) });
    view.show({ type: 'listening', endpoint: showEndpoint(ip, bound), port: bound, ...invitation });
    view.show({ type: 'status', code: 'INVITATION', message: invitationText(invitation) });
  } else {
    view.show({ type: 'state', state: 'connecting', endpoint: showEndpoint(ip, port) });
    link = new Link(openConnectingPair, await Route.to(ip, port));
  }
  const conversation = new Pair({ name, dev: newToken(), binds });
  const timeoutMs = person || binds ? Infinity : pipeTimeoutMs;
  const manner = { person, listen: options.listen && !isScreen, check: false, timeoutMs, verbose, emptyHint };
  const about = () => [`with ${conversation.others[0] ?? 'nobody'} on port ${port}`];
  const read = person ? { read: openPrompt([], { conversation, view, settings, about, answers: inPairs }) } : {};
  const parts = { conversation, view, ...read, trouble: new Trouble(ip, port), manner };
  return await new Talk({ ...parts, lines, link, stop }).run();
});
