import type { ChatEvent } from '../core/events.ts';
import { heldDays } from '../core/limits.ts';
import type { Waiting } from '../core/turn.ts';
import { lineOf } from './draft.ts';
import { counted, list } from './render.ts';

type Event<Type> = Extract<ChatEvent, { type: Type }>;
/** An event to be shown, if it needs words, and whom to tell when its text, and all before it, has left the program. */
export type Shown = { event?: ChatEvent; taken?: (() => void) | undefined };

/** Who is near is found in so long: until then nothing is said of the server, and nothing at all if it is back by then. */
const seekingMs = 2_000;
/** What the server has is held for so long after it is back, so that one line can say first what became of all. */
const settling = { leastMs: 300, mostMs: 3_000 };
const quoted = 40;

/**
 * What a person is told of a time without the server: one line when it begins, one when it is over, and nothing twice.
 *
 *   together --the server is away--> seeking --somebody is near--> cut --it is back--> settling --> together
 *            seeking --it is back, or nobody is near--> as if there was nobody else
 *
 * Lines that were shown without a place (`~`) stay as they stand; what became of them is counted.
 */
export class Cut {
  #near: readonly string[] = [];
  /** Also before the server was met. */
  #isOffline = true;
  /** The person was told of it. */
  #isCut = false;
  /** That the server is away was not said yet. */
  #unsaid: ChatEvent | undefined;
  /** What is shown then, in this order. */
  #held: Shown[] = [];
  #isSettling = false;
  /** Since when it seeks, or settles. */
  #sinceMs = 0;
  #isReplaying = false;
  #missed = 0;
  /** What was shown without a place and has none yet, by id; and of what has one by now, the places, in the order shown. */
  readonly #open = new Map<string, Event<'message'>>();
  #order: string[] = [];
  readonly #places = new Map<string, number | undefined>();
  /** What the person has typed, and the room has not taken. */
  readonly #dropped: (line: string) => void;

  /** @param dropped is given lines that are to be found again under Up */
  constructor(dropped: (line: string) => void) {
    this.#dropped = dropped;
  }

  /** Something is held that was not shown yet. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** Own words among it: until then they wait. */
  get ownHeld(): Waiting[] {
    return this.#held.flatMap(({ event }) =>
      event?.type === 'message' && event.own && !event.replay ? waitingOf(event) : [],
    );
  }

  /** After how long to `look`, in ms. */
  waitMs(nowMs: number): number | undefined {
    const passedMs = this.#passedMs(nowMs);
    const dueMs = this.#dueMs.find((ms) => ms > passedMs);
    return dueMs === undefined ? undefined : dueMs - passedMs;
  }

  get #dueMs(): number[] {
    if (this.#unsaid) return [seekingMs];
    return this.#isSettling ? [settling.leastMs, settling.mostMs] : [];
  }

  /** The clock of the machine may have been set back. */
  #passedMs(nowMs: number): number {
    return Math.abs(nowMs - this.#sinceMs);
  }

  /** What is to be shown now, in this order. `taken` is called for what is shown, and for what is not, in order. */
  take(event: ChatEvent, taken: (() => void) | undefined, nowMs: number): Shown[] {
    const before = event.type === 'state' && event.state !== 'online' ? this.#interrupt(event) : [];
    const shown = told(this.#hear(event, nowMs), taken);
    if (this.#isSettling && !isAnswer(event, taken)) this.#held.push(...shown.splice(0));
    return [...before, ...shown, ...this.look(nowMs)];
  }

  /** What is to be shown because it is time. */
  look(nowMs: number): Shown[] {
    const passedMs = this.#passedMs(nowMs);
    if (this.#unsaid) return passedMs >= seekingMs ? told(this.#say()) : [];
    if (!this.#isSettling) return [];
    const isSettled = this.#open.size === 0 && !this.#isReplaying;
    return passedMs >= (isSettled ? settling.leastMs : settling.mostMs) ? this.#end() : [];
  }

  #hear(event: ChatEvent, nowMs: number): ChatEvent[] {
    if (event.type === 'near') return this.#nearby(event);
    if (event.type === 'state' && event.state === 'offline') return this.#lose(event, nowMs);
    if (event.type === 'state' && event.state === 'online') return this.#find(event, nowMs);
    if (event.type === 'state') return [...this.#say(), event];
    if (event.type === 'message' && event.provisional) return this.#provisional(event);
    if (event.type === 'placed') return this.#place(event.id, event.seq, nowMs);
    if (event.type === 'withdrawn') return this.#withdraw(event, nowMs);
    if ((event.type === 'replay' || event.type === 'replayed') && !event.first)
      this.#isReplaying = event.type === 'replay';
    if (event.type === 'message' && event.replay && this.#isReplaying) this.#missed++;
    return [event];
  }

  #nearby(event: Event<'near'>): ChatEvent[] {
    this.#near = event.names;
    const isNews = this.#isOffline && !this.#isCut && !this.#unsaid && event.names.length > 0;
    return [...(isNews ? this.#begin() : []), event];
  }

  #lose(event: Event<'state'> & { state: 'offline' }, nowMs: number): ChatEvent[] {
    this.#isOffline = true;
    if (this.#isCut) return [];
    if (!event.seeking) return [event];
    [this.#unsaid, this.#sinceMs] = [event, nowMs];
    return [];
  }

  /** Who is there by now is named. */
  #say(): ChatEvent[] {
    const event = this.#unsaid;
    this.#unsaid = undefined;
    if (!event) return [];
    return this.#near.length > 0 ? this.#begin() : [event];
  }

  #begin(): ChatEvent[] {
    [this.#isCut, this.#unsaid] = [true, undefined];
    this.#order = [...this.#open.keys()];
    const whom = this.#near.length > 0 ? list(this.#near) : 'those who are near';
    const message = `the server does not answer; talking with ${whom} directly`;
    return [{ type: 'status', code: 'CUT', message }];
  }

  /** Own words that others have before the server does say so; those of others come also to who still has the server. */
  #provisional(event: Event<'message'>): ChatEvent[] {
    const isNews = !this.#isCut && (event.own || this.#isOffline);
    const begun = isNews ? this.#begin() : [];
    this.#open.set(event.id ?? '', event);
    if (this.#isCut) this.#order.push(event.id ?? '');
    return [...begun, event];
  }

  #find(event: ChatEvent, nowMs: number): ChatEvent[] {
    const isSaid = !this.#unsaid && !this.#isCut;
    [this.#isOffline, this.#unsaid] = [false, undefined];
    if (this.#isCut) this.#settle(nowMs);
    return isSaid ? [event] : [];
  }

  #settle(nowMs: number): void {
    if (this.#isSettling) return;
    [this.#isSettling, this.#sinceMs, this.#isReplaying, this.#missed] = [true, nowMs, false, 0];
  }

  #place(id: string, seq: number | undefined, nowMs: number): ChatEvent[] {
    this.#open.delete(id);
    if (this.#isCut) this.#places.set(id, seq);
    this.#isOnlySlow(nowMs);
    return [];
  }

  /** It is there again without ever having been given up. */
  #isOnlySlow(nowMs: number): void {
    if (this.#isCut && !this.#isOffline) this.#settle(nowMs);
  }

  #withdraw(event: Event<'withdrawn'>, nowMs: number): ChatEvent[] {
    const { id, reason } = event;
    const shown = this.#open.get(id);
    this.#open.delete(id);
    this.#isOnlySlow(nowMs);
    // An earlier run may have shown it.
    const { from, text } = shown ?? event;
    if (!from || text === undefined) return [];
    if (shown?.own) this.#dropped(lineOf(shown));
    const what = `${shown?.own ? 'your line' : `what ${from.name} said`}, "${shortened(text)}",`;
    const back = shown?.own ? ' Up brings it back.' : '';
    return [{ type: 'status', code: 'WITHDRAWN', message: `${what} ${reasons[reason]}.${back}` }];
  }

  /** The server is gone again before all was told; or this program ends, and what is not shown now comes next time. */
  #interrupt({ state }: Event<'state'>): Shown[] {
    if (state === 'closing') {
      this.#held = this.#held.filter(({ event, taken }) => event?.type === 'status' && !taken);
      this.#missed = 0;
    }
    return this.#isSettling ? this.#end() : [];
  }

  #end(): Shown[] {
    const words: ChatEvent = { type: 'status', code: 'HEALED', message: this.#sum() };
    // The line before it says the same.
    const isSaid = (event?: ChatEvent) => event?.type === 'replay' && !event.first && event.count === event.total;
    const held = this.#held.splice(0).map((one) => (isSaid(one.event) ? { taken: one.taken } : one));
    [this.#isCut, this.#isSettling, this.#order] = [false, false, []];
    this.#places.clear();
    return [{ event: words }, ...held];
  }

  /** `back with the server: 23 lines have their place, 4 in another order than above (/history); 9 from the others follow` */
  #sum(): string {
    const placed = this.#order.filter((id) => this.#places.has(id));
    const seqs = placed.flatMap((id) => this.#places.get(id) ?? []);
    const moved = seqs.length - longestRising(seqs);
    const waiting = this.#order.filter((id) => this.#open.has(id)).length;
    const parts = [
      placed.length > 0 && `${counted(placed.length, 'line')} ${placed.length === 1 ? 'has its' : 'have their'} place`,
      moved > 0 && `${moved} in another order than above (/history)`,
      waiting > 0 && `${waiting} ${waiting === 1 ? 'waits for its' : 'wait for their'} place`,
    ];
    const follow = this.#missed > 0 && `${this.#missed} from the others ${this.#missed === 1 ? 'follows' : 'follow'}`;
    const all = [parts.filter(Boolean).join(', '), follow].filter(Boolean).join('; ');
    return all === '' ? 'back with the server' : `back with the server: ${all}`;
  }
}

const reasons = {
  refused: 'was not taken by the room',
  replaced: 'is not what the room has: its author has signed two',
  lost: 'was lost with a log of the server',
  waited: `has waited for ${heldDays} days for what was said before it, and is given up`,
};

/** It is sent, and is never said to be late. */
const waitingOf = ({ text, action }: Event<'message'>): Waiting => ({
  text,
  ts: Number.POSITIVE_INFINITY,
  ...(action && { type: 'action' }),
});

/** What the person has just asked for is not waited for. */
const isAnswer = (event: ChatEvent, taken: Shown['taken']): boolean =>
  taken === undefined && (['takenBack', 'error'].includes(event.type) || ('code' in event && event.code === 'ANSWER'));

const shortened = (text: string): string => {
  const [line = ''] = text.split('\n');
  return line.length > quoted || line !== text ? `${line.slice(0, quoted)}…` : line;
};

/** `taken` belongs to the last of them; where nothing is shown it still has its place in the order. */
function told(events: readonly ChatEvent[], taken?: () => void): Shown[] {
  if (events.length === 0) return taken ? [{ taken }] : [];
  return events.map((event, i) => ({ event, ...(taken && i === events.length - 1 && { taken }) }));
}

/** So many of the numbers, all of them different, need not move for all to rise. */
export function longestRising(numbers: readonly number[]): number {
  /** With which number a rise of this length ends at the lowest. */
  const ends: number[] = [];
  for (const number of numbers) ends[placeIn(ends, number)] = number;
  return ends.length;
}

/** How many of the rising numbers are lower. */
function placeIn(rising: readonly number[], number: number): number {
  let [from, to] = [0, rising.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((rising[middle] as number) < number) from = middle + 1;
    else to = middle;
  }
  return from;
}
