import type { Message } from '../../src/protocol/frames.ts';
import { lieOfHead } from './faults.ts';
import { Machines } from './machines.ts';
import { decideLeft } from './person.ts';
import { Client } from './sides.ts';

/** What must be there in the end: the faults stop, everybody comes, and all that is under way arrives. */
export class Healing extends Machines {
  /** A quiet moment for one client and the server: everything under way between them arrives and is kept. */
  calm(client: Client): void {
    this.connect(client);
    for (let round = 0; round < 3; round++) {
      this.flushSide(client);
      if (this.random.chance(this.traits.isSlow ? 0.2 : 0.8)) this.syncServer();
    }
  }

  advance(ms: number): void {
    this.nowMs += ms;
    this.turn([{ type: 'tick' }]);
    for (const client of this.clients) this.input(client, { type: 'tick' });
  }

  /** No more faults: everybody comes, and everything that is under way arrives. */
  heal(): void {
    this.note('heal');
    this.isHealing = true;
    this.startServer();
    for (const client of this.clients) {
      this.start(client);
      client.isHeld = false;
    }
    // Who has never met the server may not ask it twice on one connection: it could be the original's.
    for (const client of this.clients) if (client.store.log === '') this.cut(client);
    this.settle(30);
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
    this.settle(8);
    this.checker.end.healed(this.serverStore, this.clients);
    this.settle(8);
    this.checker.end.witnessed(this.serverStore, this.clients);
    // A question may be lost, but it is asked again.
    this.advance(61_000);
    this.settle(16);
    this.checker.end.whole(this.serverStore, this.clients);
    this.rosters.agreed(this);
    // What came last has its signature a little later.
    this.settle(16);
    if (this.isUntrimmed) this.checker.end.allSigned(this.serverStore, this.clients);
    for (const legacy of this.legacies) if (legacy.connection) this.checker.readers.heardAll(legacy, this.serverStore);
    if (this.traits.retention.ageMs < 1e15) this.#linger();
  }

  /** Everybody is there and silent, for longer than names are kept without an owner who is there. */
  #linger(): void {
    for (let ms = 0; ms < 2 * this.traits.retention.ageMs; ms += 5_000) {
      this.advance(5_000);
      for (const side of [...this.clients, ...this.legacies]) this.flushSide(side);
      this.syncServer();
    }
    this.rosters.agreed(this);
    for (const { key, session } of this.clients)
      if (session?.online) this.checker.log.named(key, session.name, this.serverStore, this.traits.retention.ageMs);
  }

  /** Somebody never comes back: the others have what they read of it. */
  loseForGood(client: Client): void {
    this.stop(client);
    this.clients.splice(this.clients.indexOf(client), 1);
    this.checker.facts.lostForGood(client.dev);
  }

  /** Half a second in which all that is under way arrives. */
  pass(): void {
    for (const client of this.clients) this.connect(client);
    for (const side of [...this.clients, ...this.legacies]) this.flushSide(side);
    this.syncServer();
    for (const client of this.clients) if (client.session?.online) decideLeft(this, client);
    this.advance(500);
  }

  /** So many rounds at least: what was lost must be missed first. */
  settle(rounds: number): void {
    for (let round = 0; round < 400; round++) {
      this.pass();
      if (round > rounds && this.#isQuiet) break;
    }
  }

  /** What is held for a place that is lost stays. */
  #isInLog({ id }: Message): boolean {
    return id !== undefined && id.n <= (this.serverStore.mark(id.dev)?.n ?? 0);
  }

  /** Nothing is under way but heartbeats, and everybody is at the end of the log. */
  get #isQuiet(): boolean {
    const pipes = this.clients.flatMap(({ connection }) => [connection?.toServer ?? [], connection?.toClient ?? []]);
    const isBusy = pipes.flat().some((data) => !/^{"(hb|ack|kept)"/.test(data)) || this.server?.commits.length !== 0;
    const { head } = this.serverStore;
    return (
      !isBusy &&
      this.clients.every(
        ({ store }) =>
          store.head === head && store.pending().every((message) => this.isStuck(message) || this.#isInLog(message)),
      )
    );
  }
}
