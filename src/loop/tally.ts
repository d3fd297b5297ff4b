import type { Span } from '../core/events.ts';

type Unsettled = { inDoubt: number; ungiven: number };
type Whole = Required<Span>;

/** A pipe is read only while fewer lines than this are under way. */
export const maxUnderWay = 256;

/** The lines of a pipe by their numbers, and which of them have not arrived. */
export class Tally {
  /** Nothing is left to be read. */
  isWhole = false;
  /** What was neither taken nor will arrive. */
  inDoubt = 0;
  notSent = 0;
  #read = 0;
  /** The newest lines that the conversation has taken: it knows which of them have arrived. */
  #taken: number[] = [];
  #inDoubt: Whole[] = [];
  #notSent: Whole[] = [];

  next(): void {
    this.#read++;
  }

  take(): void {
    this.#taken.push(this.#read);
    if (this.#taken.length > 4 * maxUnderWay) this.#taken.splice(0, 2 * maxUnderWay);
  }

  refuse(): void {
    this.notSent++;
    add(this.#notSent, one(this.#read));
  }

  /** So much of what was taken has not arrived: the newest lines, for they go out in their order. */
  settle({ inDoubt, ungiven }: Unsettled): void {
    const late = this.#taken.splice(0).slice(-(inDoubt + ungiven) || Number.POSITIVE_INFINITY);
    for (const line of late.slice(0, inDoubt)) add(this.#inDoubt, one(line));
    for (const line of late.slice(inDoubt)) add(this.#notSent, one(line));
    this.inDoubt += inDoubt;
    this.notSent += ungiven;
  }

  get spans(): { arrived: Span[]; inDoubt: Span[]; notSent: Span[] } {
    const missing = join([...this.#inDoubt, ...this.#notSent]);
    const ends = [...missing, { from: this.#read + 1, to: this.#read + 1 }];
    const arrived = ends.map(({ from }, i) => ({ from: (ends[i - 1]?.to ?? 0) + 1, to: from - 1 }));
    const joined = join(this.#notSent);
    const notSent = this.isWhole ? joined : openEnded(joined, this.#read);
    return { arrived: arrived.filter(({ from, to }) => from <= to), inDoubt: this.#inDoubt, notSent };
  }
}

const one = (line: number): Whole => ({ from: line, to: line });

/** Neighbours share a span. */
function add(spans: Whole[], { from, to }: Whole): void {
  const last = spans.at(-1);
  if (last?.to === from - 1) last.to = to;
  else spans.push({ from, to });
}

function join(spans: readonly Whole[]): Whole[] {
  const joined: Whole[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) add(joined, span);
  return joined;
}

/** What was not read was not sent. */
function openEnded(spans: Whole[], read: number): Span[] {
  const last = spans.at(-1);
  return last?.to === read ? [...spans.slice(0, -1), { from: last.from }] : [...spans, { from: read + 1 }];
}
