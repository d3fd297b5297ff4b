import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeJson, seal } from '../src/protocol/codec.ts';
import type { Message } from '../src/protocol/frames.ts';
import { plainUpload } from '../src/protocol/plain-upload.ts';

/*
 * Uploads of plain texts are read by an expression, and not by the table of all frames: whatever a frame looks like, the two
 * never have different answers.
 */

const token = fc.stringMatching(/^[\w-]{1,64}$/);
const count = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(10 ** 15 - 1), fc.constant(10 ** 15));
const plain = fc.record({
  kind: fc.constant('message' as const),
  name: fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', minLength: 250, maxLength: 260 })),
  text: fc.oneof(fc.string({ unit: 'binary', maxLength: 50 }), fc.constantFrom('', '\n', 'a\n', 'é', 'a"b', '\\n')),
  id: fc.record({ dev: token, n: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) }),
  lc: count,
  ts: count,
  in: count,
  salt: fc.stringMatching(/^[\w-]{22}$/),
  key: token,
  sig: fc.stringMatching(/^[\w-]{1,128}$/),
});
const seldom = fc.record(
  {
    type: fc.constant('action'),
    first: fc.constant(true as const),
    ext: fc.string({ maxLength: 9 }),
    re: plain.map(({ id }) => id),
  },
  { requiredKeys: [] },
);
const message = fc
  .tuple(plain, fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, seldom))
  .map(([said, more]) => ({ ...said, ...more }) as Message);
const upload = fc
  .tuple(count, fc.array(message, { maxLength: 3 }))
  .map(([k, messages]) => seal({ kind: 'upload', k, messages }, () => 'm'.repeat(22)));
/** A character, or some of them, in the place of others. */
const change = fc.tuple(
  fc.nat(),
  fc.nat({ max: 3 }),
  fc.oneof(fc.constantFrom('', '"', '\\', '\\n', ',', '}', ']', '{', '0', '-', ' ', '"first":1', '\n', 'é', '\u2028')),
);

const agree = (text: string) => {
  const found = plainUpload(text);
  if (found) expect(found).toEqual(decodeJson(text));
};

test('of what was written as this program writes it', () => {
  fc.assert(fc.property(upload, agree), { numRuns: 500 });
});

test('of what was changed in a place or two', () => {
  fc.assert(
    fc.property(upload, fc.array(change, { minLength: 1, maxLength: 2 }), (text, changes) => {
      let changed = text;
      for (const [at, length, put] of changes) {
        const from = at % changed.length;
        changed = changed.slice(0, from) + put + changed.slice(from + length);
      }
      agree(changed);
    }),
    { numRuns: 5_000 },
  );
});

test('and most texts are plain', () => {
  const said = { lc: 1, ts: 1_767_225_600_000, in: 0, salt: 's'.repeat(22), key: 'k'.repeat(43), sig: 'g'.repeat(86) };
  const one: Message = { kind: 'message', name: 'Zoë', text: "it's plain – ça va?", id: { dev: 'd', n: 1 }, ...said };
  const text = seal({ kind: 'upload', k: 1, messages: [{ ...one, first: true }, one] }, () => 'm'.repeat(22));
  expect(plainUpload(text)).toEqual(decodeJson(text));
  expect(plainUpload(text)).toBeDefined();
});
