import { Member } from '../../src/core/member/member.ts';
import { Room } from '../../src/core/room/room.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { tally } from './checked-end.ts';
import { findFailure } from './run.ts';

/** npm run sim -- --worlds 100000 [--seed 1]: prints a failing world as a story and exits 1. */
const option = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? otherwise : Number(process.argv[at + 1]);
};
const worlds = option('worlds', 20_000);
const seed = option('seed', 1);
const startMs = performance.now();
const failure = findFailure({ Room, Member, MemoryStore }, seed, worlds);
if (failure) {
  console.log(failure.trace.join('\n'));
  console.log(`seed ${failure.seed}, ${failure.steps} steps: ${failure.error.stack}`);
  console.log(`again: npm run sim -- --seed ${failure.seed} --worlds 1`);
  process.exitCode = 1;
} else console.log(`${worlds} worlds from seed ${seed}: no violation, ${Math.round(performance.now() - startMs)} ms`);
console.log(`${tally.unsigned} entries were lost before anybody who was left had their signature`);
