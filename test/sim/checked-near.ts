import type { ChatEvent } from '../../src/core/events.ts';
import { dayMs, heldDays } from '../../src/core/limits.ts';
import type { Change } from '../../src/core/log/store.ts';
import type { MemoryStore } from '../../src/history/memory.ts';
import { formatId } from '../../src/protocol/signed.ts';
import type { Facts } from './checked-facts.ts';
import { Violation } from './violation.ts';

type Who = { id: string; dev: string; store: MemoryStore };

/** What people see before it has a place, and what members keep for each other. */
export class CheckedNear {
  readonly #facts: Facts;
  /** By client: what was shown as provisional, in any run, and has neither its place nor was withdrawn. */
  readonly #open = new Map<string, Set<string>>();
  /** What a client has shown in this run, in whatever form; and in any run, of others. */
  readonly #shown = new Map<string, Set<string>>();
  readonly #everShown = new Map<string, Set<string>>();
  /** What has left a client's program without a place. */
  readonly #printed = new Map<string, Set<string>>();
  /** By id: which clients had it on disk, and what its author had before its eyes. */
  readonly held = new Map<string, Set<string>>();
  readonly #before = new Map<string, string[]>();
  /** When that was, by client and id. */
  readonly #heldSince = new Map<string, number>();
  /** What the room could not take at once, for it lacked what lies before: what was said after it need not wait for ever. */
  readonly holes = new Set<string>();
  /** How many lines were shown so. */
  provisional = 0;

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** Its own words wait again; what is there of others was shown. */
  started({ id, dev, store }: Who): void {
    this.#shown.set(id, new Set());
    const waiting = store
      .pending()
      .filter(({ at, unshown, id: of }) => at === undefined && !unshown && of?.dev !== dev);
    this.#open.set(id, new Set(waiting.map(({ id: of }) => (of ? formatId(of) : ''))));
  }

  kept({ id: client, dev }: Who, { pending = [] }: Change, nowMs: number): void {
    for (const { id, at, unshown } of pending) {
      if (!id || at !== undefined || id.dev === dev) continue;
      const name = formatId(id);
      const since = `${client} ${name}`;
      if (!this.#heldSince.has(since)) this.#heldSince.set(since, nowMs);
      this.held.set(name, (this.held.get(name) ?? new Set()).add(client));
      if (unshown) continue;
      if (!this.#set(this.#printed, client).has(name))
        throw new Violation('I3', `${name} is called shown by ${client}, and was not`);
      this.#set(this.#everShown, client).add(name);
    }
  }

  /** I1p, I3: on disk, and never twice. */
  shown({ id: client, dev, store }: Who, { id = '', own }: ChatEvent & { type: 'message' }): void {
    this.provisional++;
    if (!store.pending().some(({ id: of }) => of && formatId(of) === id))
      throw new Violation('I1p', `${id} was shown by ${client} before it was on disk`);
    if (this.#set(this.#shown, client).has(id) || this.#set(this.#everShown, client).has(id))
      throw new Violation('I3', `${id} was shown again by ${client}`);
    this.#set(this.#shown, client).add(id);
    this.#set(this.#open, client).add(id);
    this.#facts.print(client, id);
    if (own !== id.startsWith(`${dev}.`)) throw new Violation('I7', `${id} is not ${client}'s own`);
  }

  printed(client: string, { id = '' }: ChatEvent & { type: 'message' }): void {
    this.#set(this.#printed, client).add(id);
  }

  /** I3: what was shown before it had its place is not shown again, over all runs where it is another one's. */
  placed({ id: client, dev }: Who, { id = '' }: ChatEvent & { type: 'message' }): void {
    const isOwn = id.startsWith(`${dev}.`);
    const isOld = this.#set(this.#shown, client).has(id) || (!isOwn && this.#set(this.#everShown, client).has(id));
    if (isOld && !this.#facts.hasRollback)
      throw new Violation('I3', `${id} was shown again by ${client}, with its place`);
    this.#set(this.#shown, client).add(id);
  }

  /** G9: what was shown has its place, or is withdrawn, which an honest room makes nobody do, but for what can never follow. */
  closed(who: Who, event: ChatEvent & { type: 'placed' | 'withdrawn' }, nowMs: number): void {
    const { id: client } = who;
    const { type, id } = event;
    const hasWaited = type === 'withdrawn' && event.reason === 'waited';
    if (hasWaited) this.#gaveUp(who, id, nowMs);
    else if (type === 'withdrawn' && !this.#facts.hasRollback && !this.#facts.refused.has(id))
      throw new Violation('G9', `${id} is withdrawn at ${client}`);
    if (!this.#set(this.#open, client).delete(id)) throw new Violation('G9', `${id} was not shown at ${client}`);
  }

  /** Only words of others that the room could not take, and no sooner than a room forgets by default. */
  #gaveUp({ id: client, dev }: Who, id: string, nowMs: number): void {
    const [author, n] = id.split('.');
    const isBehind = [...this.holes]
      .map((hole) => hole.split('.'))
      .some(([of, m]) => of === author && Number(m) <= Number(n));
    const waitedMs = nowMs - (this.#heldSince.get(`${client} ${id}`) ?? nowMs);
    if (author === dev || !isBehind || waitedMs < (heldDays - 1) * dayMs)
      throw new Violation('G9', `${id} is given up at ${client} after ${waitedMs} ms`);
    this.held.get(id)?.delete(client);
  }

  typed({ id: client }: Who, id: string): void {
    if (!this.#before.has(id)) this.#before.set(id, [...this.#set(this.#shown, client)]);
  }

  /** G9, I5p, I6: after healing nothing is provisional, what anybody holds is said, and what was seen before it stands before it. */
  healed(server: MemoryStore, clients: Who[]): void {
    const log = server.read(server.first, 1e9);
    const places = new Map(log.flatMap(({ seq, message }) => (message?.id ? [[formatId(message.id), seq]] : [])));
    const isMissing = (id: string) =>
      !places.has(id) &&
      !this.#facts.stored.has(id) &&
      !this.#facts.isOvertaken(id) &&
      !this.#facts.isStuck(id, server);
    const there = new Set(clients.map(({ id }) => id));
    for (const [id, holders] of this.held)
      if (isMissing(id) && [...holders].some((one) => there.has(one)))
        throw new Violation('I5p', `${id} was kept by ${[...holders]} and is lost`);
    for (const { id: client } of clients)
      for (const id of this.#set(this.#open, client))
        if (!this.#facts.isStuck(id, server)) throw new Violation('G9', `${id} has no place at ${client}`);
    if (this.#facts.hasRollback) return;
    for (const [id, before] of this.#before)
      for (const cause of before)
        if (!this.holes.has(cause) && (places.get(cause) ?? 0) > (places.get(id) ?? Number.POSITIVE_INFINITY))
          throw new Violation('I6', `${id} stands before ${cause}`);
  }

  /** GA: without a server, who is linked knows and shows the same. */
  agreed(near: Who[]): void {
    const waiting = near.map(
      ({ store }) =>
        new Map(
          store
            .pending()
            .flatMap(({ id, at, text }) =>
              id && at === undefined && text.length < 5_000 ? [[formatId(id), text]] : [],
            ),
        ),
    );
    for (const [i, mine] of waiting.entries())
      for (const id of mine.keys())
        for (const [j, theirs] of waiting.entries()) {
          const { store, id: client } = near[j] as Who;
          const [dev = '', n] = id.split('.');
          if (!theirs.has(id) && (store.mark(dev)?.n ?? 0) < Number(n))
            throw new Violation('GA', `${client} does not know ${id}, which ${near[i]?.id} has`);
          if (
            theirs.has(id) &&
            i !== j &&
            !this.#set(this.#shown, client).has(id) &&
            !this.#set(this.#everShown, client).has(id) &&
            near.length > 1
          )
            throw new Violation('GA', `${client} does not show ${id}`);
        }
  }

  #set(sets: Map<string, Set<string>>, client: string): Set<string> {
    const found = sets.get(client) ?? new Set<string>();
    sets.set(client, found);
    return found;
  }
}
