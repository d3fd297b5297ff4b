import { type Mutant, of } from './mutate.ts';

/** The rules of how much one may do, and how fast. */
export const paceMutants: Mutant[] = [
  ...of('room/pacing', [
    ['nobody writes faster than the room takes', 'own.has(ms) && (group?.has(ms) ?? true)', 'true'],
  ]),
  ...of('room/intake', [
    ['whoever is slowed is told at once', 'else if (this.pacing.holds(session.who))', 'else if (false)'],
    ['what is wrong costs more', 'this.#hearing.charge(from, known ?? points.wrong);', ';'],
    ['whoever is not heard is told', 'else if (session)\n                this.#sendAway(from);', ''],
  ]),
  ...of('room/room', [['what was written counts', 'this.#intake.shares.settle(input.change);', ';']]),
  ...of('room/hearing', [['a connection has a budget', 'if (ear.budget.take(points, ms))', 'if (true)']]),
  ...of('member/pulse', [
    ['whoever is slowed waits for that', 'copy.buffer.behind > 0 || held > 0 ||', 'copy.buffer.behind > 0 ||'],
  ]),
  ...of('log/shares', [
    ['one author pushes out a share', 'if (said + asked < this.#half ||', 'if (true ||'],
    ['newcomers share a share', 'return ranMs - firstMs < dayMs;', 'return false;'],
    ['shares are counted from the log', 'of this.#log.store.authors(since * hourMs, hourMs))', 'of [])'],
    ['a log with room is free', 'if (!this.areScarce)\n            return true;', ''],
    ['own words may be pushed out', 'this.#half || isTheirs)', 'this.#half)'],
  ]),
  ...of('log/judge', [['nobody owns all names', 'if (names.size < maxOwnNames ||', 'if (true ||']]),
  ...of('room/door', [['names change seldom', '!this.#parts.pacing.mayRename(key, dev, name, now.ms)', 'false']]),
];
