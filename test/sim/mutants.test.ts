import { expect, test } from 'vitest';
import { mutants } from './mutants.ts';
import { mutate } from './mutate.ts';
import { findFailure } from './run.ts';

/** The rarest rule needs some 2,200 worlds to be missed. */
const worlds = 10_000;

test.each(mutants)('the simulation misses the rule: $rule', { timeout: 120_000 }, async (mutant) => {
  const cores = await mutate(mutant);
  expect(findFailure(cores, 1, worlds)).toBeDefined();
});
