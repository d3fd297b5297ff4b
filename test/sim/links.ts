import { peerMark } from '../../src/core/turn.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import type { Frame } from '../../src/protocol/frames.ts';
import type { Machines } from './machines.ts';
import type { Client } from './sides.ts';

/** One end of a link between members, and what is under way to it. */
export type End = { client: Client; id: string; other: End; toHere: string[]; next?: { of: number; k: number } };

export const hostOf = (client: Client): string => `10.0.0.${Number(client.key.slice(1)) + 1}:${7000 + client.no}`;

/** The network between members: who reaches whom is a matter of groups. */
export class LinkNetwork {
  readonly #world: Machines;
  readonly ends: End[] = [];
  /** Frames vanish now and then. */
  isLossy = false;
  #count = 0;

  constructor(world: Machines) {
    this.#world = world;
  }

  endOf(client: Client, id: string): End | undefined {
    return this.ends.find((end) => end.client === client && end.id === id);
  }

  /** The first of these hosts at which somebody is, and can be reached. */
  dial(client: Client, to: string, hosts: readonly string[]): void {
    const other = this.#world.clients.find(
      (one) => one !== client && one.session && one.group === client.group && hosts.includes(hostOf(one)),
    );
    if (!client.session) return;
    this.#world.note(`${client.id} dials ${other?.id} as ${to}`);
    if (!other) return this.#world.input(client, { type: 'disconnected', from: to });
    const mine = { client, id: to, toHere: [] } as unknown as End;
    const theirs: End = { client: other, id: `${peerMark}r${++this.#count}`, other: mine, toHere: [] };
    mine.other = theirs;
    this.ends.push(mine, theirs);
    this.#world.input(client, { type: 'connected', from: to });
  }

  send(client: Client, to: string, data: string): void {
    const end = this.endOf(client, to);
    if (!end) return;
    const frame = decode(Buffer.from(data));
    // What a member may say next to who says this, and to who is told that.
    if (frame.kind === 'hello') end.next = { of: frame.r, k: 1 };
    if (frame.kind === 'said' || frame.kind === 'relayed') end.other.next = { of: frame.of, k: frame.k + 1 };
    if (frame.kind === 'said') this.#world.checker.disks.sent(client, { ...frame, kind: 'message' });
    if (this.isLossy && this.#world.more.chance(0.07)) this.#world.note(`lost: ${client.id} => ${data}`);
    else end.other.toHere.push(data);
  }

  hangUp(client: Client, id: string): void {
    const end = this.endOf(client, id);
    if (!end) return;
    this.#remove(end);
    this.#end(end.other);
  }

  /** Some of what is under way arrives, and then the link is gone for both. */
  cut(end: End): void {
    this.#remove(end);
    this.#remove(end.other);
    for (const one of [end, end.other]) {
      for (const data of one.toHere.splice(0, this.#world.more.below(one.toHere.length + 1))) this.#receive(one, data);
      if (one.client.session) this.#world.input(one.client, { type: 'disconnected', from: one.id });
    }
  }

  drop(client: Client): void {
    for (const end of this.ends.filter((one) => one.client === client)) this.cut(end);
  }

  /** Those who cannot reach each other any more. */
  part(): void {
    for (const end of this.ends.filter(({ client, other }) => client.group !== other.client.group))
      if (this.ends.includes(end)) this.cut(end);
  }

  deliver(end: End, count: number): void {
    for (const data of end.toHere.splice(0, count)) this.#receive(end, data);
  }

  flush(): void {
    for (let round = 0; round < 6; round++) for (const end of [...this.ends]) this.deliver(end, end.toHere.length);
  }

  /**
   * Somebody who is a member says these. A link ends behind it, for the honest member who is at its other end in this world
   * would go on with a number that is used up.
   */
  say(end: End, ...frames: Frame[]): void {
    for (const frame of frames) this.#world.note(`evil => ${end.client.id}: ${encode(frame)}`);
    end.toHere.push(...frames.map(encode));
    this.deliver(end, end.toHere.length);
    if (this.ends.includes(end)) this.cut(end);
  }

  #receive({ client, id }: End, data: string): void {
    this.#world.note(`${client.id} <= ${id} ${data}`);
    this.#world.input(client, { type: 'frame', from: id, frame: decode(Buffer.from(data)) });
  }

  #end(end: End): void {
    this.#remove(end);
    this.#world.input(end.client, { type: 'disconnected', from: end.id });
  }

  #remove(end: End): void {
    const at = this.ends.indexOf(end);
    if (at >= 0) this.ends.splice(at, 1);
  }
}
