import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byCause, merged, Ordered } from '../src/core/log/ordered.ts';
import type { Message } from '../src/protocol/frames.ts';

const messages = fc.uniqueArray(
  fc
    .record({
      dev: fc.constantFrom('a', 'b', 'c'),
      n: fc.integer({ min: 1, max: 9 }),
      lc: fc.integer({ max: 5, min: 0 }),
    })
    .map(
      ({ dev, n, lc }): Message => ({
        kind: 'message',
        name: 'x',
        text: 't',
        id: { dev, n },
        lc,
        key: `key of ${dev}`,
      }),
    ),
  { selector: ({ id }) => `${id?.dev}${id?.n}`, maxLength: 27 },
);
const sorted = (all: readonly Message[]) => all.toSorted(byCause);

test('holds what a sorted list holds, whatever comes and goes in any order', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(), { maxLength: 27 }), (all, leaving) => {
      const ordered = new Ordered();
      let left: Message[] = [];
      for (const message of all) {
        ordered.add(message);
        left.push(message);
      }
      for (const at of leaving) {
        const message = left[at % left.length];
        if (!message) continue;
        ordered.remove(message);
        left = left.filter((one) => one !== message);
      }
      expect(ordered.all).toEqual(sorted(left));
      expect(ordered.length).toBe(left.length);
      for (const dev of ['a', 'b', 'c']) {
        const ofDev = left.filter(({ id }) => id?.dev === dev);
        expect(ordered.hasOf(dev)).toBe(ofDev.length > 0);
        expect(ordered.counts.get(`key of ${dev}`) ?? 0).toBe(ofDev.length);
        const upTo5 = ofDev.filter(({ id }) => (id?.n ?? 0) <= 5).sort((a, b) => (a.id?.n ?? 0) - (b.id?.n ?? 0));
        expect(ordered.upTo({ dev, n: 5 })).toEqual(upTo5);
        for (let n = 0; n < 11; n++) expect(ordered.find({ dev, n })).toBe(ofDev.find(({ id }) => id?.n === n));
      }
    }),
  );
});

test('two of them are read as one', () => {
  fc.assert(
    fc.property(messages, fc.nat(27), (all, at) => {
      const [some, others] = [sorted(all.slice(0, at)), sorted(all.slice(at))];
      expect([...merged(some, others)]).toEqual(sorted(all));
    }),
  );
});

test('without an id several stand at one place, and each of them can go', () => {
  const ordered = new Ordered();
  const nameless = ['1', '2', '3'].map((text): Message => ({ kind: 'message', name: 'x', text, lc: 1 }));
  const named: Message = { kind: 'message', name: 'x', text: '4', lc: 1, id: { dev: 'a', n: 1 } };
  for (const message of [named, ...nameless]) ordered.add(message);
  for (const message of nameless) ordered.remove(message);
  expect(ordered.all).toEqual([named]);
});
