/** What a client printed with `--json`, and when that was read. */
export type Printed = {
  atMs: number;
  type: string;
  state?: string;
  id?: string;
  seq?: number;
  text?: string;
  provisional?: boolean;
  code?: string;
};
export type Line = { by: string; text: string; atMs: number };
/** All that was typed into the clients, each text once, and all that each of them has printed. */
export type Story = { said: readonly Line[]; printed: ReadonlyMap<string, readonly Printed[]> };

/**
 *   lost      a line that a client never showed, or has withdrawn; a client that says that something is missing
 *   twice     an id or a text that a client has shown twice
 *   order     a client whose places do not rise; two places of one id, two ids at one place; an author's lines in another order
 *   unplaced  a line that a client still shows as provisional
 */
export const kinds = ['lost', 'twice', 'order', 'unplaced'] as const;
export type Fault = { kind: (typeof kinds)[number]; what: string };
const alarms = ['gap', 'contradiction', 'lost', 'error'];

export function judge({ said, printed }: Story): Fault[] {
  const clients = [...printed].flatMap(([name, events]) => judgeClient(name, events, said));
  return [...clients, ...judgeLog(said, [...printed.values()].flat())];
}

function judgeClient(name: string, events: readonly Printed[], said: readonly Line[]): Fault[] {
  const messages = events.filter(isMessage);
  const texts = messages.map(({ text = '' }) => text);
  const seqs = events.flatMap(({ seq }) => seq ?? []);
  const placed = new Set(placesIn(events).map(([id]) => id));
  const fault = (kind: Fault['kind'], what: string): Fault => ({ kind, what: `${name}: ${what}` });
  return [
    ...said.filter(({ text }) => !texts.includes(text)).map(({ text }) => fault('lost', `never showed "${text}"`)),
    ...events.filter(({ type }) => type === 'withdrawn').map(({ id }) => fault('lost', `withdrew ${id}`)),
    ...events.filter(isAlarm).map((event) => fault('lost', JSON.stringify(event))),
    ...repeated(texts).map((text) => fault('twice', `"${text}"`)),
    ...repeated(messages.map(({ id }) => id)).map((id) => fault('twice', `${id}`)),
    ...falls(seqs).map(([before, seq]) => fault('order', `place ${seq} came after ${before}`)),
    ...messages.filter(({ id = '' }) => !placed.has(id)).map(({ text }) => fault('unplaced', `"${text}"`)),
  ];
}

/** The order that all clients together have shown. */
function judgeLog(said: readonly Line[], events: readonly Printed[]): Fault[] {
  const places = placesIn(events);
  const pairs = [...new Map(places.map((place) => [place.join(' '), place])).values()];
  const placeOf = new Map(places);
  const idOf = new Map(events.filter(isMessage).map(({ text, id = '' }) => [text, id]));
  const placesBy = (name: string) =>
    said.flatMap(({ by, text }) => (by === name ? (placeOf.get(idOf.get(text) ?? '') ?? []) : []));
  const authors = [...new Set(said.map(({ by }) => by))];
  const order = (what: string): Fault => ({ kind: 'order', what });
  return [
    ...repeated(pairs.map(([id]) => id)).map((id) => order(`${id} has two places`)),
    ...repeated(pairs.map(([, seq]) => seq)).map((seq) => order(`place ${seq} has two messages`)),
    ...authors.flatMap((by) => falls(placesBy(by)).map((pair) => order(`what ${by} said at ${pair} is swapped`))),
  ];
}

/** With what each one's log ends on its disk: of so many, and all alike. */
export function judgeHeads(heads: readonly string[], count: number): Fault[] {
  const isOne = heads.length === count && new Set(heads).size === 1;
  return isOne ? [] : [{ kind: 'order', what: `the logs end with ${heads.join(', ')}` }];
}

const isMessage = ({ type }: Printed): boolean => type === 'message';
const isAlarm = ({ type, code }: Printed): boolean => alarms.includes(type) || code === 'RESTORED';
const placesIn = (events: readonly Printed[]): [string, number][] =>
  events.flatMap(({ id, seq }) => (id !== undefined && seq !== undefined ? [[id, seq]] : []));
const repeated = <T>(items: readonly T[]): T[] => [...new Set(items.filter((item, i) => items.indexOf(item) !== i))];
const falls = (numbers: readonly number[]): [number, number][] =>
  numbers.slice(1).flatMap((number, i): [number, number][] => {
    const before = numbers[i] as number;
    return number <= before ? [[before, number]] : [];
  });

/** When the last of these clients showed it; infinite if one has not. */
export function reachedAtMs({ printed }: Story, { text, by }: Line, near: readonly string[]): number {
  const others = near.filter((name) => name !== by);
  const at = (name: string) => printed.get(name)?.find((event) => isMessage(event) && event.text === text)?.atMs;
  return Math.max(...others.map((name) => at(name) ?? Number.POSITIVE_INFINITY));
}

/** When the last client learned the last place; infinite while one does not know all. */
export function agreedAtMs({ said, printed }: Story): number {
  const times = [...printed.values()].map((events) => {
    const idOf = new Map(events.filter(isMessage).map(({ text, id }) => [text, id]));
    const placedAt = new Map(events.flatMap(({ id, seq, atMs }) => (seq === undefined ? [] : [[id, atMs]])));
    return Math.max(0, ...said.map(({ text }) => placedAt.get(idOf.get(text)) ?? Number.POSITIVE_INFINITY));
  });
  return Math.max(0, ...times);
}

/** Nearest rank. */
export const percentile = (numbers: readonly number[], share: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * numbers.length) - 1)] ?? Number.NaN;
