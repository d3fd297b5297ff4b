import { expect, test } from 'vitest';
import { mutants } from './mutants.ts';
import { mutate } from './mutate.ts';
import { findSeed } from './run.ts';
import { seeds } from './seeds.ts';

/** The rarest rule needs some thousand worlds to be missed, if nobody knows where to look first. */
const worlds = 10_000;

test.each(mutants)('the simulation misses the rule: $rule', { timeout: 120_000 }, async (mutant) => {
  const cores = await mutate(mutant);
  const known = findSeed(cores, seeds[mutant.rule] ?? 1, 1);
  expect(known ?? findSeed(cores, 1, worlds)).toBeDefined();
});
