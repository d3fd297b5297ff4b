import type { Guarantee } from './checker.ts';
import { tell } from './fleet.ts';
import { chaos } from './run.ts';

/** npm run chaos -- --minutes 5 [--seed 1] [--clients 8] [--rate 20]: exits 1 if a guarantee was broken. */
const option = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? otherwise : Number(process.argv[at + 1]);
};
const seed = option('seed', Math.floor(Math.random() * 1e9));
const plan = { seed, clients: option('clients', 8), ms: option('minutes', 1) * 60_000, rate: option('rate', 20) };
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
console.log(`seed ${seed}, ${plan.clients} clients, ${plan.ms / 1_000} s`);
const { fleet, violations, messages, faults } = await chaos({ ...plan, tell: console.log });
const count = (...names: Guarantee[]) => violations.filter(({ name }) => names.includes(name)).length;
const done = Object.entries(faults).map(([name, times]) => `${name} ${times}`);
console.log(`${messages} messages; ${done.join(', ')}`);
const rest = count('Different', 'Causality', 'Fifo', 'Forked', 'Crashed');
console.log(`lost ${count('Lost')}, duplicate ${count('Duplicate')}, reordered ${count('Reordered')}, other ${rest}`);
await fleet.close(violations.length > 0);
if (violations.length > 0) {
  console.log(`${tell(violations)}\nagain: npm run chaos -- --seed ${seed}; transcripts: ${fleet.folder}`);
  process.exitCode = 1;
}
