import { readFileSync } from 'node:fs';

/** For each mutant a world that misses its rule, found by `npm run sim:mutants`: where to look first. */
export const seedsFile = new URL('seeds.json', import.meta.url);
export const seeds = JSON.parse(readFileSync(seedsFile, 'utf8')) as Record<string, number>;
