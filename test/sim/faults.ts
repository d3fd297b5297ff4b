import type * as memory from '../../src/history/memory.ts';
import { decode, encode, seal } from '../../src/protocol/codec.ts';
import type { Frame, Message, Single } from '../../src/protocol/frames.ts';
import { chainHash, signedText, withoutText } from '../../src/protocol/signed.ts';
import { liarsLog } from './checked-disks.ts';
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
  if (store.read(seq - 1, 3).some((place) => place.seq !== seq && !place.message)) return;
  if (rottenIn(store).has(seq - 1) || rottenIn(store).has(seq + 1)) return;
  const damage = world.random.pick(Object.keys(damages));
  const [place] = store.read(seq, 1);
  world.note(`${isServers ? 'server' : client.dev}: ${damage} at ${seq}`);
  if (place?.seq === seq) world.checker.facts.damaged(place.message);
  rot(store, seq, damage);
}

/** Everything of an entry that the chain covers, as somebody on the way may change it. */
export const changes = {
  id: ({ id }) => ({ ...(id && { id: { ...id, n: id.n + 1 } }) }),
  emptied,
  lc: ({ lc = 0 }) => ({ lc: lc + 1 }),
  ts: ({ ts = 0 }) => ({ ts: ts + 1 }),
  in: (message) => ({ in: (message.in ?? 0) + 1 }),
  type: ({ type }) => ({ type: type === 'action' ? 'nothing' : 'action' }),
  name: ({ name }) => ({ name: `${name}x` }),
  words: ({ text, words }) => (words === undefined ? { text: `T${text}` } : { words: words.replace(/^./, '_') }),
  salt: ({ salt, words }) => (words === undefined && salt ? { salt: salt.replace(/^./, '_') } : { lc: 9 }),
  re: ({ id, re }) => ({ ...(id && { re: { dev: id.dev, n: (re?.n ?? 0) + 1 } }) }),
  ext: ({ ext = '' }) => ({ ext: `${ext}x` }),
  key: ({ key }) => ({ key: `${key}x` }),
  void: (message) => ({ void: message.void ? undefined : true }) as Partial<Message>,
  guest: ({ guest }) => ({ guest: guest ? undefined : true }) as Partial<Message>,
  at: ({ at = 0 }) => ({ at: at + 86_400_000 }),
  ago: ({ ago = 0 }) => ({ ago: ago + 86_400_000 }),
} satisfies Record<string, (message: Message) => Partial<Message>>;

/** Without its words, although nobody has erased them: the chain does not tell. */
function emptied(message: Message): Partial<Message> {
  return { ...withoutText(crypto, message), salt: undefined, erased: 'no' } as unknown as Partial<Message>;
}

/** Whoever keeps the room wants some words to go. */
export function erase(world: Machines): void {
  const { first, head } = world.serverStore;
  const seq = Math.max(first, 1) + world.random.below(head - first + 2);
  world.note(`erase ${seq}`);
  world.turn([{ type: 'erase', from: 'keeper', seq }]);
}

/** Somebody has kept what was ever said, and gives it back: with words that are erased, or without those that are not. */
export function giveBackOld(world: Machines, { connection }: Client): void {
  const old = world.remembered;
  if (!connection || old.length === 0) return;
  const lacking = old.filter(({ id }) => id && id.n === (world.serverStore.mark(id.dev)?.n ?? 0) + 1);
  const rotten = old.filter(({ seq = 0, hash }) => rottenIn(world.serverStore).has(seq) && isAt(world, seq, hash));
  const [kind = old] = [rotten, lacking].filter((messages) => messages.length > 0);
  const message = world.random.pick(kind);
  const { seq: _, hash: __, void: ___, guest: ____, ...said } = message;
  const given = rotten.includes(message) ? message : said;
  world.note(`${connection.id} gives back what it should not`);
  const sent = world.random.chance(0.5) ? given : { ...given, ...emptied(given) };
  if (!rotten.includes(message)) world.mallory.giveBack(sent);
  else connection.toServer.push(encode(sent));
}

const isAt = (world: Machines, seq: number, hash: string | undefined) =>
  world.serverStore.read(seq, 1)[0]?.hash === hash;

/** Something else stands in an entry when it arrives, or in the chain behind it, or the entry is gone from its place. */
export function tamper(world: Machines, { connection }: Client, field?: keyof typeof changes): void {
  const at = connection?.toClient.findIndex((data) => data.includes('"e":')) ?? -1;
  if (!connection || at < 0) return;
  const frame = decode(Buffer.from(connection.toClient[at] ?? ''));
  const frames = frame.kind === 'batch' ? frame.frames : [frame as Single];
  const entries = frames.find((part) => part.kind === 'entries');
  const seq = (entries?.from ?? 0) + world.random.below(entries?.rows.length ?? 0);
  const row = entries?.rows.find((one) => one.seq === seq);
  if (!entries || row?.kind !== 'message') return;
  world.note(`tamper with ${connection.id}`);
  world.checker.facts.isTampered = true;
  const dice = field ? 0.5 : world.random.next();
  const change = field ? changes[field] : undefined;
  const [place] = world.serverStore.read(seq, 1);
  if (dice < 0.1) entries.hash = `${entries.hash}x`;
  else if (dice < 0.9)
    entries.rows = entries.rows.with(seq - entries.from, {
      ...row,
      ...(change ?? world.random.pick(Object.values(changes)))(row),
    });
  else if (place)
    entries.rows = entries.rows.with(seq - entries.from, { kind: 'lost', seq, hash: place.hash, sig: 'no' });
  connection.toClient[at] = encode(frame.kind === 'batch' ? frame : entries);
}

/** A signature is another one when it arrives, or is held back, or all of them are. Returns what arrives. */
export function tamperWithSignatures(world: Machines, data: string): string | undefined {
  const frame = decode(Buffer.from(data));
  if (frame.kind !== 'signatures' || !world.random.chance(0.4)) return data;
  world.note('tamper with signatures');
  world.checker.facts.areSignaturesAltered = true;
  const sigs = (frame.sigs ?? []).map((sig) => (world.random.chance(0.5) ? world.random.pick(['', `${sig}x`]) : sig));
  return world.random.chance(0.3) ? undefined : encode({ ...frame, sigs });
}

/** A program of a later version has run with this client's folder, and has left what this one does not know. */
export function writeLater(world: Machines, client: Client): void {
  const { store, dev, name, key } = client;
  if (!store.log) return;
  const waiting = store.pending().flatMap(({ id }) => (id?.dev === dev ? id.n : []));
  const last = Math.max(store.mark(dev)?.n ?? 0, store.given, ...waiting);
  const id = { dev, n: last + 1 };
  const when = {
    lc: Math.max(store.lc, ...store.pending().map(({ lc = 0 }) => lc)) + 1,
    ts: world.nowMs,
    in: store.mark(dev)?.n ?? 0,
    salt,
  };
  const type = world.random.pick(['nothing', 'later']);
  const more = world.random.chance(0.5) ? { re: { dev, n: 1 }, ext: 'more' } : {};
  const message: Message = { kind: 'message', name, text: `hidden${++world.typed}`, id, ...when, type, ...more, key };
  const change = { pending: [{ ...message, sig: signature(key, signedText(crypto, 'room', message)) }] };
  world.note(`a later version writes ${dev}.${id.n}`);
  store.apply(change);
  world.checker.disks.kept(client, change, { log: store.log, head: store.head, nowMs: world.nowMs });
}

/** Everything that a disk holds, as one change; of a damaged one there is no other copy. */
export function takeSnapshot(world: Machines, store: memory.MemoryStore): void {
  if (rottenIn(store).size > 0) return;
  world.checker.log.snapshot();
  const entries = store.read(store.first, 1e9);
  const runs = Array.from({ length: world.serverRuns }, (_, i) => `run${i + 1}`);
  const marks = [...world.clients.map(({ dev }) => dev), ...runs].flatMap((dev) => store.mark(dev) ?? []);
  const restart = { log: store.log, seq: store.first - 1, hash: store.baseHash };
  const erased = [...world.checker.facts.erased].flatMap((id) => store.erasure(id) ?? []);
  world.snapshot = { restart, entries: structuredClone(entries), marks, ranMs: store.ranMs, erased };
}

/** The server's disk as it was at the last snapshot, or empty with a log of another name. */
export function rollBack(world: Machines, emptied = world.random.chance(0.3)): void {
  world.crashServer();
  world.note(emptied ? 'empty disk' : `roll back to ${world.snapshot.entries?.length}`);
  const store = new world.cores.MemoryStore(emptied ? `log-${world.random.below(1e9)}` : world.serverStore.log);
  if (emptied) world.snapshot = {};
  store.apply(world.snapshot);
  world.serverStore = store;
  world.checker.log.rolledBack(emptied);
  world.uploads.rolledBack();
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
  world.note(`${client.id} wants to be ${name}`);
  world.input(client, { type: 'named', name });
}

/** What Mallory says, under a device of another or under her own. */
export function mallorys(said: Pick<Message, 'text' | 'id' | 'lc'>): Message {
  const message: Message = { kind: 'message', name: 'mallory', salt, ts: 1, key: 'kmal', ...said };
  return { ...message, sig: signature('kmal', signedText(crypto, 'room', message)) };
}

/** The log begins with what a server has taken that does not check devices. */
export function claim(store: memory.MemoryStore, dev: string): void {
  const message: Message = { ...mallorys({ text: 'stolen', id: { dev, n: 3 }, lc: 1 }), at: 0 };
  const place = { seq: 1, prev: '', hash: chainHash(crypto, '', message), atMs: 0, ranMs: 0 };
  store.apply({ entries: [{ ...place, message: { ...message, seq: 1, hash: place.hash } }] });
}

/** Other words for a place that the server has lost. */
export function forgeLost(world: Machines, { connection }: Client): void {
  const [seq] = rottenIn(world.serverStore).keys();
  if (seq === undefined || !connection) return;
  const [place] = world.serverStore.read(seq, 1);
  const [held] = world.random.pick(world.clients).store.read(seq, 1);
  const right = world.random.chance(0.5) ? held?.message : undefined;
  const made: Message = { kind: 'message', name: 'n', text: '', id: { dev: 'k0d0', n: 1 }, lc: 1, ts: 1, key: 'k0' };
  const forged = right
    ? { ...right, sig: 'no' }
    : { ...made, ...place?.message, text: 'forged', seq, hash: place?.hash ?? 'h' };
  connection.toServer.push(encode((world.traits.withRot && signedFor(world, seq, place?.hash)) || forged));
}

/** Words that somebody has signed: what stood there before it was erased, or something else. */
function signedFor(world: Machines, seq: number, hash = ''): Message | undefined {
  const [old] = world.remembered.filter((message) => message.seq === seq && message.hash === hash);
  const other = { ...mallorys({ text: 'other', id: { dev: 'kmald', n: seq }, lc: 1 }), seq, hash };
  return world.more.pick([undefined, old, other]);
}

/** One upload vanishes, and those behind it arrive. */
export function loseUpload(world: Machines, { connection }: Client): void {
  const at = connection?.toServer.findIndex((data) => data.startsWith('{"up"')) ?? -1;
  if (!connection || at < 0) return;
  world.note(`lose an upload of ${connection.id}`);
  connection.toServer.splice(at, 1);
}

/** Somebody on the way to the room hears all, and sends what it likes over a connection of somebody else. */
export function meddle(world: Machines, client: Client): void {
  const { connection, dev, key, name } = client;
  const dice = world.random.next();
  if (dice < 0.2) return impersonate(world, client);
  if (!connection) return;
  const pipe = connection.toServer;
  world.note(`meddle with ${connection.id}`);
  const heard = client.overheard[world.random.below(client.overheard.length)];
  if (dice < 0.4 && heard) pipe.push(heard.data);
  else if (dice < 0.45) world.mallory.intrude(client);
  else if (dice < 0.5) pipe.push(...pipe.splice(0, 1));
  else if (dice < 0.6) pipe.push(encode({ kind: 'leave', name }));
  else {
    const id = { dev, n: (world.serverStore.mark(dev)?.n ?? 0) + 1 };
    const forged: Message = { kind: 'message', name, text: 'forged', id, lc: 1, ts: 1, key, sig: 'no' };
    const k = world.uploads.next(connection.id);
    const upload: Frame = { kind: 'upload', k, messages: [forged] };
    pipe.unshift(dice < 0.8 ? encode(upload) : seal(upload, () => 'guessed'.padEnd(22, '-')));
  }
}

/** Comes in under the name of somebody whose key it does not have. */
function impersonate(world: Machines, { name, key, dev }: Client): void {
  const stray = new Connection().id;
  const join: Frame = { kind: 'join', name, version: 1, key, dev, cn: 'cn' };
  world.toServer(stray, encode(join));
  world.toServer(stray, encode({ ...join, proof: 'guessed' }));
  world.syncServer();
  world.toServer(stray, '{"gone":1}');
}
