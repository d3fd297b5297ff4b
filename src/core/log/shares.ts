import { dayMs, type Pace } from '../limits.ts';
import type { Retention } from './ledger.ts';
import type { Log } from './log.ts';
import type { Change } from './store.ts';

type Clock = (ms: number) => number;
const hourMs = 3_600_000;
const hours = dayMs / hourMs;
/** All keys that came within the last day. */
const newcomers = 'newcomers';
/** So many keys are remembered with the time when they came. */
const maxKnown = 10_000;

/**
 * Whose words the log has taken in the last day. A log at its limit forgets an entry for each new one, and nobody may push
 * out what all others have said. Counted from the log, on its own clock, so that no restart changes anything; it binds only
 * where an entry would push out one of another share. [P49]
 */
export class Shares {
  /** The key under which the words of originals stand. */
  readonly room: string;
  readonly #log: Log;
  readonly #limit: number;
  readonly #half: number;
  readonly #clock: Clock;
  /** By key, and of all newcomers together; undefined until the log is at its limit. */
  #counts: Map<string, DayCount> | undefined;
  /** What was let go since the last decision, and what is decided about now: how many of each, and in all. */
  #asked = new Map<string, number>();
  #deciding = new Map<string, number>();
  #underWay = { asked: 0, deciding: 0 };
  /** When members came, as far as that was asked for. */
  readonly #firstMs = new Map<string, number>();
  /** The place that goes next, and whose it is. */
  #oldest: { seq: number; key: string | undefined } = { seq: 0, key: undefined };

  /** @param clock the log's own time, by this program's */
  constructor(log: Log, { entries }: Retention, { part, least }: Pace['share'], room: string, clock: Clock) {
    this.#log = log;
    this.#limit = entries;
    this.#half = Math.max(Math.floor(entries * part), least) / 2;
    this.room = room;
    this.#clock = clock;
  }

  /** Each entry from now on pushes out another one. */
  get areScarce(): boolean {
    return this.#next > this.#limit;
  }

  /** Whether something of this author may be written now. */
  allow(key: string, ms: number): boolean {
    if (!this.areScarce) return true;
    const ranMs = this.#clock(ms);
    const who = this.#groupOf(key, ranMs);
    const { said, lastMs } = this.#countOf(who, ranMs);
    const asked = (this.#asked.get(who) ?? 0) + (this.#deciding.get(who) ?? 0);
    const oldest = this.#ownerOfOldest;
    const isTheirs = oldest !== undefined && this.#groupOf(oldest, ranMs) === who;
    if (said + asked < this.#half || isTheirs) return true;
    // Of the other half one at a time, spread over a day.
    return asked === 0 && ranMs - lastMs >= dayMs / this.#half;
  }

  /** How long one message of this author must wait for the next, if so much has been said. */
  waitMs(key: string, ms: number): number {
    return this.allow(key, ms) ? 0 : dayMs / this.#half;
  }

  /** It is let go, and not decided yet. */
  ask(key: string, ms: number): void {
    this.#underWay.asked++;
    if (!this.areScarce) return;
    const who = this.#groupOf(key, this.#clock(ms));
    this.#asked.set(who, (this.#asked.get(who) ?? 0) + 1);
  }

  /** All that was let go is decided about now. */
  decide(): void {
    [this.#deciding, this.#asked] = [this.#asked, this.#deciding];
    this.#underWay = { asked: 0, deciding: this.#underWay.asked };
  }

  /** It was decided about; what came of it is in the log. */
  decided(): void {
    this.#deciding.clear();
    this.#underWay.deciding = 0;
  }

  /** Whether this key came within the last day. */
  isNewcomer(key: string, ms: number): boolean {
    return this.#isNew(key, this.#clock(ms));
  }

  tidy(ms: number): void {
    const hour = Math.floor(this.#clock(ms) / hourMs);
    for (const [who, count] of this.#counts ?? []) {
      count.reach(hour);
      if (count.said === 0) this.#counts?.delete(who);
    }
  }

  settle({ entries = [] }: Change): void {
    if (this.#counts) for (const { ranMs, message } of entries) this.#count(message?.key ?? '', ranMs, 1);
  }

  /** How long the log would be with the next entry. */
  get #next(): number {
    const { head, first } = this.#log;
    return head - first + 2 + this.#underWay.asked + this.#underWay.deciding;
  }

  get #ownerOfOldest(): string | undefined {
    const seq = this.#log.first + this.#next - 1 - this.#limit;
    if (this.#oldest.seq !== seq) this.#oldest = { seq, key: this.#log.read(seq, 1)[0]?.message?.key };
    return this.#oldest.key;
  }

  #countOf(who: string, ranMs: number): DayCount {
    if (!this.#counts) {
      this.#counts = new Map();
      const since = Math.floor(ranMs / hourMs) - hours;
      for (const { key, count, lastMs } of this.#log.store.authors(since * hourMs, hourMs))
        this.#count(key, lastMs, count);
    }
    const count = this.#counts.get(who) ?? new DayCount();
    count.reach(Math.floor(ranMs / hourMs));
    return count;
  }

  #count(key: string, ranMs: number, count: number): void {
    const hour = Math.floor(ranMs / hourMs);
    for (const who of this.#isNew(key, hour * hourMs) ? [key, newcomers] : [key]) {
      const known = this.#counts?.get(who) ?? new DayCount();
      this.#counts?.set(who, known);
      known.add(count, hour, ranMs);
    }
  }

  /** Whose share it is: all newcomers have one together, so a room that is younger than a day has nobody to protect from them. */
  #groupOf(key: string, ranMs: number): string {
    return this.#isNew(key, ranMs) ? newcomers : key;
  }

  /** Whoever is no member is as new as can be. */
  #isNew(key: string, ranMs: number): boolean {
    if (key === this.room) return false;
    const firstMs = this.#firstMs.get(key) ?? this.#log.store.member(key)?.firstMs ?? ranMs;
    if (this.#firstMs.size >= maxKnown) this.#firstMs.clear();
    if (firstMs !== ranMs) this.#firstMs.set(key, firstMs);
    return ranMs - firstMs < dayMs;
  }
}

/** How much somebody has said in the last day, which ends with the hour that was reached. */
class DayCount {
  said = 0;
  lastMs = Number.NEGATIVE_INFINITY;
  readonly #hours = new Array<number>(hours + 1).fill(0);
  #hour = 0;

  add(count: number, hour: number, ranMs: number): void {
    this.reach(hour);
    this.#hours[hour % this.#hours.length] = (this.#hours[hour % this.#hours.length] ?? 0) + count;
    this.said += count;
    this.lastMs = Math.max(this.lastMs, ranMs);
  }

  /** What was said a day before it counts no more. */
  reach(hour: number): void {
    const first = Math.max(this.#hour + 1, hour - hours);
    for (let next = first; next <= hour; next++) {
      this.said -= this.#hours[next % this.#hours.length] ?? 0;
      this.#hours[next % this.#hours.length] = 0;
    }
    this.#hour = Math.max(this.#hour, hour);
  }
}
