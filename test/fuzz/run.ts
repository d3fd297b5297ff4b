import { Random } from '../sim/random.ts';
import { type Target, type TargetName, targets } from './targets.ts';

/** So many inputs meet one room, client or codec; then there is a new one. */
export const roundSize = 100;
export type Failure = { target: TargetName; seed: number; error: unknown };

/** Feeds each target with as many inputs. The seed of the round that fails is enough to see it again. */
export function fuzz(seed: number, inputs: number, only?: TargetName): Failure | undefined {
  const names = only ? [only] : (Object.keys(targets) as TargetName[]);
  const rounds = Math.ceil(inputs / names.length / roundSize);
  for (let round = seed; round < seed + rounds; round++)
    for (const target of names) {
      const failure = play(target, round);
      if (failure) return failure;
    }
  return undefined;
}

function play(target: TargetName, seed: number): Failure | undefined {
  try {
    const fed: Target = targets[target](new Random(seed));
    for (let i = 0; i < roundSize; i++) fed.feed();
    fed.end();
    return undefined;
  } catch (error) {
    return { target, seed, error };
  }
}
