import { Member } from '../../src/core/member/member.ts';
import { Room } from '../../src/core/room/room.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { decode } from '../../src/protocol/codec.ts';
import { Healing } from '../sim/healing.ts';
import { Random } from '../sim/random.ts';
import type { Client } from '../sim/sides.ts';
import { plain } from '../sim/traits.ts';

/** What a frame takes to the server. */
const networkMs = 10;

/** Members without their server, in simulated time, and how many frames that takes. */
class CountedWorld extends Healing {
  /** Frames over links, by kind, and their bytes; messages that came up to the server. */
  readonly frames = new Map<string, number>();
  bytes = 0;
  uploaded = 0;

  constructor(people: number) {
    const random = new Random(1);
    const all = Array.from({ length: people }, (_, person) => ({ person, isHeld: false, isPipe: false }));
    super(
      { Room, Member, MemoryStore },
      1,
      { random, more: new Random(2) },
      { ...plain, people: all, withPeers: true },
    );
    // Nobody is killed.
    this.isHealing = true;
    const send = this.links.send.bind(this.links);
    this.links.send = (client, to, data) => {
      const { kind } = decode(Buffer.from(data));
      this.frames.set(kind, (this.frames.get(kind) ?? 0) + 1);
      this.bytes += data.length;
      send(client, to, data);
    };
  }

  override toServer(from: string, data: string): void {
    const frame = decode(Buffer.from(data));
    if (frame.kind === 'upload') this.uploaded += frame.messages.length;
    super.toServer(from, data);
  }

  /** So much time goes by, and all that is under way arrives. */
  goBy(ms: number): void {
    for (let left = ms; left > 0; left -= 250) {
      this.advance(Math.min(250, left));
      this.links.flush();
      for (const client of this.clients) if (client.output.length > 0) this.print(client, 1e9);
    }
  }

  /** Whatever is under way between members and the server arrives in so long. */
  talkToServer(ms: number): void {
    for (const client of this.clients) this.flushSide(client);
    this.syncServer();
    this.advance(ms);
    for (const client of this.clients) if (client.output.length > 0) this.print(client, 1e9);
  }

  say(client: Client): void {
    this.input(client, { type: 'typed', text: `t${++this.typed}` });
    this.links.flush();
  }
}

/**
 * What so many members cost each other while they are cut off, each saying so many lines.
 *
 * @param lost so many of them never come back to the server
 */
export function count(people: number, lines: number, lost: number) {
  const world = new CountedWorld(people);
  world.startServer();
  for (const client of world.clients) world.start(client);
  for (let round = 0; round < 40; round++) world.pass();
  world.crashServer();
  world.goBy(5_000);
  const links = world.clients.map((client) => world.links.ends.filter((end) => end.client === client).length);
  world.frames.clear();
  world.bytes = 0;
  for (let line = 0; line < lines; line++)
    for (const client of world.clients) {
      world.say(client);
      world.goBy(250);
    }
  const [messages, said, got, all] = [
    people * lines,
    world.frames.get('said') ?? 0,
    world.frames.get('got') ?? 0,
    [...world.frames.values()].reduce((sum, one) => sum + one, 0),
  ];
  const { bytes } = world;
  world.uploaded = 0;
  world.startServer();
  for (const client of world.clients.slice(0, lost)) world.stop(client);
  for (const client of world.clients.slice(lost)) world.connect(client);
  for (let ms = 0; ms < 60_000 && world.serverStore.head < messages; ms += networkMs) world.talkToServer(networkMs);
  return { people, messages, links, said, got, all, bytes, uploaded: world.uploaded, inLog: world.serverStore.head };
}
