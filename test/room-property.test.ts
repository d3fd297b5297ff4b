import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bye, gone, type Json, range } from './support/people.ts';
import { RoomWorld } from './support/room-world.ts';

const garbage = [
  'GET / HTTP/1.1',
  '',
  'null',
  '[[1]]',
  '[{"ack":1}]',
  '{"auth":2,"name":"x"}',
  '{"name":1,"text":"x"}',
  '{"hb":7}',
  '{"rejoin":0}',
  '{"welcome":1}',
  '{"had":"A.1"}',
  '{"ack":-1}',
  '{"zzz":1}',
];

/** A client, and what must be true of what it is sent. */
abstract class Client {
  readonly name: string;
  n = 0;
  #connections = 1;

  constructor(name: string) {
    this.name = name;
  }

  get connection(): string {
    return `${this.name}${this.#connections}`;
  }

  /** The connection ends, and there is another one. */
  reconnect(): void {
    this.#connections++;
  }

  abstract join(): Json;
  abstract say(): Json[];
  abstract leave(): Json;
  /** Checks a frame as it comes, and says what is sent because of it. */
  abstract see(frame: Json): Json[];
}

/** It keeps to the protocol: what has not come back is said again after every welcome. */
class Member extends Client {
  cursor: number | undefined;
  #place: Json = {};
  #key: string;

  constructor(name: string, key: string) {
    super(name);
    this.#key = key;
  }

  join(): Json {
    this.cursor = undefined;
    return { auth: 1, name: this.#key, v: 1, key: this.#key, dev: this.name, cn: 'cn', ...this.#place };
  }

  leave(): Json {
    this.cursor = undefined;
    return bye(this.name);
  }

  say(): Json[] {
    this.n++;
    return this.cursor === undefined ? [] : [this.#message(this.n)];
  }

  see(frame: Json): Json[] {
    if (frame.rejoin !== undefined) return [this.join()];
    if (frame.welcome) return this.#begin(frame);
    if (this.cursor === undefined) return [];
    if ('hb' in frame) expect(frame.hb).toBe(this.cursor);
    if ('seq' in frame) expect(frame.seq).toBe(this.cursor + 1);
    if ('seq' in frame) this.#stand(frame.seq, frame.h);
    return [];
  }

  #begin({ fork, since, h, members, n }: Json): Json[] {
    expect(fork).toBeUndefined();
    expect(members).toContain(this.#key);
    this.#stand(since, h);
    return range(Number(n) + 1, this.n).map((n) => this.#message(n));
  }

  #stand(seq: unknown, h: unknown): void {
    this.cursor = Number(seq);
    this.#place = { log: 'log', since: seq, ...(h !== undefined && { h }) };
  }

  #message(n: number): Json {
    return { name: this.#key, text: `${this.name} says ${n}\n`, id: `${this.name}.${n}`, key: this.#key };
  }
}

class Original extends Client {
  readonly texts: string[] = [];

  join(): Json {
    return { auth: 1, name: this.name };
  }

  leave(): Json {
    return bye(this.name);
  }

  say(): Json[] {
    this.n++;
    return [{ name: this.name, text: `${this.name} says ${this.n}\n` }];
  }

  see(frame: Json): Json[] {
    expect(Object.keys(frame)).toEqual(['name', 'text']);
    expect(frame.name).not.toBe(this.name);
    if (frame.name !== 'server') this.texts.push(String(frame.text));
    return [];
  }
}

type Action = 'join' | 'reconnect' | 'leave' | 'talk' | 'talk much' | 'ack' | 'clog' | 'unclog' | 'commit' | 'garbage';

/** Drives a room with a slow disk. The last two clients are one person. */
class Scene {
  readonly world = new RoomWorld();
  readonly clients = [
    new Original('ada'),
    new Original('ben'),
    new Member('cid', 'kcid'),
    new Member('dee', 'kdee'),
    new Member('dee2', 'kdee'),
  ];

  constructor() {
    this.world.slowDisk = true;
  }

  run(client: Client, action: Action, junk = ''): void {
    const { world } = this;
    const { connection } = client;
    if (action === 'join') world.say(connection, client.join());
    if (action === 'reconnect') this.#reconnect(client);
    if (action === 'leave') world.say(connection, client.leave());
    if (action === 'talk') world.say(connection, ...client.say());
    if (action === 'talk much') world.say(connection, ...range(1, 170).flatMap(() => client.say()));
    if (action === 'ack') this.#acknowledge(client);
    if (action === 'clog') world.clogged.add(connection);
    if (action === 'unclog') world.clogged.delete(connection);
    if (action === 'commit') world.commit();
    if (action === 'garbage') world.say(connection, junk);
    this.look();
  }

  look(): void {
    for (const client of this.clients) {
      const answers = this.world.take(client.connection).flatMap((frame) => client.see(frame));
      if (answers.length > 0) this.world.say(client.connection, ...answers);
    }
  }

  /** The disk and all queues are empty and everybody acknowledges: whoever is in the room must reach the head. */
  settle(): void {
    const { world } = this;
    world.clogged.clear();
    world.slowDisk = false;
    world.commit();
    for (const client of this.clients) if (client instanceof Member) world.say(client.connection, client.join());
    for (let i = 0; i < 40; i++) {
      world.tick(150);
      this.look();
      for (const client of this.clients) this.#acknowledge(client);
    }
    this.look();
  }

  /** What was under way to the old connection is lost. */
  #reconnect(client: Client): void {
    // For the room a client of the original is somebody else then, who also hears what is only now on disk.
    if (client instanceof Original) for (let i = 0; i < 2; i++) this.world.commit();
    this.world.clogged.delete(client.connection);
    this.world.say(client.connection, gone);
    client.reconnect();
    this.world.say(client.connection, client.join());
  }

  #acknowledge(client: Client): void {
    if (client instanceof Member && client.cursor !== undefined)
      this.world.say(client.connection, { ack: client.cursor });
  }
}

const actions: Action[] = ['join', 'reconnect', 'leave', 'talk', 'talk', 'talk', 'talk much', 'ack', 'ack'];
const more: Action[] = ['clog', 'unclog', 'commit', 'commit', 'commit', 'garbage'];
const step = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      who: fc.nat({ max: 4 }),
      action: fc.constantFrom(...actions, ...more),
      junk: fc.constantFrom(...garbage),
    }),
  },
  { weight: 1, arbitrary: fc.record({ tickMs: fc.constantFrom(100, 3_000, 16_000, 21_000) }) },
);

test('whatever happens, the room keeps its promises', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const scene = new Scene();
      const { world, clients } = scene;
      for (const step of steps)
        if ('tickMs' in step) {
          world.tick(step.tickMs);
          scene.look();
        } else scene.run(clients[step.who] as Client, step.action, step.junk);
      scene.settle();

      const log = world.log.read(1, 100_000).map(({ message }) => message?.text ?? '');
      for (const client of clients) {
        // Each message is in the log once, in the order it was written.
        const own = log.filter((text) => text.startsWith(`${client.name} says`));
        expect(own).toEqual(range(1, client.n).map((n) => `${client.name} says ${n}`));
        if (client instanceof Member) expect(client.cursor).toBe(world.log.head);
        else expectInOrder((client as Original).texts, log);
      }
      expectSteady(world);
    }),
    { numRuns: 200 },
  );
});

/** All of `part` stands in `whole`, in the same order. */
function expectInOrder(part: string[], whole: string[]): void {
  let at = -1;
  for (const text of part) {
    const next = whole.indexOf(text.trimEnd(), at + 1);
    expect(next, `${text} in its place`).toBeGreaterThan(at);
    at = next;
  }
}

/** Those who come and go are announced one by one, each with the count after it. */
function expectSteady(world: RoomWorld): void {
  let online = 0;
  for (const event of world.events) {
    if (event.type === 'join') expect(event.online).toBe(++online);
    if (event.type === 'leave') expect(event.online).toBe(--online);
    if (event.type === 'rename') expect(event.online).toBe(online);
  }
  expect(world.room.presence.online).toBe(online);
}
