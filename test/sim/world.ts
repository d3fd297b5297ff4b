import { encode } from '../../src/protocol/codec.ts';
import { backUp, copyFolder, restore } from './copies.ts';
import {
  damage,
  erase,
  fail,
  forgeLost,
  giveBackOld,
  lie,
  lieOfHead,
  loseTail,
  loseUpload,
  meddle,
  rename,
  rollBack,
  takeSnapshot,
  tamper,
  writeLater,
} from './faults.ts';
import { Machines } from './machines.ts';
import type { Random } from './random.ts';
import { Client, type Connection, type Cores, type Legacy } from './sides.ts';

export type WorldOptions = { seed: number; steps: number };

const tooLong = 'x'.repeat(5_000);

/**
 * Some clients, a server, and a network that delays, cuts, drops tails and keeps stale frames; programs that are
 * killed, disks that are slow, a server's disk that goes back in time. Everything happens by the seed.
 */
export class World extends Machines {
  readonly #steps: number;

  constructor(cores: Cores, { seed, steps }: WorldOptions) {
    super(cores, seed);
    this.#steps = steps;
  }

  /** Runs the faults, then heals the world and checks that all agree. Throws what is violated. */
  run(): void {
    for (const client of this.clients) this.start(client);
    this.startServer();
    if (this.random.chance(0.8)) for (const client of this.clients) this.#calm(client);
    for (let step = 0; step < this.#steps; step++) this.#step();
    if (this.random.chance(0.2)) this.#lastWords(this.random.pick(this.clients));
    if (this.withRollback && this.random.chance(0.15)) this.#leaveHole();
    this.#heal();
  }

  /** Everything is quiet, somebody says one more thing, and just that is lost on its way, there or back. */
  #lastWords(client: Client): void {
    this.startServer();
    for (const other of [...this.clients, ...this.clients]) this.#calm(other);
    this.#type(client);
    if (this.random.chance(0.5)) client.connection?.toServer.splice(0);
    this.flushSide(client);
    this.syncServer();
    for (const other of this.clients) if (other !== client) other.connection?.toClient.splice(0);
  }

  /** Of what is gone with the disk, only somebody who came late is left: it has not read how it began. */
  #leaveHole(): void {
    const [author, other] = this.clients;
    const late = new Client('late', 'klated', 'klate', new this.cores.MemoryStore('', 'klated'));
    if (!author || !other) return;
    this.startServer();
    for (const speaker of [author, author, other]) {
      for (const client of this.clients) this.start(client);
      for (let round = 0; round < 4; round++) for (const client of this.clients) this.#calm(client);
      this.#type(speaker);
      for (let round = 0; round < 4; round++) for (const client of this.clients) this.#calm(client);
      if (this.clients.includes(late)) continue;
      this.clients.push(late);
      this.start(late);
    }
    rollBack(this, true);
    for (const client of this.clients.filter((one) => one !== late)) this.#loseForGood(client);
  }

  #step(): void {
    const { random } = this;
    const client = random.pick(this.clients);
    for (const legacy of this.legacies) if (random.chance(0.06)) return this.#legacyActs(legacy);
    if (this.withCopies && random.chance(0.04)) return random.pick([copyFolder, backUp, restore])(this, client);
    if (this.withTampering && random.chance(0.06)) return tamper(this, client);
    if (this.withErasures && random.chance(0.15)) return random.chance(0.4) ? erase(this) : giveBackOld(this, client);
    const dice = random.next();
    if (dice < 0.03) this.printSome(client);
    else if (dice < 0.2) this.#deliver(random);
    else if (dice < 0.34) this.#calm(client);
    else if (dice < 0.5) this.#type(client);
    else if (dice < 0.56) this.#commit();
    else if (dice < 0.64) this.#deliver(random);
    else if (dice < 0.76) this.connect(client);
    else if (dice < 0.84) this.#advance(random.pick([10, 50, 600, 2_600, 9_000, 61_000]));
    else if (dice < 0.89) this.cut(client);
    else if (dice < 0.91) loseTail(this, client);
    else if (dice < 0.92) loseUpload(this, client);
    else if (dice < 0.935) this.stop(client);
    else if (dice < 0.95) this.#begin(client);
    else if (dice < 0.96) this.crashServer();
    else if (dice < 0.975) this.startServer();
    else this.#rarely(client);
  }

  #rarely(client: Client): void {
    const { random } = this;
    const dice = random.next();
    if (dice < 0.06) lieOfHead(this, client);
    else if (dice < 0.12) this.mallory.usurp(client);
    else if (dice < 0.3) this.mallory.act(client);
    else if (dice < 0.4) meddle(this, client);
    else if (dice < 0.45) forgeLost(this, client);
    else if (dice < 0.55) fail(this, client);
    else if (dice < 0.6) client.isHeld = !client.isHeld;
    else if (dice < 0.7) rename(this, client);
    else if (dice < 0.77 && this.withCopies) return;
    else if (dice < 0.74) damage(this, client);
    else if (dice < 0.77) tamper(this, client);
    else if (dice < 0.8) this.wrongMs = random.pick([-86_400_000, 31 * 86_400_000, -1e12, this.wrongMs - 40_000]);
    else if (this.withRollback && dice < 0.86) takeSnapshot(this, this.serverStore);
    else if (this.withRollback && dice < 0.97) rollBack(this);
    else if (dice > 0.92) lie(this, client);
  }

  #begin(client: Client): void {
    if (!client.session && !this.withCopies && this.random.chance(0.3)) writeLater(this, client);
    this.start(client);
  }

  #deliver(random: Random): void {
    const side = random.pick<Client | Legacy>([...this.clients, ...this.legacies]);
    const { connection } = side;
    if (!connection) return;
    const count = 1 + random.below(4);
    if (random.chance(0.5)) for (const data of connection.toServer.splice(0, count)) this.toServer(connection.id, data);
    else for (const data of connection.toClient.splice(0, count)) this.toSide(side, data);
  }

  /** A quiet moment for one client and the server: everything under way between them arrives and is kept. */
  #calm(client: Client): void {
    this.connect(client);
    for (let round = 0; round < 3; round++) {
      this.flushSide(client);
      if (this.random.chance(0.8)) this.syncServer();
    }
  }

  #commit(): void {
    if (this.server) this.commitServer(this.server);
  }

  #advance(ms: number): void {
    this.nowMs += ms;
    this.turn([{ type: 'tick' }]);
    for (const client of this.clients) this.input(client, { type: 'tick' });
  }

  #type(client: Client): void {
    if (!client.session) return;
    const refused = this.random.chance(0.03);
    this.note(`${client.id} types`);
    const text = refused ? tooLong : `t${++this.typed}`;
    this.input(client, { type: 'typed', text, ...(this.random.chance(0.1) && { action: true }) });
  }

  #legacyActs(legacy: Legacy): void {
    if (!this.server) return;
    if (legacy.connection && this.random.chance(0.4)) return fail(this, legacy);
    if (legacy.connection && this.random.chance(0.2)) return this.#leaves(legacy, legacy.connection);
    const { toServer } = legacy.connection ?? legacy.connect();
    const text = `old${++this.typed}`;
    if (this.random.chance(0.3)) toServer.push(encode({ kind: 'join', name: legacy.name }));
    else toServer.push(encode({ kind: 'message', name: legacy.name, text }));
    legacy.said.add(text);
    this.checker.readers.said(text);
  }

  #leaves(legacy: Legacy, { id }: Connection): void {
    legacy.connection = undefined;
    this.toServer(id, '{"gone":1}');
  }

  /** No more faults: everybody comes, and everything that is under way arrives. */
  #heal(): void {
    this.note('heal');
    this.isHealing = true;
    if (this.withRollback && this.random.chance(0.3)) this.#loseForGood(this.random.pick(this.clients));
    this.startServer();
    for (const client of this.clients) {
      this.start(client);
      client.isHeld = false;
    }
    // Who has never met the server may not ask it twice on one connection: it could be the original's.
    for (const client of this.clients) if (client.store.log === '') this.cut(client);
    this.#settle(30);
    for (const client of this.clients) lieOfHead(this, client);
    // Whoever starts again must be who it was.
    for (const client of this.random.chance(0.3) ? this.clients : []) {
      if (this.random.chance(0.5)) this.cut(client);
      else this.stop(client);
      this.start(client);
    }
    // Somebody new reads all there is, and so comes upon what is damaged.
    const newcomer = new Client('new', 'knewd', 'knew', new this.cores.MemoryStore('', 'knewd'));
    this.clients.push(newcomer);
    this.start(newcomer, 1e9);
    this.#settle(8);
    this.checker.end.healed(this.serverStore, this.clients);
    this.#settle(8);
    this.checker.end.witnessed(this.serverStore, this.clients);
    // A question may be lost, but it is asked again.
    this.#advance(61_000);
    this.#settle(16);
    this.checker.end.whole(this.serverStore, this.clients);
    if (this.isUntrimmed) this.checker.end.allSigned(this.serverStore, this.clients);
    for (const legacy of this.legacies) if (legacy.connection) this.checker.readers.heardAll(legacy, this.serverStore);
    if (this.retention.ageMs < 1e15) this.#linger();
  }

  /** Everybody is there and silent, for longer than names are kept without an owner who is there. */
  #linger(): void {
    for (let ms = 0; ms < 2 * this.retention.ageMs; ms += 5_000) {
      this.#advance(5_000);
      for (const side of [...this.clients, ...this.legacies]) this.flushSide(side);
      this.syncServer();
    }
    for (const { key, session } of this.clients)
      if (session?.online) this.checker.log.named(key, session.name, this.serverStore, this.retention.ageMs);
  }

  /** Somebody never comes back: the others have what they read of it. */
  #loseForGood(client: Client): void {
    this.stop(client);
    this.clients.splice(this.clients.indexOf(client), 1);
    this.checker.facts.lostForGood(client.dev);
  }

  /** So many rounds at least: what was lost must be missed first. */
  #settle(rounds: number): void {
    for (let round = 0; round < 400; round++) {
      for (const client of this.clients) this.connect(client);
      for (const side of [...this.clients, ...this.legacies]) this.flushSide(side);
      this.syncServer();
      for (const client of this.clients) if (client.session?.online) this.decideLeft(client);
      this.#advance(500);
      if (round > rounds && this.#isQuiet) break;
    }
  }

  /** Nothing is under way but heartbeats, and everybody is at the end of the log. */
  get #isQuiet(): boolean {
    const pipes = this.clients.flatMap(({ connection }) => [connection?.toServer ?? [], connection?.toClient ?? []]);
    const isBusy = pipes.flat().some((data) => !/^{"(hb|ack|kept)"/.test(data)) || this.server?.commits.length !== 0;
    const { head } = this.serverStore;
    return (
      !isBusy &&
      this.clients.every(
        ({ store }) => store.head === head && store.pending().every((message) => this.isStuck(message)),
      )
    );
  }
}
