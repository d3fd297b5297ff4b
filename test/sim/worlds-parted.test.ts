import { test } from 'vitest';
import { expectWorlds } from './expect-worlds.ts';
import { partedFrom } from './run.ts';

test('500 worlds of members that are parted keep every guarantee', { timeout: 240_000 }, () =>
  expectWorlds(partedFrom + 1, 500),
);
