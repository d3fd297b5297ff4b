import type { Random } from '../sim/random.ts';

type Json = Record<string, unknown>;

/** Values that a field does not expect: beside a limit, of another type, or with a meaning elsewhere. */
const odd: unknown[] = [
  ...[null, true, false, 0, -0, -1, 1, 1.5, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e308],
  ...['', ' ', '\n', '\0', '\u001b[2J', '\ud800', '\u202e', '__proto__', 'constructor', 'toString'],
  ...['x'.repeat(256), 'x'.repeat(257), 'x'.repeat(4_096), 'é'.repeat(4_097), '[x]', '/quit', 'server', 'Ann (guest)'],
  ...['A.1', 'B.9007199254740991', 'A.0', 'A', 'kA', 'A'.repeat(43), '-'.repeat(22), 'A'.repeat(86), '=='],
  ...[[], [[]], [null], {}, { length: 1e9 }, [1, 2, 3], Array(257).fill(0)],
];

/** The frame with something else in one to three of its places. */
export function mutated(frame: Json, others: readonly Json[], random: Random): Json {
  const changed = structuredClone(frame);
  for (let changes = 1 + random.below(3); changes > 0; changes--) change(changed, others, random);
  return changed;
}

function change(frame: Json, others: readonly Json[], random: Random): void {
  if (Object.keys(frame).length === 0) return;
  const place = random.pick(placesOf(frame));
  const field = random.pick(Object.keys(place));
  const other = random.pick(others);
  const kind = random.below(5);
  if (kind === 0) delete place[field];
  else if (kind === 1) place[field] = structuredClone(random.pick(odd));
  else if (kind === 2) place[field] = near(place[field], random);
  else if (kind === 3) frame[random.pick(Object.keys(other))] = structuredClone(random.pick(Object.values(other)));
  else place[field] = structuredClone(random.pick(Object.values(other)));
}

/** Every object and list in it, itself too; each has a field at least. */
function placesOf(value: object): Json[] {
  const inner = Object.values(value).flatMap((each) => (typeof each === 'object' && each ? placesOf(each) : []));
  return Object.keys(value).length > 0 ? [value as Json, ...inner] : inner;
}

/** What is almost this. */
function near(value: unknown, random: Random): unknown {
  if (typeof value === 'number') return value + random.pick([-1, 1, 0.5, 2 ** 20]);
  if (typeof value !== 'string') return [value];
  const at = random.below(value.length + 1);
  return value.slice(0, at) + random.pick(['', 'A', '.', '\u0301', '"', value]) + value.slice(at + random.below(2));
}

/** Bytes as a bad line would change them. */
export function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = Buffer.from(bytes);
  const at = random.below(changed.length + 1);
  const kind = random.below(4);
  if (kind === 0 && at < changed.length) changed[at] = random.below(256);
  if (kind === 1) return changed.subarray(0, at);
  if (kind === 2) return Buffer.concat([changed.subarray(0, at), changed]);
  if (kind === 3)
    return Buffer.concat([changed.subarray(0, at), Buffer.from([random.below(256)]), changed.subarray(at)]);
  return changed;
}
