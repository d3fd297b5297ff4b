import { connectEndpoints } from './endpoint.ts';

/** A name is asked for again at most this often: who has no answer asks nobody else the same all the time. */
const freshMs = 3_000;

/** The way to a host: all addresses of its name, one after the other, for as long as it takes. */
export class Route {
  readonly #lookUp: () => Promise<readonly string[]>;
  #endpoints: readonly string[] = [];
  #askedAtMs = Number.NEGATIVE_INFINITY;
  /** Where it leads now. */
  endpoint = '';

  private constructor(lookUp: () => Promise<readonly string[]>) {
    this.#lookUp = lookUp;
  }

  /** Throws a ChatError if the name is not known. */
  static async to(ip: string, port: number, lookUp = () => connectEndpoints(ip, port)): Promise<Route> {
    const route = new Route(lookUp);
    await route.#ask();
    return route;
  }

  /** Nobody was reached: turns to the next address, of those that the name has by now. */
  async turn(): Promise<void> {
    // Who has lost the network has lost those who know names, too: what was known is tried on.
    if (performance.now() - this.#askedAtMs >= freshMs) await this.#ask().catch(() => {});
    const at = this.#endpoints.indexOf(this.endpoint);
    this.endpoint = this.#endpoints[(at + 1) % this.#endpoints.length] ?? this.endpoint;
  }

  async #ask(): Promise<void> {
    this.#askedAtMs = performance.now();
    this.#endpoints = await this.#lookUp();
    this.endpoint ||= this.#endpoints[0] ?? '';
  }
}
