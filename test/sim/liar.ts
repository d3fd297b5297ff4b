import type { Contradiction } from '../../src/core/events.ts';
import type { Change } from '../../src/core/log/store.ts';
import { looksOf } from '../../src/core/looks.ts';
import type * as rooms from '../../src/core/room/room.ts';
import { type Effect, type Input, type Now, theLink } from '../../src/core/turn.ts';
import type * as memory from '../../src/history/memory.ts';
import { decode } from '../../src/protocol/codec.ts';
import { Random } from './random.ts';
import { Client, Connection, type Cores, crypto, flow, identityOf, salt } from './sides.ts';
import { Violation } from './violation.ts';

/** One of the pasts that the server tells: to whoever is connected there it is a room like any other. */
type Story = { room: rooms.Room; store: memory.MemoryStore };
/** What a member was told, and what it said of it. */
type Witness = { client: Client; story: Story | undefined; connection: Connection; said: Contradiction[] };

/**
 * A server that lies: in one run it tells two stories, which begin alike, to different members, or to one member one after
 * the other. Members come and go between the stories, are cut, killed and started again. In the end each of them has been
 * told how far both stories go, and MUST have said once that they cannot both be true.
 */
export class LiarsWorld {
  readonly trace: string[] = [];
  tracing = false;
  readonly #cores: Cores;
  readonly #random: Random;
  readonly #steps: number;
  readonly #witnesses: Witness[];
  #stories: Story[];
  #nowMs = 1_000_000;
  #typed = 0;
  #nonces = 0;
  #isLying = false;
  /** It gives no signatures, so that nobody can bring from one story to the other what others wrote. */
  readonly #isSparing: boolean;

  constructor(cores: Cores, { seed, steps }: { seed: number; steps: number }) {
    this.#cores = cores;
    this.#random = new Random(seed);
    this.#isSparing = seed % 20 === 9;
    this.#steps = steps;
    this.#stories = [this.#begin(new cores.MemoryStore('log'))];
    this.#witnesses = Array.from({ length: 2 + this.#random.below(2) }, (_, i) => {
      const client = new Client(`n${i}`, `k${i}d`, `k${i}`, new cores.MemoryStore('', `k${i}d`));
      return { client, story: undefined, connection: new Connection(), said: [] };
    });
  }

  run(): void {
    for (const witness of this.#witnesses) this.#start(witness);
    for (let step = 0; step < this.#steps / 4; step++) this.#step();
    // Whoever was told nothing of the first story cannot know that there was one.
    this.#tell(0);
    for (const { said } of this.#witnesses) if (said.length > 0) throw new Violation('H1', 'nobody has lied yet');
    this.#lie();
    for (let step = 0; step < this.#steps; step++) this.#step();
    for (const story of this.#random.chance(0.5) ? [0, 1] : [1, 0]) this.#tell(story);
    for (const { client, said } of this.#witnesses)
      if (said.length !== 1)
        throw new Violation('H3', `${client.dev} was told two stories and has said so ${said.length} times`);
    this.#convince();
  }

  #step(): void {
    const witness = this.#random.pick(this.#witnesses);
    const dice = this.#random.next();
    if (dice < 0.25) this.#deliver(witness, 1 + this.#random.below(4));
    else if (dice < 0.4) this.#flush(witness);
    else if (dice < 0.6) this.#type(witness);
    else if (dice < 0.75) this.#advance(this.#random.pick([600, 2_600, 9_000]));
    else if (dice < 0.9) this.#connect(witness, this.#random.pick(this.#stories));
    else if (dice < 0.95) this.#cut(witness);
    else this.#restart(witness);
  }

  /** From here on the log goes on in two ways. */
  #lie(): void {
    const [first] = this.#stories;
    if (!first) return;
    this.#note('lie');
    const store = new this.#cores.MemoryStore('log');
    const owners = this.#witnesses.flatMap(({ client }) =>
      looksOf(client.name).flatMap((look) => first.store.owner(look) ?? []),
    );
    const marks = this.#witnesses.flatMap(({ client }) => first.store.mark(client.dev) ?? []);
    store.apply({ entries: structuredClone(first.store.read(1, 1e9)), marks, owners, ranMs: first.store.ranMs });
    this.#stories.push(this.#begin(store));
    this.#isLying = true;
    // Each goes on with words of its own.
    for (const [i, story] of this.#stories.entries()) this.#whisper(story, `story ${i}`);
  }

  /** Somebody whom nobody else meets says something. */
  #whisper(story: Story, text: string): void {
    for (let i = 0; i <= this.#random.below(3); i++)
      this.#turn(story, [
        { type: 'frame', from: 'stranger', frame: { kind: 'message', name: 'old', text: `${text} ${i}` } },
      ]);
  }

  /** Everybody is told one story to its end, and how it was signed. */
  #tell(index: number): void {
    const story = this.#stories[index];
    for (const witness of this.#witnesses) {
      if (!witness.client.session) this.#start(witness);
      if (story && witness.story !== story) this.#connect(witness, story);
    }
    for (let round = 0; round < 20; round++) {
      for (const witness of this.#witnesses) this.#flush(witness);
      this.#advance(1_000);
    }
    if (this.#random.chance(0.5)) for (const witness of this.#witnesses) this.#restart(witness);
  }

  /** They go on with what they are told last, like with any room. */
  #convince(): void {
    const story = this.#random.below(2);
    this.#tell(story);
    for (const { client, said } of this.#witnesses) {
      if (client.store.headHash !== this.#stories[story]?.store.headHash)
        throw new Violation('H2', `${client.dev} does not go on`);
      if (said.length !== 1) throw new Violation('H3', `${client.dev} has said again what it has said`);
    }
  }

  // Programs

  /** The runs of both have one name: to its members it is one server. */
  #begin(store: memory.MemoryStore): Story {
    const identity = identityOf('room');
    const nonce = () => `nonce${++this.#nonces}`;
    const retention = { entries: 1e9, ageMs: 1e15 };
    const options = { name: 'server', dev: 'run', identity, nonce, salt: () => salt, retention, crypto, flow };
    return { room: new this.#cores.Room(options, store), store };
  }

  #start({ client }: Witness): void {
    this.#note(`start ${client.dev}`);
    const { name, dev, key, store } = client;
    const identity = identityOf(key);
    const chance = () => this.#random.next();
    const fresh = { nonce: () => `cn${++this.#nonces}`, salt: () => salt, chance, newDev: () => `${key}d` };
    const wishes = { history: 1e9, replay: true, maxReplay: 1e9, maxKept: 1e9, ...fresh };
    client.session = new this.#cores.Member({ name, dev, identity, crypto, flow, room: 'room', ...wishes }, store);
  }

  #restart(witness: Witness): void {
    const { story } = witness;
    this.#cut(witness);
    this.#start(witness);
    if (story) this.#connect(witness, story);
  }

  #connect(witness: Witness, story: Story): void {
    this.#cut(witness);
    witness.story = story;
    witness.connection = new Connection();
    this.#note(`${witness.client.dev} meets story ${this.#stories.indexOf(story)}`);
    this.#input(witness, { type: 'connected', from: theLink });
  }

  #cut(witness: Witness): void {
    const { connection, story } = witness;
    if (!story) return;
    witness.story = undefined;
    this.#turn(story, [{ type: 'frame', from: connection.id, frame: { kind: 'gone' } }]);
    this.#input(witness, { type: 'disconnected', from: theLink });
  }

  // Network and time

  #deliver(witness: Witness, count: number): void {
    const { toServer, toClient } = witness.connection;
    for (const data of toServer.splice(0, count)) this.#toServer(witness, data);
    for (const data of toClient.splice(0, count)) this.#toClient(witness, data);
  }

  #flush(witness: Witness): void {
    while (witness.story && witness.connection.toServer.length + witness.connection.toClient.length > 0)
      this.#deliver(witness, 1e9);
  }

  #toServer({ client, story, connection }: Witness, data: string): void {
    this.#note(`${client.dev} -> ${data}`);
    const frame = decode(Buffer.from(data));
    if (this.#isSparing && frame.kind === 'signatures') return;
    if (story) this.#turn(story, [{ type: 'frame', from: connection.id, frame }]);
  }

  #toClient(witness: Witness, data: string): void {
    this.#note(`${witness.client.dev} <- ${data}`);
    this.#input(witness, { type: 'frame', from: theLink, frame: decode(Buffer.from(data)) });
  }

  #type(witness: Witness): void {
    this.#input(witness, { type: 'typed', text: `t${++this.#typed}` });
  }

  #advance(ms: number): void {
    this.#nowMs += ms;
    for (const story of this.#stories) this.#turn(story, [{ type: 'tick' }]);
    for (const witness of this.#witnesses) this.#input(witness, { type: 'tick' });
  }

  get #now(): Now {
    return { ms: this.#nowMs, wallMs: this.#nowMs };
  }

  // Turns: what is to be kept is on its disk at once, what is shown is out at once.

  #turn(story: Story, inputs: Input[]): void {
    for (const effect of story.room.turn(inputs, this.#now)) {
      if (effect.type === 'commit') this.#commit(story, effect.change);
      if (effect.type !== 'send') continue;
      for (const { connection } of this.#witnesses)
        if (effect.to.includes(connection.id)) connection.toClient.push(effect.data);
    }
  }

  #commit(story: Story, change: Change): void {
    story.store.apply(change);
    this.#turn(story, [{ type: 'committed', change }]);
  }

  #input(witness: Witness, input: Input): void {
    const after: Input[] = [];
    const effects = witness.client.session?.turn([input], this.#now) ?? [];
    for (const effect of effects) this.#perform(witness, effect, after);
    for (const next of after) this.#input(witness, next);
    const hangsUp = effects.some(({ type }) => type === 'hangUp');
    if (hangsUp && witness.story) this.#connect(witness, witness.story);
  }

  #perform(witness: Witness, effect: Effect, after: Input[]): void {
    if (effect.type === 'send') witness.connection.toServer.push(effect.data);
    else if (effect.type === 'show') {
      if (effect.event.type === 'contradiction') this.#says(witness, effect.event);
      if (effect.place !== undefined) after.push({ type: 'shown', place: effect.place });
    } else if (effect.type === 'commit') {
      witness.client.store.apply(effect.change);
      after.unshift({ type: 'committed', change: effect.change });
    }
  }

  #says({ client, said }: Witness, event: Contradiction): void {
    this.#note(`${client.dev} says ${JSON.stringify(event)}`);
    if (!this.#isLying) throw new Violation('H1', `${client.dev} accuses a server that has not lied`);
    said.push(event);
  }

  #note(line: string): void {
    if (this.tracing) this.trace.push(`${this.#nowMs} ${line}`);
  }
}
