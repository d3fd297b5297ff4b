import type * as memory from '../../src/history/memory.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import type { Frame, Message, Single } from '../../src/protocol/frames.ts';
import { signedText } from '../../src/protocol/signed.ts';
import { liarsLog } from './checker.ts';
import type { Machines } from './machines.ts';
import { damages, rot, rottenIn } from './rot.ts';
import { type Client, Connection, crypto, type Legacy, salt, signature } from './sides.ts';

/** Frames vanish without a sign. */
export function loseTail(world: Machines, { connection }: Client): void {
  if (!connection) return;
  const pipe = world.random.chance(0.5) ? connection.toClient : connection.toServer;
  const lost = pipe.splice(world.random.below(pipe.length + 1));
  if (lost.length > 0) world.note(`lose ${lost.length} frames of ${connection.id}`);
}

/** The server's socket could not take a frame. */
export function fail(world: Machines, { connection }: Client | Legacy): void {
  if (!connection) return;
  const lost = connection.toClient.pop();
  if (lost === undefined) return;
  world.note(`full ${connection.id}`);
  const before = world.sentFrom.get(lost);
  const sent = { type: 'send' as const, to: [connection.id], data: lost, ...(before && { before }) };
  world.turn([{ type: 'full', from: connection.id, sent }]);
}

/** The bits of a place flip, at the server while it is down, or at a client. */
export function damage(world: Machines, client: Client): void {
  const isServers = world.random.chance(0.6);
  const store = isServers ? world.serverStore : client.store;
  if (store.head < store.first) return;
  if (isServers) world.crashServer();
  else world.stop(client);
  const seq = store.first + world.random.below(store.head - store.first + 1);
  // Of two damaged neighbours nobody can say for sure what the chain was between them.
  if (rottenIn(store).has(seq - 1) || rottenIn(store).has(seq + 1)) return;
  const damage = world.random.pick(Object.keys(damages));
  const [place] = store.read(seq, 1);
  world.note(`${isServers ? 'server' : client.dev}: ${damage} at ${seq}`);
  if (place?.seq === seq) world.checker.damaged(world.nowMs, place.message);
  rot(store, seq, damage);
}

/** Everything of an entry that the chain covers, as somebody on the way may change it. */
const changes: ((message: Message) => Partial<Message>)[] = [
  ({ id }) => ({ ...(id && { id: { ...id, n: id.n + 1 } }) }),
  ({ lc = 0 }) => ({ lc: lc + 1 }),
  ({ ts = 0 }) => ({ ts: ts + 1 }),
  (message) => ({ in: (message.in ?? 0) + 1 }),
  ({ type }) => ({ type: type === 'action' ? 'nothing' : 'action' }),
  ({ name }) => ({ name: `${name}x` }),
  ({ text, words }) => (words === undefined ? { text: `T${text}` } : { words: words.replace(/^./, '_') }),
  ({ salt, words }) => (words === undefined && salt ? { salt: salt.replace(/^./, '_') } : { lc: 9 }),
  ({ id, re }) => ({ ...(id && { re: { dev: id.dev, n: (re?.n ?? 0) + 1 } }) }),
  ({ ext = '' }) => ({ ext: `${ext}x` }),
  ({ key }) => ({ key: `${key}x` }),
  (message) => ({ void: message.void ? undefined : true }) as Partial<Message>,
  ({ guest }) => ({ guest: guest ? undefined : true }) as Partial<Message>,
  ({ at = 0 }) => ({ at: at + 86_400_000 }),
  ({ ago = 0 }) => ({ ago: ago + 86_400_000 }),
];

/** Something else stands in an entry when it arrives, or in the chain behind it, or the entry is gone from its place. */
export function tamper(world: Machines, { connection, dev }: Client): void {
  const at = connection?.toClient.findIndex((data) => data.includes('"e":')) ?? -1;
  if (!connection || at < 0) return;
  const frame = decode(Buffer.from(connection.toClient[at] ?? ''));
  const frames = frame.kind === 'batch' ? frame.frames : [frame as Single];
  const entries = frames.find((part) => part.kind === 'entries');
  const seq = (entries?.from ?? 0) + world.random.below(entries?.rows.length ?? 0);
  const row = entries?.rows.find((one) => one.seq === seq);
  if (!entries || row?.kind !== 'message') return;
  world.note(`tamper with ${connection.id}`);
  world.checker.tampered();
  const dice = world.random.next();
  const [place] = world.serverStore.read(seq, 1);
  if (dice < 0.1) entries.hash = `${entries.hash}x`;
  else if (dice < 0.9)
    entries.rows = entries.rows.with(seq - entries.from, { ...row, ...world.random.pick(changes)(row) });
  else if (place) {
    entries.rows = entries.rows.with(seq - entries.from, { kind: 'lost', seq, hash: place.hash });
    // Its author lets go of it when a later one comes.
    world.checker.damaged(world.nowMs, row.id?.dev === dev ? row : undefined);
  }
  connection.toClient[at] = encode(frame.kind === 'batch' ? frame : entries);
}

/** A signature is another one when it arrives, or is held back, or all of them are. Returns what arrives. */
export function tamperWithSignatures(world: Machines, data: string): string | undefined {
  const frame = decode(Buffer.from(data));
  if (frame.kind !== 'signatures' || !world.random.chance(0.4)) return data;
  world.note('tamper with signatures');
  world.checker.signaturesAltered();
  const sigs = (frame.sigs ?? []).map((sig) => (world.random.chance(0.5) ? world.random.pick(['', `${sig}x`]) : sig));
  return world.random.chance(0.3) ? undefined : encode({ ...frame, sigs });
}

/** A program of a later version has run with this client's folder, and has left what this one does not know. */
export function writeLater(world: Machines, { store, dev, name, key }: Client): void {
  if (!store.log) return;
  const waiting = store.pending().flatMap(({ id }) => (id?.dev === dev ? id.n : []));
  const last = Math.max(store.mark(dev)?.n ?? 0, ...waiting);
  const id = { dev, n: last + 1 };
  const when = { lc: store.lc + 1 + waiting.length, ts: world.nowMs, in: store.mark(dev)?.n ?? 0, salt };
  const type = world.random.pick(['nothing', 'later']);
  const more = world.random.chance(0.5) ? { re: { dev, n: 1 }, ext: 'more' } : {};
  const message: Message = { kind: 'message', name, text: `hidden${++world.typed}`, id, ...when, type, ...more, key };
  const change = { pending: [{ ...message, sig: signature(key, signedText(crypto, 'room', message)) }] };
  world.note(`a later version writes ${dev}.${id.n}`);
  store.apply(change);
  world.checker.kept(dev, change, { log: store.log, head: store.head, nowMs: world.nowMs });
}

/** Somebody wants to bring the counters of all others to their end, with words that are well signed. */
export function inflate(world: Machines, { connection }: Client): void {
  const id = { dev: 'eve', n: (world.serverStore.mark('eve')?.n ?? 0) + 1 };
  const message: Message = {
    kind: 'message',
    name: 'eve',
    text: 'inflated',
    id,
    lc: 2 ** 50,
    ts: 1,
    salt,
    key: 'keve',
  };
  connection?.toServer.push(encode({ ...message, sig: signature('keve', signedText(crypto, 'room', message)) }));
}

/** Everything that a disk holds, as one change; of a damaged one there is no other copy. */
export function takeSnapshot(world: Machines, store: memory.MemoryStore): void {
  if (rottenIn(store).size > 0) return;
  world.checker.snapshot();
  const entries = store.read(store.first, 1e9);
  const marks = world.clients.flatMap(({ dev }) => store.mark(dev) ?? []);
  const restart = { log: store.log, seq: store.first - 1, hash: store.baseHash };
  world.snapshot = { restart, entries: structuredClone(entries), marks, ranMs: store.ranMs };
}

/** The server's disk as it was at the last snapshot, or empty with a log of another name. */
export function rollBack(world: Machines): void {
  world.crashServer();
  const emptied = world.random.chance(0.3);
  world.note(emptied ? 'empty disk' : `roll back to ${world.snapshot.entries?.length}`);
  const store = new world.cores.MemoryStore(emptied ? `log-${world.random.below(1e9)}` : world.serverStore.log);
  if (emptied) world.snapshot = {};
  store.apply(world.snapshot);
  world.serverStore = store;
  world.checker.rolledBack(emptied, world.nowMs);
}

/** Somebody on the way, who knows the room's key and cannot sign with it, opens a session with a log of its own. */
export function lie(world: Machines, { connection }: Client): void {
  if (!connection) return;
  world.note(`lie to ${connection.id}`);
  const place = { log: liarsLog, since: 0, head: 0, run: 'run', fork: true, n: 0, online: 1, members: [] };
  connection.toClient.push(encode({ kind: 'welcome', name: 'server', text: '', ...place, sig: 'no' }));
}

/** Somebody on the way says how far the log goes: out of thin air, or as the room has signed it in an earlier run. */
export function lieOfHead(world: Machines, { connection, store: { head } }: Client): void {
  const old = world.oldBeats.length > 0 && world.random.chance(0.7) ? world.random.pick(world.oldBeats) : undefined;
  const forged = { seq: 0, head: head + world.random.below(2), headHash: 'lie', sig: 'no' };
  connection?.toClient.push(old ?? encode({ kind: 'heartbeat', ...forged }));
}

/** Some of these names are free, some are another one's. */
export function rename(world: Machines, client: Client): void {
  const name = `n${world.random.below(9)}`;
  world.note(`${client.dev} wants to be ${name}`);
  world.input(client, { type: 'named', name });
}

/** Says what another one never wrote: over a session of its own, or over one it cannot prove. */
export function forge(world: Machines, { connection }: Client): void {
  if (!connection) return;
  const victim = world.random.pick(world.clients);
  if (world.random.chance(0.3)) return impersonate(world, victim);
  const n = (world.serverStore.mark(victim.dev)?.n ?? 0) + 1 + world.random.below(2);
  const id = { dev: victim.dev, n };
  const signed = { lc: 1, ts: 1, key: victim.key, sig: 'no' };
  const forged: Message = { kind: 'message', name: victim.name, text: 'forged', id, ...signed };
  if (rottenIn(world.serverStore).size > 0) return forgeLost(world, connection, forged);
  // Over the victim's own connection it would be its own word.
  if (
    victim.connection !== connection &&
    !world.clients.some((c) => c.key === victim.key && c.connection === connection)
  )
    connection.toServer.push(encode(forged));
}

/** Other words for a place that the server has lost. */
function forgeLost(world: Machines, { toServer }: Connection, forged: Message): void {
  const [seq] = rottenIn(world.serverStore).keys();
  if (seq === undefined) return;
  const [place] = world.serverStore.read(seq, 1);
  const [held] = world.random.pick(world.clients).store.read(seq, 1);
  const right = world.random.chance(0.5) ? held?.message : undefined;
  if (right) return void toServer.push(encode({ ...right, sig: 'no' }));
  toServer.push(encode({ ...forged, ...place?.message, text: 'forged', seq, hash: place?.hash ?? 'h' }));
}

function impersonate(world: Machines, { name, key, dev }: Client): void {
  const stray = new Connection().id;
  const join: Frame = { kind: 'join', name, version: 1, key, dev, cn: 'cn', proof: 'guessed' };
  const id = { dev, n: (world.serverStore.mark(dev)?.n ?? 0) + 1 };
  world.toServer(stray, encode(join));
  world.syncServer();
  world.toServer(
    stray,
    encode({ kind: 'message', name, text: 'stolen', id, lc: 1, ts: 1, key, sig: 'no', first: true }),
  );
  world.toServer(stray, '{"gone":1}');
}
