import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { test } from './support/command.ts';
import { changedSince } from './support/dist.ts';

test('a program that is older than its source is not tested, nor one that was never compiled', ({ stage }) => {
  const [src, dist] = [join(stage.home, 'src'), join(stage.home, 'dist')];
  const write = (path: string, seconds: number) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    utimesSync(path, seconds, seconds);
  };
  write(join(src, 'core', 'a.ts'), 1);
  write(join(dist, 'core', 'a.js'), 2);
  expect(changedSince(src, dist)).toBeUndefined();
  write(join(src, 'core', 'a.ts'), 3);
  expect(changedSince(src, dist)).toBe(join('core', 'a.ts'));
  write(join(dist, 'core', 'a.js'), 4);
  write(join(src, 'b.ts'), 1);
  expect(changedSince(src, dist)).toBe('b.ts');
});
