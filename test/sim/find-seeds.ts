import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mutants } from './mutants.ts';
import { mutate } from './mutate.ts';
import { findSeed } from './run.ts';
import { seedsFile } from './seeds.ts';

/** npm run sim:mutants: looks for a world that misses each rule, and writes down which. */
const worlds = 20_000;
const seeds: Record<string, number> = {};
for (const mutant of mutants) {
  const seed = findSeed(await mutate(mutant), 1, worlds);
  console.log(`${seed ?? 'NOT CAUGHT'}: ${mutant.rule}`);
  if (seed === undefined) process.exitCode = 1;
  else seeds[mutant.rule] = seed;
}
writeFileSync(fileURLToPath(seedsFile), `${JSON.stringify(seeds, null, 2)}\n`);
