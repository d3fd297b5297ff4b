import { fuzz } from './run.ts';
import { type TargetName, targets } from './targets.ts';

/** npm run fuzz -- --inputs 1000000 [--seed 1] [--target room]: exits 1 at the first input that makes something throw. */
const option = (name: string) => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? undefined : process.argv[at + 1];
};
const [inputs, seed] = [Number(option('inputs') ?? 100_000), Number(option('seed') ?? 1)];
const target = option('target') as TargetName | undefined;
if (target && !targets[target]) throw new Error(`--target is one of ${Object.keys(targets).join(', ')}`);
const startMs = performance.now();
const failure = fuzz(seed, inputs, target);
if (failure) {
  console.log(failure.error);
  console.log(`again: npm run fuzz -- --target ${failure.target} --seed ${failure.seed} --inputs 1`);
  process.exitCode = 1;
} else
  console.log(
    `${inputs} inputs for ${target ?? Object.keys(targets).join(', ')}, from seed ${seed}: none threw, ` +
      `${Math.round((performance.now() - startMs) / 1_000)} s`,
  );
