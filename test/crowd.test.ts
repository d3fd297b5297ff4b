import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Crowd, type Group, type Passage } from '../src/terminal/crowd.ts';

const join = (name: string, online = 0): Passage => ({ type: 'join', server: 'hall', name, online });
const leave = (name: string, online = 0, reason: 'left' | 'lost' = 'left'): Passage => ({
  type: 'leave',
  server: 'hall',
  name,
  online,
  reason,
});
const held = (...passages: Passage[]) => {
  const crowd = new Crowd();
  for (const passage of passages) crowd.add(passage, 0);
  return crowd;
};
const said = (groups: Group[]) => groups.map(({ did, names }) => `${did}: ${names.join(', ')}`);

describe('who comes and goes at once', () => {
  test.each([
    ['nobody', [], []],
    ['one who comes', [join('Ana')], ['joined: Ana']],
    ['one who comes and leaves', [join('Ana'), leave('Ana')], ['joined: Ana', 'left: Ana']],
    ['one who leaves and is back', [leave('Ana'), join('Ana')], []],
    ['one who is lost and is back', [leave('Ana', 0, 'lost'), join('Ana')], []],
    ['one who leaves, is back and leaves', [leave('Ana'), join('Ana'), leave('Ana')], ['left: Ana']],
    ['one who comes, leaves and is back', [join('Ana'), leave('Ana'), join('Ana')], ['joined: Ana']],
    [
      'several, in the order they came',
      [join('Cy'), leave('Bo'), join('Ana'), leave('Dan', 0, 'lost'), leave('Eve')],
      ['joined: Cy, Ana', 'left: Bo, Eve', 'lost: Dan'],
    ],
    ['others than who is back', [leave('Ana'), leave('Bo'), join('Ana')], ['left: Bo']],
  ])('%s', (_name, passages, expected) => expect(said(held(...passages).take(0))).toEqual(expected));

  test('is nobody who only comes to say something', () => {
    const crowd = held(join('Ana'), join('Bo'));
    expect([crowd.isPassedBy('Ana'), crowd.isPassedBy('ana')]).toEqual([false, false]);
    crowd.add(leave('Ana'), 300);
    expect(said(crowd.take(1_000))).toEqual(['joined: Bo']);
  });

  test('is who has spoken and stays, after five seconds', () => {
    const crowd = held(join('Ana'));
    crowd.isPassedBy('Ana');
    expect([said(crowd.take(4_999)), crowd.dueMs]).toEqual([[], 5_000]);
    expect([said(crowd.take(5_000)), crowd.dueMs]).toEqual([['joined: Ana'], undefined]);
  });

  test('is shown before the words of somebody who had left', () => {
    expect(held(leave('Ana')).isPassedBy('Ana')).toBe(true);
    expect(held(join('Bo'), leave('Bo')).isPassedBy('Bo')).toBe(true);
    expect(held(join('Ana')).isPassedBy('Cy')).toBe(false);
  });

  test('is one group of forty', () => {
    const names = Array.from({ length: 40 }, (_, n) => `p${n}`);
    const crowd = held(...names.map((name, n) => leave(name, 40 - n)));
    expect(crowd.take(0)).toEqual([{ did: 'left', names, server: 'hall', online: 1 }]);
  });

  test('is said with the last number and the last name of the server', () => {
    const crowd = held(join('Ana', 2), leave('Bo', 1), { ...join('Cy', 7), server: 'yard' });
    expect(crowd.take(0)).toEqual([
      { did: 'joined', names: ['Ana', 'Cy'], server: 'yard', online: 7 },
      { did: 'left', names: ['Bo'], server: 'yard', online: 7 },
    ]);
  });

  test('is said once', () => {
    const crowd = held(join('Ana'));
    expect(crowd.dueMs).toBe(700);
    crowd.take(0);
    expect(crowd.dueMs).toBeUndefined();
    expect(crowd.take(0)).toEqual([]);
  });

  test('comes out as what changed for each of them', () => {
    const people = ['Ana', 'Bo', 'Cy'];
    const step = fc.record({ name: fc.constantFrom(...people), reason: fc.constantFrom('left', 'lost') });
    fc.assert(
      fc.property(fc.subarray(people), fc.array(step, { maxLength: 20 }), (before, steps) => {
        const there = new Set(before);
        const went = new Map<string, string>();
        const crowd = new Crowd();
        for (const { name, reason } of steps)
          if (there.delete(name)) {
            crowd.add(leave(name, 0, reason), 0);
            went.set(name, reason);
          } else {
            crowd.add(join(name), 0);
            there.add(name);
          }
        const expected = people.flatMap((name) => {
          const isNew = !before.includes(name) && steps.some((one) => one.name === name);
          const isGone = (isNew || before.includes(name)) && !there.has(name);
          return [...(isNew ? [`joined: ${name}`] : []), ...(isGone ? [`${went.get(name)}: ${name}`] : [])];
        });
        const seen = crowd.take(0).flatMap(({ did, names }) => names.map((name) => `${did}: ${name}`));
        expect(seen.toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the moment to say it', () => {
  test('is never, when nobody is held', () => {
    const crowd = new Crowd();
    expect(crowd.dueMs).toBeUndefined();
    crowd.add(leave('Ana'), 0);
    crowd.add(join('Ana'), 0);
    expect(crowd.dueMs).toBeUndefined();
  });

  test('is a little after the last one', () => {
    const crowd = new Crowd();
    const dues = [1_000, 1_500, 2_000].map((atMs, n) => {
      crowd.add(join(`p${n}`), atMs);
      return crowd.dueMs;
    });
    expect(dues).toEqual([1_700, 2_200, 2_700]);
  });

  test('is five seconds after the first one at the latest', () => {
    const crowd = new Crowd();
    for (let atMs = 0; atMs < 5_000; atMs += 500) crowd.add(join(`p${atMs}`), atMs);
    expect(crowd.dueMs).toBe(5_000);
  });

  test.each([
    [4, 1_000 + 700],
    [5, 1_000 + 5_000],
    [40, 1_000 + 5_000],
  ])('is later after a crowd, not after a few: %i', (count, dueMs) => {
    const crowd = new Crowd();
    for (let n = 0; n < count; n++) crowd.add(join(`p${n}`), 0);
    crowd.take(700);
    crowd.add(leave('p0'), 1_000);
    expect(crowd.dueMs).toBe(dueMs);
    crowd.take(dueMs);
    crowd.add(join('p0'), dueMs + 1);
    expect(crowd.dueMs).toBe(dueMs + 1 + 700);
  });

  test('comes for everybody in a steady stream, in order, and for nobody twice', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 100 }), (gaps) => {
        const crowd = new Crowd();
        const saidAt: number[] = [];
        let nowMs = 1_000_000;
        const cameAt: number[] = [];
        const sayUntil = (untilMs: number) => {
          for (let dueMs = crowd.dueMs; dueMs !== undefined && dueMs <= untilMs; dueMs = crowd.dueMs) {
            const [first = 0] = cameAt.slice(saidAt.length);
            expect(dueMs - first).toBeLessThanOrEqual(5_000);
            const groups = crowd.take(dueMs);
            const numbers = groups.flatMap(({ names }) => names.map(Number));
            expect(numbers).toEqual(numbers.map((_, n) => saidAt.length + n));
            for (const _ of numbers) saidAt.push(dueMs);
          }
        };
        for (const gap of gaps) {
          nowMs += gap;
          sayUntil(nowMs);
          crowd.add(join(`${cameAt.length}`), nowMs);
          cameAt.push(nowMs);
        }
        sayUntil(Number.POSITIVE_INFINITY);
        expect(saidAt).toHaveLength(gaps.length);
      }),
      { numRuns: 500 },
    );
  });
});
