import { expect, test } from 'vitest';
import { mutants } from './mutants.ts';
import { mutate } from './mutate.ts';
import { findSeed } from './run.ts';
import { seeds } from './seeds.ts';

/** Each rule in the world that is known to miss it. `npm run sim:mutants` looks for such worlds, and says what it finds none for. */
const known = mutants.filter(({ rule }) => seeds[rule] !== undefined);

test.each(known)('the simulation misses the rule: $rule', { timeout: 120_000 }, async (mutant) => {
  expect(findSeed(await mutate(mutant), seeds[mutant.rule] ?? 1, 1)).toBeDefined();
});

test('a world is known for no rule that is not there', () => {
  const rules = mutants.map(({ rule }) => rule);
  expect(Object.keys(seeds).filter((rule) => !rules.includes(rule))).toEqual([]);
});
