import { graceMs, maxNamed } from '../limits.ts';

type Member = { name: string; sessions: Set<string>; lostAtMs?: number };
export type Departure = { name: string; reason: 'left' | 'lost' };
/** What the room must be told of who enters; `was`: the name it knows this member by. */
export type Arrival = { type: 'joined' } | { type: 'renamed'; was: string };

/**
 * Who is in the room. A member is one person (`who`), online through one or more sessions.
 *
 *   absent --enter--> present --leave--> absent          (announced both times)
 *                     present --enter with another name--> present       (announced as a rename)
 *                     present --lose---> in grace --enter--> present     (nothing announced but a rename)
 *                                        in grace --graceMs--> absent    (announced as lost)
 */
export class Members {
  #members = new Map<string, Member>();

  /** Members present or in grace. */
  get online(): number {
    return this.#members.size;
  }

  /** The names of those who came first, as many as a welcome can say. */
  get names(): string[] {
    return [...this.#members.values()].slice(0, maxNamed).map((member) => member.name);
  }

  /**
   * A session of `who` has opened. The last name chosen counts; `before` is what this session, or the one it takes the
   * place of, went by: who only joins again chooses nothing, also if another session of `who` has chosen since.
   */
  enter(who: string, name: string, session: string, before?: string): Arrival | undefined {
    const member = this.#members.get(who);
    if (!member) {
      this.#members.set(who, { name, sessions: new Set([session]) });
      return { type: 'joined' };
    }
    member.sessions.add(session);
    delete member.lostAtMs;
    if (name === member.name || name === before) return undefined;
    const was = member.name;
    member.name = name;
    return { type: 'renamed', was };
  }

  /** A session of `who` said goodbye. Returns the departure if it was the last one. */
  leave(who: string, session: string): Departure | undefined {
    const member = this.#without(who, session);
    if (!member) return undefined;
    this.#members.delete(who);
    return { name: member.name, reason: 'left' };
  }

  /** A session of `who` broke off: the grace begins if it was the last one. */
  lose(who: string, session: string, nowMs: number): void {
    const member = this.#without(who, session);
    if (member) member.lostAtMs = nowMs;
  }

  /** Members whose grace is over, one by one: each is told with the count after it. */
  *expire(nowMs: number): Generator<Departure> {
    for (const [who, { name, lostAtMs }] of this.#members) {
      if (lostAtMs === undefined || nowMs - lostAtMs < graceMs) continue;
      this.#members.delete(who);
      yield { name, reason: 'lost' };
    }
  }

  /** The member, if `session` was its last one. */
  #without(who: string, session: string): Member | undefined {
    const member = this.#members.get(who);
    return member?.sessions.delete(session) && member.sessions.size === 0 ? member : undefined;
  }
}
