import { expect, test } from 'vitest';
import { agreedAtMs, judge, judgeHeads, type Printed, percentile, reachedAtMs, type Story } from './judge.ts';

type Short = Omit<Printed, 'atMs'>;
const [first, second] = [
  { by: 'ann', text: 'one', atMs: 0 },
  { by: 'ann', text: 'two', atMs: 1 },
];
const message = (id: string, text: string, seq?: number): Short =>
  seq === undefined ? { type: 'message', id, text, provisional: true } : { type: 'message', id, text, seq };
const placed = (id: string, seq: number): Short => ({ type: 'placed', id, seq });
const good = [message('a.1', 'one', 1), message('a.2', 'two', 2)];
const timed = (events: Short[]): Printed[] => events.map((event, i) => ({ ...event, atMs: 10 * (i + 1) }));

/** Bo has everything as it should be; of ann this is what it printed. */
const story = (...ofAnn: Short[]): Story => ({
  said: [first, second],
  printed: new Map([
    ['ann', timed(ofAnn)],
    ['bo', timed(good)],
  ]),
});
const found = (...ofAnn: Short[]) => judge(story(...ofAnn)).map(({ kind }) => kind);

test('one order, each line once: nothing is wrong, in whatever way the places came', () => {
  expect(found(...good)).toEqual([]);
  expect(found(message('a.2', 'two'), message('a.1', 'one'), placed('a.1', 1), placed('a.2', 2))).toEqual([]);
});

test.for<[string, Short[], string[]]>([
  ['lost: never shown', [message('a.1', 'one', 1)], ['lost']],
  ['lost: withdrawn', [...good, { type: 'withdrawn', id: 'a.2' }], ['lost']],
  ['lost: a client that says so', [...good, { type: 'gap' }], ['lost']],
  ['twice: in the log after it was provisional', [message('a.1', 'one'), ...good], ['twice', 'twice']],
  ['twice: under two ids', [...good, message('a.3', 'two', 3)], ['twice']],
  ['told of a place twice', [...good, placed('a.2', 2)], ['order']],
  ['places that do not rise', good.toReversed(), ['order']],
  ['left provisional', [message('a.1', 'one', 1), message('a.2', 'two')], ['unplaced']],
])('%s', ([, ofAnn, kinds]) => {
  expect(found(...ofAnn).sort()).toEqual(kinds);
});

test('another order at one client: at each place are two messages, and each message has two places', () => {
  const whats = judge(story(message('a.2', 'two', 1), message('a.1', 'one', 2))).map(({ what }) => what);
  expect(whats).toContain('a.1 has two places');
  expect(whats).toContain('place 1 has two messages');
});

test('an author whose lines stand the wrong way round, for everybody', () => {
  const swapped = timed([message('a.2', 'two', 1), message('a.1', 'one', 2)]);
  expect(judge({ ...story(), printed: new Map([['bo', swapped]]) })).toMatchObject([{ kind: 'order' }]);
});

test('logs on disk: all are there, and end alike', () => {
  expect(judgeHeads(['2 x', '2 x'], 2)).toEqual([]);
  expect(judgeHeads(['2 x', '2 y'], 2)).toMatchObject([{ kind: 'order' }]);
  expect(judgeHeads(['2 x'], 2)).toMatchObject([{ kind: 'order' }]);
});

test('times: when the others have it, and when all know all places', () => {
  const never = Number.POSITIVE_INFINITY;
  expect(reachedAtMs(story(...good), first, ['ann', 'bo'])).toBe(10);
  expect(reachedAtMs(story(message('a.1', 'one', 1)), { ...second, by: 'bo' }, ['ann', 'bo'])).toBe(never);
  const later = [message('a.1', 'one'), message('a.2', 'two')];
  expect(agreedAtMs(story(...later, placed('a.1', 1), placed('a.2', 2)))).toBe(40);
  expect(agreedAtMs(story(...later))).toBe(never);
  expect([percentile([3, 1, 2], 0.5), percentile([1, 2, 3], 0.99), percentile([], 0.5)]).toEqual([2, 3, Number.NaN]);
});
