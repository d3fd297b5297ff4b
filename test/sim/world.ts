import type { Crypto } from '../../src/core/crypto.ts';
import type { ChatEvent } from '../../src/core/events.ts';
import type { Change } from '../../src/core/log/store.ts';
import type * as members from '../../src/core/member/member.ts';
import type * as rooms from '../../src/core/room/room.ts';
import { type Input, type Now, type Send, theLink } from '../../src/core/turn.ts';
import type { ChatError } from '../../src/errors.ts';
import type * as memory from '../../src/history/memory.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import type { Frame, Message } from '../../src/protocol/frames.ts';
import { Checker, Violation } from './checker.ts';
import { Random } from './random.ts';
import { damages, rot, rottenIn } from './rot.ts';

/** The program under test: the real cores, or mutants of them. */
export type Cores = {
  Room: typeof rooms.Room;
  Member: typeof members.Member;
  MemoryStore: typeof memory.MemoryStore;
};
export type WorldOptions = { seed: number; steps: number };

/** Nothing here is secret, but a signature is still only right for its key and text. */
const hash = (text: string): string => {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0).toString(36);
};
const signature = (key: string, text: string) => hash(`${key} ${text}`);
const crypto: Crypto = { hash, verify: (key, text, sig) => sig === signature(key, text) };
const flow = { windowEntries: 6, batchEntries: 3, batchBytes: 4_000 };
const tooLong = 'x'.repeat(5_000);

/** One TCP connection with what is in its pipes, in order. */
class Connection {
  static #next = 0;
  readonly id = `r${++Connection.#next}`;
  readonly toServer: string[] = [];
  readonly toClient: string[] = [];
}

class Client {
  readonly name: string;
  readonly key: string;
  readonly dev: string;
  readonly store: memory.MemoryStore;
  session: members.Member | undefined;
  connection: Connection | undefined;
  /** Frames the socket kept from before a reconnect: they arrive first. */
  stale: string[] = [];
  /** What was given to the output, and what it has not taken yet. */
  output: { place: number; event: ChatEvent }[] = [];
  /** Its output takes nothing by itself. */
  isHeld: boolean;
  /** What shares a turn with whatever happens next. */
  later: Input[] = [];
  run = 0;

  constructor(name: string, dev: string, key: string, store: memory.MemoryStore, isHeld = false) {
    this.name = name;
    this.dev = dev;
    this.key = key;
    this.store = store;
    this.isHeld = isHeld;
  }
}

/** A client of the original: it knows nothing and forgives nothing. */
class Legacy {
  readonly name: string;
  connection: Connection | undefined;
  /** What it said, and was sent, over this connection. */
  readonly said = new Set<string>();
  readonly heard: string[] = [];
  /** The head of the log when it was greeted there. */
  since: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  connect(): Connection {
    this.said.clear();
    this.heard.length = 0;
    this.since = undefined;
    this.connection = new Connection();
    return this.connection;
  }
}

/**
 * Some clients, a server, and a network that delays, cuts, drops tails and keeps stale frames; programs that are
 * killed, disks that are slow, a server's disk that goes back in time. Everything happens by the seed.
 */
export class World {
  readonly random: Random;
  readonly checker: Checker;
  readonly #cores: Cores;
  readonly #steps: number;
  readonly #clients: Client[];
  readonly #legacies: Legacy[];
  readonly #withRollback: boolean;
  readonly #retention: { entries: number; ageMs: number };
  #server: { room: rooms.Room; commits: Change[] } | undefined;
  #serverStore: memory.MemoryStore;
  #snapshot: Change = {};
  #run = 0;
  #typed = 0;
  #nowMs = 1_000_000;
  /** By how much the machines' clocks are wrong. */
  #wrongMs = 0;
  #isHealing = false;
  readonly trace: string[] = [];
  /** Whose a connection is or was. */
  readonly #deviceOf = new Map<string, string>();
  /** Where its readers stood before a frame was sent. */
  readonly #sentFrom = new Map<string, Send['before']>();

  constructor(cores: Cores, { seed, steps }: WorldOptions) {
    this.#cores = cores;
    this.#steps = steps;
    this.random = new Random(seed);
    this.#serverStore = new cores.MemoryStore(`log${seed}`);
    const count = 2 + this.random.below(4);
    const people = Array.from({ length: count }, (_, i) => {
      // Now and then two clients are one person: one key, two devices.
      const person = i > 0 && this.random.chance(0.15) ? i - 1 : i;
      return new Client(`n${person}`, `d${i}`, `k${person}`, new cores.MemoryStore(), this.random.chance(0.15));
    });
    this.#clients = people;
    this.#legacies = this.random.chance(0.3) ? [new Legacy('old')] : [];
    this.#withRollback = this.random.chance(0.25);
    this.#retention = { entries: this.random.chance(0.3) ? 12 : 1e9, ageMs: this.random.chance(0.1) ? 200_000 : 1e15 };
    this.checker = new Checker(this.#withRollback, this.#retention.ageMs < 1e15, crypto);
  }

  /** Runs the faults, then heals the world and checks that all agree. Throws what is violated. */
  run(): void {
    for (const client of this.#clients) this.#start(client);
    this.#startServer();
    if (this.random.chance(0.8)) for (const client of this.#clients) this.#calm(client);
    for (let step = 0; step < this.#steps; step++) this.#step();
    if (this.random.chance(0.2)) this.#lastWords(this.random.pick(this.#clients));
    this.#heal();
  }

  /** Everything is quiet, somebody says one more thing, and just that is lost on its way, there or back. */
  #lastWords(client: Client): void {
    this.#startServer();
    for (const other of [...this.#clients, ...this.#clients]) this.#calm(other);
    this.#type(client);
    if (this.random.chance(0.5)) client.connection?.toServer.splice(0);
    this.#flushSide(client);
    while (this.#server && this.#server.commits.length > 0) this.#commitServer(this.#server);
    for (const other of this.#clients) if (other !== client) other.connection?.toClient.splice(0);
  }

  #step(): void {
    const { random } = this;
    const client = random.pick(this.#clients);
    for (const legacy of this.#legacies) if (random.chance(0.06)) return this.#legacyActs(legacy);
    const dice = random.next();
    if (dice < 0.03) this.#printSome(client);
    else if (dice < 0.2) this.#deliver(random);
    else if (dice < 0.34) this.#calm(client);
    else if (dice < 0.5) this.#type(client);
    else if (dice < 0.56) this.#commit();
    else if (dice < 0.64) this.#deliver(random);
    else if (dice < 0.76) this.#connect(client);
    else if (dice < 0.84) this.#advance(random.pick([10, 50, 600, 2_600, 9_000, 61_000]));
    else if (dice < 0.89) this.#cut(client);
    else if (dice < 0.92) this.#loseTail(client);
    else if (dice < 0.935) this.#stop(client);
    else if (dice < 0.95) this.#start(client);
    else if (dice < 0.96) this.#crashServer();
    else if (dice < 0.975) this.#startServer();
    else this.#rarely(client);
  }

  #rarely(client: Client): void {
    const { random } = this;
    const dice = random.next();
    if (dice < 0.45) this.#forge(client);
    else if (dice < 0.55) this.#fail(client);
    else if (dice < 0.6) client.isHeld = !client.isHeld;
    else if (dice < 0.7) this.#rename(client);
    else if (dice < 0.74) this.#damage(client);
    else if (dice < 0.76) this.#tamper(client);
    else if (dice < 0.79) this.#wrongMs = random.pick([-86_400_000, 31 * 86_400_000, -1e12]);
    else if (this.#withRollback && dice < 0.86) this.#takeSnapshot(this.#serverStore);
    else if (this.#withRollback && dice < 0.97) this.#rollBack();
  }

  // Programs

  #start(client: Client, history = 0): void {
    if (client.session) return;
    this.#note(`start ${client.dev}`);
    const { name, dev, key, store } = client;
    const identity = { key, sign: (text: string) => signature(key, text) };
    const wishes = { history, replay: true, maxReplay: 1e9, maxKept: 1e9 };
    client.run++;
    client.session = new this.#cores.Member({ name, dev, identity, crypto, flow, ...wishes }, store);
    this.checker.started(client.dev);
  }

  /** Killed: what was not on disk is gone. */
  #stop(client: Client): void {
    if (!client.session) return;
    this.#note(`kill ${client.dev}`);
    client.session = undefined;
    // What the output has not taken goes with the program.
    client.output = [];
    client.later = [];
    client.stale = [];
    this.#disconnect(client, 0);
  }

  #startServer(): void {
    if (this.#server) return;
    this.#note('start server');
    const options = {
      name: 'server',
      retention: this.#retention,
      dev: `run${++this.#run}`,
      nonce: (id: string) => `nonce-${id}`,
      crypto,
      flow,
    };
    this.#server = { room: new this.#cores.Room(options, this.#serverStore), commits: [] };
  }

  #crashServer(): void {
    if (!this.#server) return;
    this.#note('kill server');
    this.#server = undefined;
    for (const side of [...this.#clients, ...this.#legacies]) this.#cutSide(side);
  }

  /** The server's disk as it was at the last snapshot, or empty with a log of another name. */
  #rollBack(): void {
    this.#crashServer();
    const emptied = this.random.chance(0.3);
    this.#note(emptied ? 'empty disk' : `roll back to ${this.#snapshot.entries?.length}`);
    const store = new this.#cores.MemoryStore(emptied ? `log-${this.random.below(1e9)}` : this.#serverStore.log);
    if (emptied) this.#snapshot = {};
    store.apply(this.#snapshot);
    this.#serverStore = store;
    this.checker.rolledBack(emptied, this.#nowMs);
  }

  // Network

  #connect(client: Client): void {
    if (!client.session || client.connection || !this.#server) return;
    const connection = new Connection();
    this.#deviceOf.set(connection.id, client.dev);
    this.#note(`connect ${client.dev} as ${connection.id}`);
    connection.toServer.push(...client.stale.splice(0));
    client.connection = connection;
    this.#input(client, { type: 'connected', from: theLink });
  }

  #cut(client: Client): void {
    if (client.connection) this.#cutSide(client);
  }

  #cutSide(side: Client | Legacy): void {
    if (side instanceof Client) this.#disconnect(side, this.random.below(4));
    else side.connection = undefined;
  }

  /** The connection ends; the last `kept` frames were still in the client's socket and go out on the next one. */
  #disconnect(client: Client, kept: number): void {
    const { connection } = client;
    if (!connection) return;
    this.#note(`cut ${client.dev}`);
    client.connection = undefined;
    const delivered = this.random.below(connection.toServer.length + 1);
    for (const data of connection.toServer.slice(0, delivered)) this.#toServer(connection.id, data);
    if (client.session && kept > 0) client.stale = connection.toServer.slice(delivered).slice(-kept);
    this.#toServer(connection.id, '{"gone":1}');
    if (!client.session) return;
    const arrived = this.random.below(connection.toClient.length + 1);
    for (const data of connection.toClient.slice(0, arrived)) this.#toClient(client, data);
    this.#input(client, { type: 'disconnected', from: theLink });
  }

  /** Frames vanish without a sign. */
  #loseTail({ connection }: Client): void {
    if (!connection) return;
    const pipe = this.random.chance(0.5) ? connection.toClient : connection.toServer;
    const lost = pipe.splice(this.random.below(pipe.length + 1));
    if (lost.length > 0) this.#note(`lose ${lost.length} frames of ${connection.id}`);
  }

  #deliver(random: Random): void {
    const side = random.pick<Client | Legacy>([...this.#clients, ...this.#legacies]);
    const { connection } = side;
    if (!connection) return;
    const count = 1 + random.below(4);
    if (random.chance(0.5))
      for (const data of connection.toServer.splice(0, count)) this.#toServer(connection.id, data);
    else for (const data of connection.toClient.splice(0, count)) this.#toSide(side, data);
  }

  /** A quiet moment for one client and the server: everything under way between them arrives and is kept. */
  #calm(client: Client): void {
    this.#connect(client);
    for (let round = 0; round < 3; round++) {
      this.#flushSide(client);
      if (this.random.chance(0.8))
        while (this.#server && this.#server.commits.length > 0) this.#commitServer(this.#server);
    }
  }

  #toServer(from: string, data: string): void {
    this.#note(`${from} -> ${data}`);
    const frame = decode(Buffer.from(data));
    const dev = this.#deviceOf.get(from);
    if (dev && frame.kind === 'message' && frame.first && frame.id) {
      const skips = frame.id.n > (this.#serverStore.mark(frame.id.dev)?.n ?? 0) + 1;
      if (frame.id.dev !== dev) this.checker.overtook(frame.id, this.#nowMs);
      else if (skips && this.#withRollback && !this.#isUntrimmed) this.checker.skipped(frame.id);
    }
    this.#turn([{ type: 'frame', from, frame }]);
  }

  #toSide(side: Client | Legacy, data: string): void {
    if (side instanceof Client) this.#toClient(side, data);
    else this.checker.legacyReceived(side, data, this.#serverStore.head);
  }

  #toClient(client: Client, data: string): void {
    this.#note(`${client.dev} <- ${data}`);
    if (client.output.length > 0 && this.random.chance(0.2)) this.#printSome(client);
    this.#input(client, { type: 'frame', from: theLink, frame: decode(Buffer.from(data)) });
  }

  /** The server's socket could not take a frame. */
  #fail({ connection }: Client | Legacy): void {
    if (!connection) return;
    const lost = connection.toClient.pop();
    if (lost === undefined) return;
    this.#note(`full ${connection.id}`);
    const before = this.#sentFrom.get(lost);
    const sent = { type: 'send' as const, to: [connection.id], data: lost, ...(before && { before }) };
    this.#turn([{ type: 'full', from: connection.id, sent }]);
  }

  // Disks

  #commit(): void {
    if (this.#server) this.#commitServer(this.#server);
  }

  #commitServer(server: { commits: Change[] }): void {
    const change = server.commits.shift();
    if (!change) return;
    this.checker.trimmed(this.#serverStore, change, this.#retention, this.#nowMs);
    this.#serverStore.apply(change);
    this.checker.stored(change);
    this.#turn([{ type: 'committed', change }]);
  }

  /** Written at once, or never: now and then the program is killed while it writes. */
  #commitClient(client: Client, change: Change): void {
    this.#note(`${client.dev} keeps ${Object.keys(change)} ${JSON.stringify(change.pending?.map((m) => m.id) ?? '')}`);
    const isKilled = !this.#isHealing && this.random.chance(0.02);
    if (isKilled && this.random.chance(0.5)) return this.#stop(client);
    client.store.apply(change);
    this.checker.kept(client.dev, change);
    if (isKilled) return this.#stop(client);
    this.#input(client, { type: 'committed', change });
  }

  // Outputs

  /** The output takes a part of what was given to it: what it took was shown. */
  #printSome(client: Client): void {
    this.#print(client, 1 + this.random.below(4));
  }

  #print(client: Client, count: number): void {
    const taken = client.output.splice(0, count);
    for (const { event } of taken)
      if (event.type === 'message') this.checker.shown(client.dev, event, this.#serverStore);
    const last = taken.at(-1);
    if (!last) return;
    const shown: Input = { type: 'shown', place: last.place };
    if (this.random.chance(0.3)) client.later.push(shown);
    else this.#input(client, shown);
  }

  /** The bits of a place flip, at the server while it is down, or at a client. */
  #damage(client: Client): void {
    const isServers = this.random.chance(0.6);
    const store = isServers ? this.#serverStore : client.store;
    if (store.head < store.first) return;
    if (isServers) this.#crashServer();
    else this.#stop(client);
    const seq = store.first + this.random.below(store.head - store.first + 1);
    // Of two damaged neighbours nobody can say for sure what the chain was between them.
    if (rottenIn(store).has(seq - 1) || rottenIn(store).has(seq + 1)) return;
    const damage = this.random.pick(Object.keys(damages));
    const [place] = store.read(seq, 1);
    this.#note(`${isServers ? 'server' : client.dev}: ${damage} at ${seq}`);
    if (place?.seq === seq) this.checker.damaged(this.#nowMs, place.message);
    rot(store, seq, damage);
  }

  /** Other words stand in an entry when it arrives. Its author, who lets go of it then, does not hold what it wrote. */
  #tamper({ connection, dev }: Client): void {
    const at = connection?.toClient.findIndex((data) => data.includes('"h":') && data.includes('"text":"t')) ?? -1;
    if (!connection || at < 0) return;
    this.#note(`tamper with ${connection.id}`);
    const data = connection.toClient[at] ?? '';
    connection.toClient[at] = data.replace('"text":"t', '"text":"T');
    const frame = decode(Buffer.from(data));
    const entries = (frame.kind === 'batch' ? frame.frames : [frame]).filter((part) => part.kind === 'message');
    const altered = entries.find(({ text }) => text.startsWith('t'));
    this.checker.damaged(this.#nowMs, altered?.id?.dev === dev ? altered : undefined);
  }

  /** Everything that a disk holds, as one change; of a damaged one there is no other copy. */
  #takeSnapshot(store: memory.MemoryStore): void {
    if (rottenIn(store).size > 0) return;
    this.checker.snapshot();
    const entries = store.read(store.first, 1e9);
    const marks = this.#clients.flatMap(({ dev }) => store.mark(dev) ?? []);
    const restart = { log: store.log, seq: store.first - 1, hash: store.baseHash };
    this.#snapshot = { restart, entries: structuredClone(entries), marks, ranMs: store.ranMs };
  }

  // People

  #type(client: Client): void {
    if (!client.session) return;
    const refused = this.random.chance(0.03);
    this.#note(`${client.dev} types`);
    const text = refused ? tooLong : `t${++this.#typed}`;
    this.#input(client, { type: 'typed', text, ...(this.random.chance(0.1) && { action: true }) });
  }

  /** Some of these names are free, some are another one's. */
  #rename(client: Client): void {
    const name = `n${this.random.below(9)}`;
    this.#note(`${client.dev} wants to be ${name}`);
    this.#input(client, { type: 'named', name });
  }

  /** Who has no name left takes one that nobody else has. */
  #failed(client: Client, { code, message }: ChatError): void {
    if (code !== 'NAME_REFUSED') throw new Violation('P30', `${client.dev} ends: ${message}`);
    this.#input(client, { type: 'named', name: `n${this.#clients.indexOf(client)} the ${++this.#typed}th` });
  }

  #legacyActs(legacy: Legacy): void {
    if (!this.#server) return;
    if (legacy.connection && this.random.chance(0.4)) return this.#fail(legacy);
    if (legacy.connection && this.random.chance(0.2)) return this.#leaves(legacy, legacy.connection);
    const { toServer } = legacy.connection ?? legacy.connect();
    const text = `old${++this.#typed}`;
    if (this.random.chance(0.3)) toServer.push(encode({ kind: 'join', name: legacy.name }));
    else toServer.push(encode({ kind: 'message', name: legacy.name, text }));
    legacy.said.add(text);
  }

  #leaves(legacy: Legacy, { id }: Connection): void {
    legacy.connection = undefined;
    this.#toServer(id, '{"gone":1}');
  }

  /** Says what another one never wrote: over a session of its own, or over one it cannot prove. */
  #forge({ connection }: Client): void {
    if (!connection) return;
    const victim = this.random.pick(this.#clients);
    if (this.random.chance(0.3)) return this.#impersonate(victim);
    const n = (this.#serverStore.mark(victim.dev)?.n ?? 0) + 1 + this.random.below(2);
    const id = { dev: victim.dev, n };
    const signed = { lc: 1, ts: 1, key: victim.key, sig: 'no' };
    const forged: Message = { kind: 'message', name: victim.name, text: 'forged', id, ...signed };
    if (rottenIn(this.#serverStore).size > 0) return this.#forgeLost(connection, forged);
    // Over the victim's own connection it would be its own word.
    if (
      victim.connection !== connection &&
      !this.#clients.some((c) => c.key === victim.key && c.connection === connection)
    )
      connection.toServer.push(encode(forged));
  }

  /** Other words for a place that the server has lost. */
  #forgeLost({ toServer }: Connection, forged: Message): void {
    const [seq] = rottenIn(this.#serverStore).keys();
    if (seq === undefined) return;
    const [place] = this.#serverStore.read(seq, 1);
    toServer.push(encode({ ...forged, ...place?.message, text: 'forged', seq, hash: place?.hash ?? 'h' }));
  }

  #impersonate({ name, key, dev }: Client): void {
    const stray = new Connection().id;
    const join: Frame = { kind: 'join', name, version: 1, key, dev, proof: 'guessed' };
    const id = { dev, n: (this.#serverStore.mark(dev)?.n ?? 0) + 1 };
    this.#toServer(stray, encode(join));
    while (this.#server && this.#server.commits.length > 0) this.#commitServer(this.#server);
    this.#toServer(
      stray,
      encode({ kind: 'message', name, text: 'stolen', id, lc: 1, ts: 1, key, sig: 'no', first: true }),
    );
    this.#toServer(stray, '{"gone":1}');
  }

  // Turning

  /** No place of the log is ever given up. */
  get #isKeptWhole(): boolean {
    return !this.#withRollback && this.#isUntrimmed;
  }

  get #isUntrimmed(): boolean {
    return this.#retention.entries === 1e9 && this.#retention.ageMs === 1e15;
  }

  get #now(): Now {
    return { ms: this.#nowMs, wallMs: this.#nowMs + this.#wrongMs };
  }

  #advance(ms: number): void {
    this.#nowMs += ms;
    this.#turn([{ type: 'tick' }]);
    for (const client of this.#clients) this.#input(client, { type: 'tick' });
  }

  #turn(inputs: Input[]): void {
    const server = this.#server;
    if (!server) return;
    for (const effect of server.room.turn(inputs, this.#now)) {
      if (effect.type === 'commit') this.#decided(server.commits, effect.change);
      if (effect.type !== 'send') continue;
      if (effect.before) this.#sentFrom.set(effect.data, effect.before);
      this.#checkWelcome(effect);
      for (const to of effect.to) this.#pipeTo(to)?.push(effect.data);
    }
    if (server.commits.length > 1) throw new Violation('L1', 'two changes are under way');
    this.checker.bounded(
      this.#clients.map(({ connection }) => connection?.toClient ?? []),
      flow,
    );
  }

  #decided(commits: Change[], change: Change): void {
    commits.push(change);
    this.checker.decided(change, this.#nowMs);
  }

  #checkWelcome({ to, data }: Send): void {
    const welcomed = data.startsWith('{"welcome"') && this.#clients.find(({ connection }) => connection?.id === to[0]);
    const frame = decode(Buffer.from(data));
    if (welcomed && frame.kind === 'welcome') this.checker.named(welcomed.key, frame.who ?? '', this.#serverStore);
  }

  #pipeTo(id: string): string[] | undefined {
    const sides = [...this.#clients, ...this.#legacies];
    return sides.find(({ connection }) => connection?.id === id)?.connection?.toClient;
  }

  #input(client: Client, input: Input): void {
    if (!client.session) return;
    const changes: Change[] = [];
    let isHungUp = false;
    for (const effect of client.session.turn([...client.later.splice(0), input], this.#now)) {
      if (effect.type === 'commit') {
        changes.push(effect.change);
        for (const message of effect.change.pending ?? []) this.checker.typed(client.dev, message);
      } else if (effect.type === 'send') this.#send(client, effect.data);
      else if (effect.type === 'show') this.#show(client, effect.event, effect.place);
      else if (effect.type === 'hangUp') isHungUp = true;
      else if (effect.type === 'fail') this.#failed(client, effect.error);
    }
    if (changes.length > 1) throw new Violation('K4', `${client.dev} has two changes under way`);
    for (const change of changes) this.#commitClient(client, change);
    // What comes of a turn comes after its change: nothing happens before that is on disk.
    if (isHungUp) this.#cut(client);
    if (!client.session) return;
    if (!client.isHeld && client.output.length > 0) this.#print(client, client.output.length);
  }

  #send(client: Client, data: string): void {
    const frame = decode(Buffer.from(data)) as Frame;
    this.checker.sent(client.dev, frame, client.store);
    if (frame.kind === 'ack' && this.#isKeptWhole) this.checker.acknowledged(client.dev, frame.seq, client.output);
    client.connection?.toServer.push(data);
  }

  /** Most outputs take everything at once. */
  #show(client: Client, event: ChatEvent, place: number | undefined): void {
    if (event.type === 'message' && place === undefined) this.checker.mended(client.dev, event);
    if (place !== undefined) client.output.push({ place, event });
  }

  /** No more faults: everybody comes, and everything that is under way arrives. */
  #heal(): void {
    this.#note('heal');
    this.#isHealing = true;
    if (this.#withRollback && this.random.chance(0.3)) this.#loseForGood(this.random.pick(this.#clients));
    this.#startServer();
    for (const client of this.#clients) {
      this.#start(client);
      client.isHeld = false;
    }
    // Who has never met the server may not ask it twice on one connection: it could be the original's.
    for (const client of this.#clients) if (client.store.log === '') this.#cut(client);
    this.#settle(30);
    // Whoever starts again must be who it was.
    for (const client of this.random.chance(0.3) ? this.#clients : []) {
      if (this.random.chance(0.5)) this.#cut(client);
      else this.#stop(client);
      this.#start(client);
    }
    // Somebody new reads all there is, and so comes upon what is damaged.
    const newcomer = new Client('new', 'new', 'knew', new this.#cores.MemoryStore());
    this.#clients.push(newcomer);
    this.#start(newcomer, 1e9);
    this.#settle(8);
    this.checker.healed(this.#serverStore, this.#clients);
    // A question may be lost, but it is asked again.
    this.#advance(61_000);
    this.#settle(8);
    this.checker.whole(this.#serverStore, this.#clients);
    for (const legacy of this.#legacies) if (legacy.connection) this.checker.heardAll(legacy, this.#serverStore);
    if (this.#retention.ageMs < 1e15) this.#linger();
  }

  /** Everybody is there and silent, for longer than names are kept without an owner who is there. */
  #linger(): void {
    for (let ms = 0; ms < 2 * this.#retention.ageMs; ms += 5_000) {
      this.#advance(5_000);
      for (const side of [...this.#clients, ...this.#legacies]) this.#flushSide(side);
      while (this.#server && this.#server.commits.length > 0) this.#commitServer(this.#server);
    }
    for (const { key, session } of this.#clients)
      if (session?.online) this.checker.named(key, session.name, this.#serverStore, this.#retention.ageMs);
  }

  /** Somebody never comes back: the others have what they read of it. */
  #loseForGood(client: Client): void {
    this.#stop(client);
    this.#clients.splice(this.#clients.indexOf(client), 1);
    this.checker.lostForGood(client.dev);
  }

  /** So many rounds at least: what was lost must be missed first. */
  #settle(rounds: number): void {
    for (let round = 0; round < 400; round++) {
      for (const client of this.#clients) this.#connect(client);
      for (const side of [...this.#clients, ...this.#legacies]) this.#flushSide(side);
      while (this.#server && this.#server.commits.length > 0) this.#commitServer(this.#server);
      this.#advance(500);
      if (round > rounds && this.#isQuiet) break;
    }
  }

  #flushSide(side: Client | Legacy): void {
    const { connection } = side;
    if (!connection) return;
    for (const data of connection.toServer.splice(0)) this.#toServer(connection.id, data);
    for (const data of connection.toClient.splice(0)) this.#toSide(side, data);
  }

  /** Nothing is under way but heartbeats, and everybody is at the end of the log. */
  get #isQuiet(): boolean {
    const pipes = this.#clients.flatMap(({ connection }) => [connection?.toServer ?? [], connection?.toClient ?? []]);
    const isBusy = pipes.flat().some((data) => !/^{"(hb|ack)"/.test(data)) || this.#server?.commits.length !== 0;
    const { head } = this.#serverStore;
    return !isBusy && this.#clients.every(({ store }) => store.head === head && store.pending().length === 0);
  }

  #note(line: string): void {
    if (this.tracing) this.trace.push(`${this.#nowMs} ${line}`);
  }

  tracing = false;
}
