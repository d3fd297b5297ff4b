import type { Input } from '../../src/core/turn.ts';
import type { Message } from '../../src/protocol/frames.ts';
import { signedText } from '../../src/protocol/signed.ts';
import { loseTail, rollBack, takeSnapshot } from './faults.ts';
import { Healing } from './healing.ts';
import { Random } from './random.ts';
import { type Client, type Cores, crypto, salt, signature } from './sides.ts';
import { plain, type Traits } from './traits.ts';

/**
 * Members in groups that cannot reach each other, the server in one of them or in none. They talk all the same, are killed and
 * started again, or never come back. In the end all is joined.
 */
export class PartedWorld extends Healing {
  readonly #steps: number;
  #serverGroup = 0;
  readonly #isEvil: boolean;

  constructor(cores: Cores, { seed, steps }: { seed: number; steps: number }) {
    const random = new Random(seed);
    super(cores, seed, { random, more: new Random(~seed) }, drawParted(random));
    this.#steps = steps;
    this.#isEvil = random.chance(0.3);
    this.links.isLossy = random.chance(0.4);
  }

  run(): void {
    this.startServer();
    for (const client of this.clients) this.start(client);
    if (this.random.chance(0.9)) this.#meet();
    for (let step = 0; step < this.#steps; step++) this.#step();
    if (this.random.chance(0.3)) this.#island();
    this.links.isLossy = false;
    if (this.clients.length > 2 && this.random.chance(0.3)) this.loseForGood(this.random.pick(this.clients));
    this.#join();
    this.heal();
    this.checker.near.healed(this.serverStore, this.clients);
  }

  /** All come, and know who the others are. */
  #meet(): void {
    for (let round = 0; round < 24; round++) this.pass();
  }

  /** All reach each other, and the server. */
  #join(): void {
    this.#serverGroup = 0;
    for (const client of this.clients) client.group = 0;
  }

  override connect(client: Client): void {
    if (client.group === this.#serverGroup) super.connect(client);
  }

  override pass(): void {
    this.links.flush();
    super.pass();
    this.links.flush();
  }

  override calm(client: Client): void {
    super.calm(client);
    for (const end of this.links.ends.filter((one) => one.client === client)) this.links.deliver(end, 9);
  }

  #step(): void {
    const { random } = this;
    const client = random.pick(this.clients);
    const dice = random.next();
    if (dice < 0.17) this.#deliver();
    else if (dice < 0.34) this.#type(client);
    else if (dice < 0.4 && this.server) this.commitServer(this.server);
    else if (dice < 0.46) this.calm(client);
    else if (dice < 0.58) this.#near();
    else if (dice < 0.64) this.connect(client);
    else if (dice < 0.78) this.advance(random.pick([10, 250, 600, 1_100, 2_600, 9_000, 31_000]));
    else if (dice < 0.8) this.#cutLink();
    else if (dice < 0.82) this.cut(client);
    else if (dice < 0.86) this.#part();
    else if (dice < 0.875) loseTail(this, client);
    else if (dice < 0.89) this.stop(client);
    else if (dice < 0.92) this.start(client);
    else if (dice < 0.93) this.crashServer();
    else if (dice < 0.95) this.startServer();
    else if (dice < 0.96) client.isHeld = !client.isHeld;
    else if (this.traits.withRollback && dice < 0.975) takeSnapshot(this, this.serverStore);
    else if (this.traits.withRollback && dice < 0.98) rollBack(this);
    else if (this.#isEvil) this.#lie();
  }

  #deliver(): void {
    const { random } = this;
    const end = random.pick([...this.links.ends, undefined]);
    const count = 1 + random.below(4);
    if (end) return this.links.deliver(end, count);
    const client = random.pick(this.clients);
    const { connection } = client;
    if (!connection) return;
    if (random.chance(0.5)) for (const data of connection.toServer.splice(0, count)) this.toServer(connection.id, data);
    else for (const data of connection.toClient.splice(0, count)) this.toClient(client, data);
  }

  #type(client: Client): void {
    if (!client.session) return;
    // No client takes a text that is too long: to others near it would be a hole.
    const typed: Input = { type: 'typed', text: `t${++this.typed}` };
    this.note(`${client.id} types ${this.typed}`);
    this.input(client, typed);
  }

  #part(): void {
    const groups = 1 + this.random.below(3);
    this.#serverGroup = this.random.below(groups + 1);
    for (const client of this.clients) client.group = this.random.below(groups);
    this.note(`groups ${this.clients.map(({ group }) => group)} server ${this.#serverGroup}`);
    this.links.part();
    for (const client of this.clients) if (client.group !== this.#serverGroup) this.cut(client);
    if (this.random.chance(0.6)) this.#near();
    if (this.random.chance(0.6)) this.#near();
  }

  /** Some time in which those who are near find each other, and hear what is said. */
  #near(): void {
    for (const ms of this.random.chance(0.5) ? [1_100, 300] : [0]) {
      this.advance(ms);
      this.links.flush();
    }
  }

  #cutLink(): void {
    const { ends } = this.links;
    if (ends.length > 0) this.links.cut(this.random.pick(ends));
  }

  /** The server is gone, and all others reach each other: all know and show the same. */
  #island(): void {
    this.note('island');
    this.links.isLossy = false;
    this.crashServer();
    for (const client of this.clients) {
      this.start(client);
      client.isHeld = false;
      client.group = 0;
    }
    for (const client of this.clients) this.#type(client);
    for (let round = 0; round < 130; round++) {
      this.links.flush();
      for (const client of this.clients) if (client.output.length > 0) this.print(client, 1e9);
      this.advance(1_000);
    }
    // Whoever is not in the list of somebody else is nobody to link with, though it may not know that.
    const keys = this.clients.map(({ store }) => store.dev.split('d')[0] ?? '');
    const known = this.clients.filter(
      ({ store, session }) => session && store.roster.signed && keys.every((key) => store.member(key)),
    );
    if (known.length === this.clients.length) this.checker.near.agreed(known);
    this.startServer();
  }

  /** A member says what it should not. */
  #lie(): void {
    const end = this.links.ends.length > 0 ? this.random.pick(this.links.ends) : undefined;
    const stream = end?.next;
    if (!end || !stream) return;
    const author = this.random.pick(this.clients);
    const id = { dev: author.dev, n: (end.client.store.mark(author.dev)?.n ?? 0) + 1 + this.random.below(3) };
    const words: Message = { kind: 'message', name: 'n', text: 'forged', id, lc: 1, salt, ts: 1, key: author.key };
    const kind = this.random.below(4);
    const liar = 'kmal';
    if (kind === 0) this.links.say(end, { ...words, sig: 'no', kind: 'said', ...stream });
    else if (kind === 1) {
      const stolen = { ...words, key: liar };
      this.links.say(end, {
        ...stolen,
        sig: signature(liar, signedText(crypto, 'room', stolen)),
        kind: 'said',
        ...stream,
      });
    } else if (kind === 2) this.#lieOfLog(end.client, stream, words, (frame) => this.links.say(end, frame));
    else {
      const frame = this.random.pick(this.remembered.length > 0 ? this.remembered : [words]);
      if (frame.sig) this.links.say(end, { ...strip(frame), kind: 'said', ...stream });
    }
  }

  /** A log that nobody has signed but the liar. */
  #lieOfLog(client: Client, stream: { k: number; of: number }, words: Message, say: (frame: never) => void): void {
    const { cursor = 0, hash = '' } = client.session?.copy ?? {};
    const row = { ...words, seq: cursor + 1, at: 5 };
    const h = client.session?.copy.hashesOf([row], 'room')?.at(-1) ?? hash;
    const relayed = { kind: 'relayed', ...stream, from: cursor + 1, rows: [row], hash: h, run: 'run1', sig: 'no' };
    say(relayed as never);
  }
}

const strip = ({ seq: _, hash: __, at: ___, ago: ____, guest: _____, void: ______, ...message }: Message): Message =>
  message;

function drawParted(random: Random): Traits {
  const people = Array.from({ length: 2 + random.below(4) }, (_, i) => ({
    person: i > 0 && random.chance(0.1) ? i - 1 : i,
    isHeld: random.chance(0.1),
    isPipe: false,
  }));
  const withRollback = random.chance(0.1);
  const retention = { entries: random.chance(0.15) ? 12 : 1e9, ageMs: 1e15 };
  return { ...plain, people, withRollback, retention, withPeers: true };
}
