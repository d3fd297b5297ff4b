import type { Session } from './presence.ts';

/** All sessions, by the routing ids of their connections. Whose they are is found without looking at all of them. */
export class Sessions extends Map<string, Session> {
  readonly #ofDevice = new Map<string, Session>();
  readonly #counts = new Map<string, number>();
  /** Those of clients of the original. */
  readonly guests = new Set<Session>();
  #fresh: Session[] = [];

  override set(from: string, session: Session): this {
    this.delete(from);
    const { who, dev, guest } = session;
    this.#counts.set(who, this.countOf(who) + 1);
    if (dev !== undefined) this.#ofDevice.set(dev, session);
    if (guest !== undefined) this.guests.add(session);
    this.#fresh.push(session);
    return super.set(from, session);
  }

  override delete(from: string): boolean {
    const session = this.get(from);
    if (!session) return false;
    const { who, dev = '' } = session;
    const left = this.countOf(who) - 1;
    if (left > 0) this.#counts.set(who, left);
    else this.#counts.delete(who);
    if (this.#ofDevice.get(dev) === session) this.#ofDevice.delete(dev);
    this.guests.delete(session);
    return super.delete(from);
  }

  /** Those that came since the last call, and may have ended since. */
  takeFresh(): Session[] {
    return this.#fresh.splice(0);
  }

  ofDevice(dev: string): Session | undefined {
    return this.#ofDevice.get(dev);
  }

  /** How many this member has. */
  countOf(who: string): number {
    return this.#counts.get(who) ?? 0;
  }
}
