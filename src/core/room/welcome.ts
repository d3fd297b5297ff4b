import type { Join, Welcome } from '../../protocol/frames.ts';
import { type Identity, welcomeProof } from '../../protocol/signed.ts';
import type { Log, Resumption } from '../log/log.ts';
import { greeting } from '../narrate.ts';
import type { Presence } from './presence.ts';

/** Who welcomes; `dev` names this run of the server. */
export type Host = { name: string; identity: Identity; dev: string; topic?: string | undefined; unlinked?: boolean };
/** Who is welcome, as what it goes on; `ended` is the nonce of the session that this one has ended. */
export type Arrival = { who: string; join: Join; resumption: Resumption; ended?: string | undefined };

/** What a member is told when it comes in, signed by the room: where it reads on, and what is known of it here. [P8, P9] */
export function welcomeOf(host: Host, log: Log, { online, named }: Presence, arrival: Arrival): Welcome {
  const { name, identity, dev: run, topic, unlinked } = host;
  const { who, join, resumption, ended } = arrival;
  const { dev = '', cn = '' } = join;
  const { since, fork } = resumption;
  const [hash, headHash] = [log.hashAt(since), log.hashAt(log.head)];
  const place = { log: log.store.log, since, ...(hash && { hash }), fork };
  const head = { head: log.head, ...(headHash && { headHash }), run };
  const { n = 0, hash: nHash } = log.store.mark(dev) ?? {};
  const own = { n, ...(nHash && { nHash }), ...(ended && { ended }) };
  const [oldest] = log.read(log.first, 1);
  const age = { ...(oldest && { firstMs: oldest.atMs }), ...(topic && { topic }), ...(unlinked && { unlinked }) };
  const words = { name, text: greeting(online), who };
  const told = { kind: 'welcome' as const, ...words, ...place, ...head, ...own, online, ...named, ...age };
  return { ...told, sig: identity.sign(welcomeProof(cn, identity.key, told)) };
}
