import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mutants } from './mutants.ts';
import { peersMutants } from './mutants-peers.ts';
import { mutate } from './mutate.ts';
import { findSeed, partedFrom } from './run.ts';
import { scenes } from './scenes.ts';
import { seeds as known, seedsFile } from './seeds.ts';

/** npm run sim:mutants: looks for a world that misses each rule that has no scene, and writes down which. */
const worlds = Number(process.argv[2] ?? 20_000);
const seeds: Record<string, number> = {};
for (const mutant of mutants.filter(({ rule }) => !scenes[rule])) {
  const cores = await mutate(mutant);
  // A world that was found once is as good as the first one.
  const first = peersMutants.includes(mutant) ? partedFrom + 1 : 1;
  const seed = findSeed(cores, known[mutant.rule] ?? first, 1) ?? findSeed(cores, first, worlds);
  if (seed === undefined || seed !== known[mutant.rule]) console.log(`${seed ?? 'NOT CAUGHT'}: ${mutant.rule}`);
  if (seed === undefined) process.exitCode = 1;
  else seeds[mutant.rule] = seed;
}
writeFileSync(fileURLToPath(seedsFile), `${JSON.stringify(seeds, null, 2)}\n`);
