import { type Full, type Input, peerMark } from '../core/turn.ts';
import { goneText, isEnd } from '../protocol/codec.ts';
import type { Queue } from '../queue.ts';
import { maxQueuedInputs } from './dialed.ts';
import { portOf, showEndpoint } from './endpoint.ts';
import { RouterLink } from './router.ts';
import type { Encryption } from './sockets.ts';

type Door = { address: string; router: RouterLink; port: number; links: Set<string> };

/**
 * Where other members link with this one: a ROUTER for each address, so that one that is gone can be left while the others
 * stand. A link is known from its first frame on; `disconnected` is the last that is heard of it.
 */
export class PeerDoors {
  readonly #open = new Map<string, Door>();
  readonly #encryption: Encryption;
  readonly #inputs: Queue<Input>;
  /** Whoever was hung up: a ROUTER cannot end a connection, but need not listen to it. */
  readonly #mute = new Set<string>();
  #opened = 0;

  constructor(encryption: Encryption, inputs: Queue<Input>) {
    this.#encryption = encryption;
    this.#inputs = inputs;
  }

  get addresses(): string[] {
    return [...this.#open.keys()];
  }

  portAt(address: string): number | undefined {
    return this.#open.get(address)?.port;
  }

  /** Opens a door at an address of this machine. Rejects with a ChatError: then nothing was opened. */
  async open(address: string, port: number): Promise<number> {
    const mark = `${peerMark}${this.#opened++}.`;
    const router = new RouterLink(this.#encryption, mark);
    const bound = portOf(await router.bind(showEndpoint(address, port)));
    const door = { address, router, port: bound, links: new Set<string>() };
    this.#open.set(address, door);
    // One that could not be opened anew is there no more, and that costs nothing else.
    this.#read(door).catch(() => this.close(address));
    return bound;
  }

  /** Returns those whose queue is full. */
  async send(to: readonly string[], ...frames: string[]): Promise<Full[]> {
    const heard = to.filter((id) => !this.#mute.has(id));
    const sent = [...this.#open.values()].map(({ router }) => router.send(heard.filter(router.isOwn), ...frames));
    return (await Promise.all(sent)).flat();
  }

  /** Tells it that this is the end; whatever it says after that is not heard. */
  async hangUp(id: string): Promise<void> {
    const door = [...this.#open.values()].find(({ router }) => router.isOwn(id));
    if (!door?.links.delete(id)) return;
    this.#mute.add(id);
    this.#inputs.push({ type: 'disconnected', from: id });
    await door.router.send([id], goneText);
  }

  /** Whoever is linked must come anew, for some may not any more. */
  redial(): void {
    for (const { router } of this.#open.values()) router.redial();
  }

  /** This machine does not have the address any more, or all is over. */
  async close(address: string): Promise<void> {
    const door = this.#open.get(address);
    this.#open.delete(address);
    for (const from of door?.links ?? []) this.#inputs.push({ type: 'disconnected', from });
    door?.links.clear();
    await door?.router.close();
  }

  async #read(door: Door): Promise<void> {
    for await (const inputs of door.router.inputs) {
      for (const input of inputs) this.#hear(door, input as Input & { type: 'bytes' | 'frame' });
      await this.#inputs.room(maxQueuedInputs);
    }
  }

  #hear(door: Door, input: Input & { type: 'bytes' | 'frame' }): void {
    const { from } = input;
    // A door that was opened anew has lost everybody, and says so.
    const isOver = input.type === 'frame' || isEnd(input.data);
    if (isOver) {
      this.#mute.delete(from);
      if (door.links.delete(from)) this.#inputs.push({ type: 'disconnected', from });
    } else if (!this.#mute.has(from) && this.#open.get(door.address) === door) {
      door.links.add(from);
      this.#inputs.push(input);
    }
  }
}
