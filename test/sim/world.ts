import type { Crypto } from '../../src/core/crypto.ts';
import type { ChatEvent } from '../../src/core/events.ts';
import type { Change, Entry } from '../../src/core/log/store.ts';
import type * as sessions from '../../src/core/member/session.ts';
import type * as rooms from '../../src/core/room/room.ts';
import type { ConversationInput } from '../../src/core/turn.ts';
import type { ChatError } from '../../src/errors.ts';
import type * as memory from '../../src/history/memory.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import type { Frame, Message } from '../../src/protocol/frames.ts';
import { Checker, Violation } from './checker.ts';
import { Random } from './random.ts';

/** The program under test: the real cores, or mutants of them. */
export type Cores = {
  Room: typeof rooms.Room;
  Session: typeof sessions.Session;
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
  session: sessions.Session | undefined;
  connection: Connection | undefined;
  /** Frames the socket kept from before a reconnect: they arrive first. */
  stale: string[] = [];
  commits: Change[] = [];
  run = 0;

  constructor(name: string, dev: string, key: string, store: memory.MemoryStore) {
    this.name = name;
    this.dev = dev;
    this.key = key;
    this.store = store;
  }
}

/** A client of the original: it knows nothing and forgives nothing. */
class Legacy {
  readonly name: string;
  connection: Connection | undefined;

  constructor(name: string) {
    this.name = name;
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
  #snapshot: Entry[] = [];
  #run = 0;
  #typed = 0;
  #nowMs = 1_000_000;
  readonly trace: string[] = [];
  /** Whose a connection is or was. */
  readonly #deviceOf = new Map<string, string>();

  constructor(cores: Cores, { seed, steps }: WorldOptions) {
    this.#cores = cores;
    this.#steps = steps;
    this.random = new Random(seed);
    this.#serverStore = new cores.MemoryStore(`log${seed}`);
    const count = 2 + this.random.below(4);
    const people = Array.from({ length: count }, (_, i) => {
      // Now and then two clients are one person: one key, two devices.
      const person = i > 0 && this.random.chance(0.15) ? i - 1 : i;
      return new Client(`n${person}`, `d${i}`, `k${person}`, new cores.MemoryStore());
    });
    this.#clients = people;
    this.#legacies = this.random.chance(0.3) ? [new Legacy('old')] : [];
    this.#withRollback = this.random.chance(0.25);
    this.#retention = { entries: !this.#withRollback && this.random.chance(0.3) ? 12 : 1e9, ageMs: 1e15 };
    this.checker = new Checker(this.#withRollback);
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
    while (client.commits.length > 0) this.#commitClient(client);
    if (this.random.chance(0.5)) client.connection?.toServer.splice(0);
    this.#flushSide(client);
    while (this.#server && this.#server.commits.length > 0) this.#commitServer(this.#server);
    for (const other of this.#clients) if (other !== client) other.connection?.toClient.splice(0);
  }

  #step(): void {
    const { random } = this;
    const client = random.pick(this.#clients);
    const dice = random.next();
    if (dice < 0.2) this.#deliver(random);
    else if (dice < 0.34) this.#calm(client);
    else if (dice < 0.5) this.#type(client);
    else if (dice < 0.64) this.#commit(random);
    else if (dice < 0.76) this.#connect(client);
    else if (dice < 0.84) this.#advance(random.pick([10, 50, 600, 2_600, 9_000, 61_000]));
    else if (dice < 0.89) this.#cut(client);
    else if (dice < 0.92) this.#loseTail(client);
    else if (dice < 0.94) this.#stop(client);
    else if (dice < 0.96) this.#start(client);
    else if (dice < 0.97) this.#crashServer();
    else if (dice < 0.985) this.#startServer();
    else this.#rarely(client);
  }

  #rarely(client: Client): void {
    const { random } = this;
    const dice = random.next();
    if (dice < 0.3) for (const legacy of this.#legacies) this.#legacyActs(legacy);
    else if (dice < 0.45) this.#forge(client);
    else if (dice < 0.6) this.#fail(client);
    else if (dice < 0.7) this.#rename(client);
    else if (this.#withRollback && dice < 0.8) this.#snapshot = this.#serverStore.read(1, 1e9);
    else if (this.#withRollback && dice < 0.95) this.#rollBack();
  }

  // Programs

  #start(client: Client): void {
    if (client.session) return;
    this.#note(`start ${client.dev}`);
    const { name, dev, key, store } = client;
    const identity = { key, sign: (text: string) => signature(key, text) };
    const wishes = { history: 0, replay: true, maxReplay: 1e9, maxKept: 1e9 };
    client.run++;
    client.session = new this.#cores.Session({ name, dev, identity, crypto, flow, ...wishes }, store);
    this.checker.started(client.dev, client.run);
  }

  /** Killed: what was not on disk is gone. */
  #stop(client: Client): void {
    if (!client.session) return;
    this.#note(`kill ${client.dev}`);
    client.session = undefined;
    client.commits = [];
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
    this.#note(emptied ? 'empty disk' : `roll back to ${this.#snapshot.length}`);
    const store = new this.#cores.MemoryStore(emptied ? `log-${this.random.below(1e9)}` : this.#serverStore.log);
    if (emptied) this.#snapshot = [];
    store.apply({ entries: this.#snapshot });
    this.#serverStore = store;
    this.checker.rolledBack();
  }

  // Network

  #connect(client: Client): void {
    if (!client.session || client.connection || !this.#server) return;
    const connection = new Connection();
    this.#deviceOf.set(connection.id, client.dev);
    this.#note(`connect ${client.dev} as ${connection.id}`);
    connection.toServer.push(...client.stale.splice(0));
    client.connection = connection;
    this.#input(client, { type: 'connected' });
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
    this.#input(client, { type: 'disconnected' });
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
      if (this.random.chance(0.8)) while (client.commits.length > 0) this.#commitClient(client);
    }
  }

  #toServer(from: string, data: string): void {
    this.#note(`${from} -> ${data}`);
    const frame = decode(Buffer.from(data));
    if (frame.kind === 'message' && frame.first && frame.id && frame.id.dev !== this.#deviceOf.get(from))
      this.checker.overtook(frame.id);
    this.#turn([{ type: 'frame', from, frame }]);
  }

  #toSide(side: Client | Legacy, data: string): void {
    if (side instanceof Client) this.#toClient(side, data);
    else this.checker.legacyReceived(data);
  }

  #toClient(client: Client, data: string): void {
    this.#note(`${client.dev} <- ${data}`);
    this.#input(client, { type: 'frame', frame: decode(Buffer.from(data)) });
  }

  /** The server's socket could not take a frame. */
  #fail({ connection }: Client): void {
    if (!connection) return;
    const lost = connection.toClient.pop();
    if (lost === undefined) return;
    this.#note(`full ${connection.id}`);
    this.#turn([{ type: 'full', to: connection.id }]);
  }

  // Disks

  #commit(random: Random): void {
    if (this.#server && random.chance(0.4)) return this.#commitServer(this.#server);
    const client = random.pick(this.#clients);
    this.#commitClient(client);
  }

  #commitServer(server: { commits: Change[] }): void {
    const change = server.commits.shift();
    if (!change) return;
    this.#serverStore.apply(change);
    this.checker.stored(change.entries ?? [], this.#serverStore.log);
    this.#turn([{ type: 'committed', change }]);
  }

  #commitClient(client: Client): void {
    const change = client.commits.shift();
    if (!change) return;
    this.#note(`${client.dev} keeps ${Object.keys(change)} ${JSON.stringify(change.pending?.map((m) => m.id) ?? '')}`);
    client.store.apply(change);
    this.checker.kept(change);
    this.#input(client, { type: 'committed', change });
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
    legacy.connection ??= new Connection();
    if (this.random.chance(0.3)) legacy.connection.toServer.push(encode({ kind: 'join', name: legacy.name }));
    else legacy.connection.toServer.push(encode({ kind: 'message', name: legacy.name, text: `old${++this.#typed}` }));
  }

  /** Says what another one never wrote: over a session of its own, or over one it cannot prove. */
  #forge({ connection }: Client): void {
    if (!connection) return;
    const victim = this.random.pick(this.#clients);
    if (this.random.chance(0.3)) return this.#impersonate(victim);
    const n = (this.#serverStore.mark(victim.dev)?.n ?? 0) + 1 + this.random.below(2);
    const id = { dev: victim.dev, n };
    const forged: Message = {
      kind: 'message',
      name: victim.name,
      text: 'forged',
      id,
      lc: 1,
      ts: 1,
      key: victim.key,
      sig: 'no',
    };
    // Over the victim's own connection it would be its own word.
    if (
      victim.connection !== connection &&
      !this.#clients.some((c) => c.key === victim.key && c.connection === connection)
    )
      connection.toServer.push(encode(forged));
  }

  #impersonate({ name, key, dev }: Client): void {
    const stray = new Connection().id;
    const join: Frame = { kind: 'join', name, version: 1, key, dev, proof: 'guessed' };
    const id = { dev, n: (this.#serverStore.mark(dev)?.n ?? 0) + 1 };
    this.#toServer(stray, encode(join));
    this.#toServer(
      stray,
      encode({ kind: 'message', name, text: 'stolen', id, lc: 1, ts: 1, key, sig: 'no', first: true }),
    );
    this.#toServer(stray, '{"gone":1}');
  }

  // Turning

  #advance(ms: number): void {
    this.#nowMs += ms;
    this.#turn([{ type: 'tick' }]);
    for (const client of this.#clients) this.#input(client, { type: 'tick' });
  }

  #turn(inputs: rooms.RoomInput[]): void {
    const server = this.#server;
    if (!server) return;
    for (const effect of server.room.turn(inputs, this.#nowMs)) {
      if (effect.type === 'commit') server.commits.push(effect.change);
      if (effect.type === 'send') for (const to of effect.to) this.#pipeTo(to)?.push(effect.data);
    }
    this.checker.bounded(
      this.#clients.map(({ connection }) => connection?.toClient ?? []),
      flow,
    );
  }

  #pipeTo(id: string): string[] | undefined {
    const sides = [...this.#clients, ...this.#legacies];
    return sides.find(({ connection }) => connection?.id === id)?.connection?.toClient;
  }

  #input(client: Client, input: ConversationInput): void {
    if (!client.session) return;
    for (const effect of client.session.step(input, this.#nowMs)) {
      if (effect.type === 'commit') {
        client.commits.push(effect.change);
        for (const message of effect.change.pending ?? []) this.checker.typed(client.dev, message);
      } else if (effect.type === 'send') this.#send(client, effect.frame);
      else if (effect.type === 'show') this.#show(client, effect.event);
      else this.#failed(client, effect.error);
    }
  }

  #send(client: Client, frame: Frame): void {
    this.checker.sent(client.dev, frame, client.store);
    client.connection?.toServer.push(encode(frame));
  }

  #show(client: Client, event: ChatEvent): void {
    if (event.type === 'message') this.checker.shown(client.dev, event, this.#serverStore);
  }

  /** No more faults: everybody comes, and everything that is under way arrives. */
  #heal(): void {
    this.#note('heal');
    this.#startServer();
    for (const client of this.#clients) this.#start(client);
    // Who has never met the server may not ask it twice on one connection: it could be the original's.
    for (const client of this.#clients) if (client.store.log === '') this.#cut(client);
    for (let round = 0; round < 400; round++) {
      for (const client of this.#clients) this.#connect(client);
      for (const side of [...this.#clients, ...this.#legacies]) this.#flushSide(side);
      while (this.#server && this.#server.commits.length > 0) this.#commitServer(this.#server);
      for (const client of this.#clients) while (client.commits.length > 0) this.#commitClient(client);
      this.#advance(500);
      if (round > 30 && this.#isQuiet) break;
    }
    this.checker.healed(this.#serverStore, this.#clients);
  }

  #flushSide(side: Client | Legacy): void {
    const { connection } = side;
    if (!connection) return;
    for (const data of connection.toServer.splice(0)) this.#toServer(connection.id, data);
    for (const data of connection.toClient.splice(0)) this.#toSide(side, data);
  }

  get #isQuiet(): boolean {
    return this.#clients.every(
      ({ store, session }) => store.head === this.#serverStore.head && session?.online && session.waiting.length === 0,
    );
  }

  #note(line: string): void {
    if (this.tracing) this.trace.push(`${this.#nowMs} ${line}`);
  }

  tracing = false;
}
