import { p2p } from '../cli/args/programs.ts';
import { openConsole } from '../cli/console.ts';
import { invitationText, invite } from '../cli/invitation.ts';
import type { Main } from '../cli/run.ts';
import { Pair } from '../core/pair/pair.ts';
import { ChatError, fingerprint } from '../errors.ts';
import { personFolder } from '../history/paths.ts';
import { keyInHex } from '../keys/allow-list.ts';
import { curveKeyOf } from '../keys/curve.ts';
import { newToken } from '../keys/ed25519.ts';
import { loadIdentity } from '../keys/identity-file.ts';
import { Talk } from '../loop/talk.ts';
import { Trouble } from '../loop/trouble.ts';
import { inPairs, openPrompt, secrecy } from '../prompt/prompt.ts';
import type { Settings } from '../terminal/view.ts';
import { bindEndpoints, portOf, showEndpoint } from '../transport/endpoint.ts';
import { Link } from '../transport/link.ts';
import { Route } from '../transport/route.ts';
import { openBindingPair, openConnectingPair } from '../transport/sockets.ts';
import { Zap } from '../transport/zap.ts';

const pipeTimeoutMs = 10_000;
const portHint = 'Only who waits with --server may take any free one: 0. Give the port that the other side says.';
const peerHint = 'Add --peer-key HEX: it stands in the line that the other side shows.';
const anybody = 'the talk is encrypted. Whoever has this line gets in; to choose who: --peer-key HEX';
const onlyOne = 'the talk is encrypted. Only who has the key of --peer-key gets in.';
const emptyHint = 'Pipe text in, or type it at a terminal. To read only, add --listen.';

/** Between two people every message is meant for me. */
const settings: Settings = { joins: 'all', bell: 'mention' };

/** Waits for the other side or connects to it, talks until this ends, and returns the exit code. */
export const talkInPair: Main<typeof p2p.options> = async (options, stop, opened) => {
  const { name, port, server: binds, secure, ip = binds ? 'all' : 'localhost', verbose, ...style } = options;
  const { 'peer-key': peerKey, 'data-dir': dataDir } = options;
  if (!binds && port === 0) throw new ChatError('USAGE', '--port "0" is not a port.', portHint);
  if (!secure && peerKey) throw new ChatError('USAGE', '--peer-key needs --secure.', 'Add --secure, or leave it out.');
  if (secure && !binds && !peerKey) throw new ChatError('USAGE', '--secure needs the key of the other side.', peerHint);
  const { view, lines, person, isScreen } = await openConsole({ ...style, settings });
  opened.push(view);
  const identity = secure ? loadIdentity(personFolder(dataDir, name)) : undefined;
  const other = peerKey ? curveKeyOf(peerKey) : undefined;
  const zap =
    identity && binds
      ? await Zap.open(({ publicKey }) => (other === undefined || publicKey?.equals(other) ? 'admitted' : 'refused'))
      : undefined;
  if (zap) opened.push(zap);
  const link = binds ? await listen() : await dial();
  const conversation = new Pair({ name, dev: newToken(), binds });
  const timeoutMs = person || binds ? Infinity : pipeTimeoutMs;
  const manner = { person, listen: options.listen && !isScreen, check: false, timeoutMs, verbose, emptyHint };
  const line = identity ? `this line: ${keyInHex(identity.key)} ${name}` : '';
  const about = () => [
    `with ${conversation.others[0] ?? 'nobody'} on port ${port}: ${secrecy(secure)}`,
    ...(identity ? [`your key: ${fingerprint(identity.key)}; theirs: ${peerKey ? fingerprint(peerKey) : 'any'}`] : []),
  ];
  const read = person ? { read: openPrompt([], { conversation, view, settings, about, answers: inPairs }) } : {};
  const meant = () => fingerprint(peerKey ?? '');
  const trouble = new Trouble({ host: ip, port, isSecure: () => secure, meant, line, isPair: true });
  const parts = { conversation, view, ...read, guard: zap && (() => zap.answer()), trouble, manner };
  return await new Talk({ ...parts, lines, link, stop }).run();

  async function listen(): Promise<Link> {
    const [first = '', ...others] = await bindEndpoints(ip, port);
    const link = new Link(() => openBindingPair(identity && { own: identity.curve, door: true }));
    const bound = portOf(await link.bind(first, ...others));
    const secret = identity ? ` --secure --peer-key ${keyInHex(identity.key)}` : '';
    const invitation = invite('p2p', { ip, port: bound, usual: Number(p2p.options.port.default), secret });
    view.show({ type: 'listening', endpoint: showEndpoint(ip, bound), port: bound, secure, ...invitation });
    view.show({ type: 'status', code: 'INVITATION', message: invitationText(invitation) });
    if (secure) view.show({ type: 'status', code: 'ENCRYPTED', message: peerKey ? onlyOne : anybody });
    return link;
  }

  async function dial(): Promise<Link> {
    view.show({ type: 'state', state: 'connecting', endpoint: showEndpoint(ip, port) });
    const route = await Route.to(ip, port);
    return new Link(
      () => openConnectingPair(identity && { own: identity.curve, other: curveKeyOf(peerKey ?? '') }),
      route,
    );
  }
};
