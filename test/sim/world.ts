import type { Input } from '../../src/core/turn.ts';
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
import { Healing } from './healing.ts';
import { takeBack } from './person.ts';
import { Random } from './random.ts';
import { stirRoster } from './roster.ts';
import { rottenIn } from './rot.ts';
import { Client, type Connection, type Cores, type Legacy } from './sides.ts';
import { drawTraits } from './traits.ts';

export type WorldOptions = { seed: number; steps: number };

const tooLong = 'x'.repeat(5_000);

/**
 * Some clients, a server, and a network that delays, cuts, drops tails and keeps stale frames; programs that are
 * killed, disks that are slow, a server's disk that goes back in time. Everything happens by the seed.
 */
export class World extends Healing {
  readonly #steps: number;

  constructor(cores: Cores, { seed, steps }: WorldOptions) {
    const random = new Random(seed);
    const more = new Random(~seed);
    super(cores, seed, { random, more }, drawTraits(seed, random, more));
    this.#steps = steps;
  }

  /** Runs the faults, then heals the world and checks that all agree. Throws what is violated. */
  run(): void {
    for (const client of this.clients) this.start(client);
    this.startServer();
    if (this.random.chance(0.8)) for (const client of this.clients) this.calm(client);
    for (let step = 0; step < this.#steps; step++) this.#step();
    if (this.random.chance(0.2)) this.#lastWords(this.random.pick(this.clients));
    if (this.traits.withRollback && this.random.chance(0.15)) this.#leaveHole();
    if (this.traits.withRollback && this.random.chance(0.3)) this.loseForGood(this.random.pick(this.clients));
    this.heal();
  }

  /** Everything is quiet, somebody says one more thing, and just that is lost on its way, there or back. */
  #lastWords(client: Client): void {
    this.startServer();
    for (const other of [...this.clients, ...this.clients]) this.calm(other);
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
      for (let round = 0; round < 4; round++) for (const client of this.clients) this.calm(client);
      this.#type(speaker);
      for (let round = 0; round < 4; round++) for (const client of this.clients) this.calm(client);
      if (this.clients.includes(late)) continue;
      this.clients.push(late);
      this.start(late);
    }
    rollBack(this, true);
    for (const client of this.clients.filter((one) => one !== late)) this.loseForGood(client);
  }

  #step(): void {
    const { random } = this;
    const client = random.pick(this.clients);
    for (const legacy of this.legacies) if (random.chance(0.06)) return this.#legacyActs(legacy);
    if (this.traits.withCopies && random.chance(0.04)) return random.pick([copyFolder, backUp, restore])(this, client);
    if (client.isPipe && random.chance(0.04)) return this.end(client);
    if (this.traits.withTampering && random.chance(0.06)) return tamper(this, client);
    if (this.traits.withRot && this.more.chance(0.06)) return this.#rot(client);
    if (this.traits.withRegrets && this.more.chance(0.08)) return takeBack(this, client);
    if (this.traits.withRoster && random.chance(0.05)) return stirRoster(this, client);
    if (this.traits.withErasures && random.chance(0.15))
      return random.chance(0.4) ? erase(this) : giveBackOld(this, client);
    const dice = random.next();
    if (dice < 0.03) this.printSome(client);
    else if (dice < 0.2) this.#deliver(random);
    else if (dice < 0.34) this.calm(client);
    else if (dice < 0.5) this.#type(client);
    else if (dice < 0.56) this.#commit();
    else if (dice < 0.64) this.#deliver(random);
    else if (dice < 0.76) this.connect(client);
    else if (dice < 0.84) this.advance(random.pick([10, 50, 600, 2_600, 9_000, 61_000]));
    else if (dice < 0.89) this.cut(client);
    else if (dice < 0.91) loseTail(this, client);
    else if (dice < 0.92) loseUpload(this, client);
    else if (dice < 0.935) this.stop(client);
    else if (dice < 0.95) this.#begin(client);
    else if (dice < 0.96) this.crashServer();
    else if (dice < 0.975) this.startServer();
    else this.#rarely(client);
  }

  /** A disk damages a place, whoever keeps the room comes upon it, and somebody has other words for it. */
  #rot(client: Client): void {
    damage(this, client);
    this.startServer();
    this.start(client);
    this.calm(client);
    for (const seq of rottenIn(this.serverStore).keys()) this.turn([{ type: 'erase', from: 'keeper', seq }]);
    forgeLost(this, client);
    this.flushSide(client);
    this.syncServer();
  }

  /** Its disk goes back in time; now and then it does so again when all have just read what is left. */
  #rollBack(): void {
    rollBack(this);
    if (this.more.chance(0.7)) return;
    this.startServer();
    for (const client of this.clients) this.calm(client);
    rollBack(this, true);
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
    else if (dice < 0.77 && this.traits.withCopies) return;
    else if (dice < 0.74) damage(this, client);
    else if (dice < 0.77) tamper(this, client);
    else if (dice < 0.8) this.wrongMs = random.pick([-86_400_000, 31 * 86_400_000, -1e12, this.wrongMs - 40_000]);
    else if (this.traits.withRollback && dice < 0.86) takeSnapshot(this, this.serverStore);
    else if (this.traits.withRollback && dice < 0.97) this.#rollBack();
    else if (dice > 0.92) lie(this, client);
  }

  #begin(client: Client): void {
    if (!client.session && !client.isPipe && !this.traits.withCopies && this.random.chance(0.3))
      writeLater(this, client);
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

  #commit(): void {
    if (this.server) this.commitServer(this.server);
  }

  #type(client: Client): void {
    if (!client.session) return;
    const refused = this.random.chance(0.03);
    this.note(`${client.id} types`);
    const text = refused ? tooLong : `t${++this.typed}`;
    const typed: Input = { type: 'typed', text, ...(this.random.chance(0.1) && { action: true }) };
    // At once, in the same turn.
    const isRegretted = this.traits.withRegrets && !client.isPipe && this.more.chance(0.1);
    this.input(client, typed, ...(isRegretted ? [{ type: 'takeBack' as const }] : []));
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
}
