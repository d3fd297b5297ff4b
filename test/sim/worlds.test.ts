import { test } from 'vitest';
import { expectWorlds } from './expect-worlds.ts';
import { partedFrom } from './run.ts';

// A short form: many more are run where there is time for it.
test.each([
  ['worlds', 1, 500],
  ['worlds of members that are parted', partedFrom + 1, 250],
])('%s keep every guarantee', { timeout: 240_000 }, (_, firstSeed, count) => expectWorlds(firstSeed, count));
