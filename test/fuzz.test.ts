import { expect, test } from 'vitest';
import { fuzz } from './fuzz/run.ts';
import { type TargetName, targets } from './fuzz/targets.ts';

/** The short form of `npm run fuzz`. */
test.each(Object.keys(targets) as TargetName[])('nothing that is fed makes it throw: %s', (target) => {
  expect(fuzz(1, 2_000, target)).toBeUndefined();
});
