import type { Full, Input } from '../core/turn.ts';
import { bindEndpoints, portOf } from './endpoint.ts';
import { RouterLink } from './router.ts';
import type { Encryption } from './sockets.ts';

/** All doors of one room: what comes in by any of them is one stream, and what goes out finds its own. */
export class Doors {
  readonly #doors: RouterLink[] = [];
  readonly #areOpenToAll: boolean;

  /** @param areOpenToAll nobody is asked who may come in by an open one */
  constructor(areOpenToAll = false) {
    this.#areOpenToAll = areOpenToAll;
  }

  /** Opens another one, and returns its port. */
  async open(ip: string, port: number, encryption?: Encryption): Promise<number> {
    const [first = '', ...others] = await bindEndpoints(ip, port);
    const door = new RouterLink(encryption, undefined, this.#areOpenToAll && encryption === undefined);
    // An open socket would keep the process.
    this.#doors.push(door);
    return portOf(await door.bind(first, ...others));
  }

  get inputs(): AsyncGenerator<Input[]>[] {
    return this.#doors.map(({ inputs }) => inputs);
  }

  /** As that of one door. */
  async send(to: readonly string[], ...frames: string[]): Promise<Full[]> {
    const [only, ...others] = this.#doors;
    if (only && others.length === 0) return only.send(to, ...frames);
    const sent = this.#doors.map((door) => door.send(to.filter(door.isOwn), ...frames));
    return (await Promise.all(sent)).flat();
  }

  /** Whoever came in by the encrypted door must come anew. */
  redial(): void {
    for (const door of this.#doors) if (door.isSecure) door.redial();
  }

  async close(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.close()));
  }
}
