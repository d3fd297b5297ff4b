import type { Notice } from '../../protocol/frames.ts';
import { sessionTimeoutMs } from '../limits.ts';
import type { Feed } from '../log/feed.ts';
import { sentence } from '../original.ts';
import type { Session } from './intake.ts';
import { type Departure, Members } from './members.ts';

/** Which connections are in the room, which members that makes, and what the room is told of it. */
export class Presence {
  readonly #server: string;
  readonly #feed: Feed;
  readonly #members = new Members();
  readonly #sessions = new Map<string, Session>();
  readonly #devices = new Map<string, string>();

  /** @param feed takes the notices, in the name of `server` */
  constructor(server: string, feed: Feed) {
    this.#server = server;
    this.#feed = feed;
  }

  /** How many members there are, and the names of those who came first. */
  get online(): number {
    return this.#members.online;
  }

  get names(): string[] {
    return this.#members.names;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Routing ids of the version-1 sessions, or of those of the original's clients. */
  routingIds(isGuest: boolean): string[] {
    return [...this.#sessions].filter(([, session]) => session.isGuest === isGuest).map(([from]) => from);
  }

  /** Names that members go by, and whose they are. */
  get namesInUse(): { name: string; key: string }[] {
    return this.routingIds(false).flatMap((from) => {
      const session = this.at(from);
      return session ? { name: session.name, key: session.who } : [];
    });
  }

  at(from: string): Session | undefined {
    return this.#sessions.get(from);
  }

  /** The newest connection of a device. */
  ofDevice(dev: string): string | undefined {
    return this.#devices.get(dev);
  }

  /** A session is in the room; `before` is the name that this one, or the one it takes the place of, went by. */
  enter(from: string, session: Session, before?: string): void {
    this.#forget(from);
    this.#sessions.set(from, session);
    this.#devices.set(session.dev, from);
    const arrival = this.#members.enter(session.who, session.name, from, before);
    if (arrival?.type === 'joined') this.#announce({ notice: 'join', who: session.name });
    if (arrival?.type === 'renamed') this.#announce({ notice: 'rename', who: session.name, was: arrival.was });
  }

  /** It said goodbye. */
  leave(from: string): Session | undefined {
    const session = this.#forget(from);
    const departure = session && this.#members.leave(session.who, from);
    if (departure) this.#tellDeparture(departure);
    return session;
  }

  /** It is gone without a word. */
  lose(from: string, nowMs: number): void {
    // A client of the original comes back as somebody new, so waiting for it would only count a ghost.
    if (this.at(from)?.isGuest) return void this.leave(from);
    const session = this.#forget(from);
    if (session) this.#members.lose(session.who, from, nowMs);
  }

  /** Another session has taken its place. */
  replace(from: string): void {
    const session = this.#forget(from);
    if (session) this.#members.leave(session.who, from);
  }

  /** Tells whose grace is over. Returns the version-1 sessions that have expired. */
  expire(nowMs: number): string[] {
    for (const departure of this.#members.expire(nowMs)) this.#tellDeparture(departure);
    return this.routingIds(false).filter((from) => nowMs - (this.at(from)?.heardAtMs ?? 0) > sessionTimeoutMs);
  }

  #forget(from: string): Session | undefined {
    const session = this.#sessions.get(from);
    this.#sessions.delete(from);
    if (session && this.#devices.get(session.dev) === from) this.#devices.delete(session.dev);
    return session;
  }

  #tellDeparture({ name, reason }: Departure): void {
    this.#announce({ notice: 'leave', who: name, reason });
  }

  #announce(facts: Pick<Notice, 'notice' | 'who' | 'was' | 'reason'>): void {
    const told = { ...facts, online: this.online };
    this.#feed.announce({ kind: 'notice', name: this.#server, ...told, text: sentence(told) });
  }
}
