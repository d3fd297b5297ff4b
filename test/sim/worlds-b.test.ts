import { test } from 'vitest';
import { expectWorlds } from './expect-worlds.ts';

// Two files, so that two processes share the work.
test('1,500 worlds keep every guarantee', { timeout: 300_000 }, () => expectWorlds(10001, 1_500));
