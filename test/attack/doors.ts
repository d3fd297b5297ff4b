import { besiege, kindsOfStrangers, type Phase } from '../doors/closed-room.ts';
import { type Attack, brokenOf } from './attack.ts';

/** Most memory in MB that strangers of one kind may cost. */
const mostMb = 5;
/** The first round warms the server up: its own memory grows until then. */
const round = (['none', ...kindsOfStrangers] as const).map((kind) => [kind]);

/** Whoever knocks at an encrypted door without business there. */
export const doors: Attack[] =
  process.platform === 'linux'
    ? [
        {
          name: 'closed doors: strangers',
          target: `no frame in, no member cut off, at most ${mostMb} MB more, p99 at most twice that of the quiet phase, or 25 ms`,
          async run(_, times) {
            const isFull = times === 1;
            const phases = isFull
              ? (await besiege([...round, ...round], 8)).slice(round.length)
              : await besiege([kindsOfStrangers], 2, 4);
            const [quiet] = phases as [Phase];
            const facts = phases.flatMap((phase) => Object.entries(factsOf(phase, isFull ? quiet : undefined)));
            return {
              tried: `${phases.reduce((sum, { tried }) => sum + tried, 0)} times, in ${kindsOfStrangers.length} kinds`,
              measured: phases.map(words).join('; '),
              broken: brokenOf(Object.fromEntries(facts)),
            };
          },
        },
      ]
    : [];

/** @param quiet the phase to compare times and memory with, in a full run */
function factsOf(phase: Phase, quiet: Phase | undefined): Record<string, boolean> {
  const [before, after] = phase.memoryMb;
  const facts = {
    'nothing gets in': phase.frames === 0,
    'no member is cut off': phase.disconnects === 0,
    'everybody hears everybody': phase.back === phase.said,
    'no descriptor stays open': phase.descriptors[1] <= phase.descriptors[0],
    [`at most ${mostMb} MB more`]: !quiet || after - before <= mostMb,
    'p99 at most twice that of the quiet phase, or 25 ms': !quiet || phase.p99 <= Math.max(2 * quiet.p99, 25),
  };
  return Object.fromEntries(Object.entries(facts).map(([name, holds]) => [`${phase.kinds}: ${name}`, holds]));
}

function words({ kinds, tried, p50, p99, back, descriptors, memoryMb }: Phase): string {
  const [before, after] = memoryMb.map((mb) => mb.toFixed(1));
  return `${kinds} (${tried}): p50/p99 ${p50.toFixed(1)}/${p99.toFixed(1)} ms of ${back} words, descriptors ${descriptors.join(' to ')}, memory ${before} to ${after} MB`;
}
