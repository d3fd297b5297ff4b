import { LiarsWorld } from './liar.ts';
import { PartedWorld } from './parted.ts';
import type { Cores } from './sides.ts';
import { World } from './world.ts';

export type Failure = { seed: number; steps: number; error: Error; trace: string[] };

const run = (cores: Cores, seed: number, steps: number, tracing = false): { error?: Error; trace: string[] } => {
  const world = worldOf(cores, seed, steps);
  world.tracing = tracing;
  try {
    world.run();
    return { trace: world.trace };
  } catch (error) {
    return { error: error as Error, trace: world.trace };
  }
};

/** Worlds from here on are of members that are parted. */
export const partedFrom = 1_000_000_000;

/** In every tenth world the server lies. */
function worldOf(cores: Cores, seed: number, steps: number): PartedWorld | LiarsWorld | World {
  if (seed >= partedFrom) return new PartedWorld(cores, { seed, steps });
  return seed % 10 === 9 ? new LiarsWorld(cores, { seed, steps }) : new World(cores, { seed, steps });
}

/** The number of steps of a world: most are short, some are long. */
export const stepsOf = (seed: number): number => 40 + ((seed * 7919) % 160);

/** The first world that fails. */
export function findSeed(cores: Cores, firstSeed: number, worlds: number): number | undefined {
  for (let seed = firstSeed; seed < firstSeed + worlds; seed++) if (run(cores, seed, stepsOf(seed)).error) return seed;
  return undefined;
}

/** Runs worlds until one fails; a failing one is cut to the fewest steps that still fail, and told in full. */
export function findFailure(cores: Cores, firstSeed: number, worlds: number): Failure | undefined {
  const seed = findSeed(cores, firstSeed, worlds);
  return seed === undefined ? undefined : shrink(cores, seed, stepsOf(seed));
}

function shrink(cores: Cores, seed: number, steps: number): Failure {
  let fewest = steps;
  for (let fewer = 1; fewer < steps; fewer++)
    if (run(cores, seed, fewer).error) {
      fewest = fewer;
      break;
    }
  const { error = new Error('it did not fail again'), trace } = run(cores, seed, fewest, true);
  return { seed, steps: fewest, error, trace };
}
