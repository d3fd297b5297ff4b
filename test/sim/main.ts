import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Member } from '../../src/core/member/member.ts';
import { Room } from '../../src/core/room/room.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { tally } from './checked-end.ts';
import { findFailure, partedFrom } from './run.ts';

/**
 * npm run sim -- [--parted] [--seed 1] [--worlds 20000]: prints a failing world as a story and exits 1. Each core of the
 * machine runs a share of them.
 */
const option = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? otherwise : Number(process.argv[at + 1]);
};
const worlds = option('worlds', 20_000);
const seed = option('seed', process.argv.includes('--parted') ? partedFrom + 1 : 1);
const shares = Math.min(availableParallelism(), worlds);

if (shares === 1 || process.send) run(seed, worlds);
else await Promise.all(Array.from({ length: shares }, (_, i) => start(i)));

/** From one share of the seeds to the next there is no gap. */
async function start(i: number): Promise<void> {
  const [from, to] = [i, i + 1].map((share) => Math.floor((share * worlds) / shares)) as [number, number];
  const child = fork(import.meta.filename, ['--seed', `${seed + from}`, '--worlds', `${to - from}`]);
  const [code] = await once(child, 'exit');
  if (code !== 0) process.exitCode = 1;
}

function run(seed: number, worlds: number): void {
  const startMs = performance.now();
  const failure = findFailure({ Room, Member, MemoryStore }, seed, worlds);
  if (failure) {
    console.log(failure.trace.join('\n'));
    console.log(`seed ${failure.seed}, ${failure.steps} steps: ${failure.error.stack}`);
    console.log(`again: npm run sim -- --seed ${failure.seed} --worlds 1`);
    process.exitCode = 1;
  } else console.log(`${worlds} worlds from seed ${seed}: no violation, ${Math.round(performance.now() - startMs)} ms`);
  console.log(`${tally.unsigned} entries were lost before anybody who was left had their signature`);
}
