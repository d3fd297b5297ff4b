import { whyNone } from './ground.ts';
import { type Fault, kinds, percentile } from './judge.ts';
import { late, play, type Result } from './run.ts';
import { scenarios } from './scenarios.ts';

/** npm run partition -- [--seconds 60] [--only WORD]: a table; exits 1 if something did not hold. */
const option = (name: string, otherwise: string) => {
  const at = process.argv.indexOf(`--${name}`);
  return (at === -1 ? undefined : process.argv[at + 1]) ?? otherwise;
};
const seconds = Number(option('seconds', '60'));
if (whyNone) {
  console.log(whyNone);
  process.exit(1);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const count = (faults: readonly Fault[]) => kinds.map((kind) => faults.filter((fault) => fault.kind === kind).length);
const row = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`);
const cells = ({ lines, first, found, next, agreed, faults }: Result) => {
  const times = [first, found, percentile(next, 0.5), percentile(next, 0.99), agreed];
  return [...times.map((ms) => (ms === undefined ? '' : `${ms.toFixed()} ms`)), lines, ...count(faults)];
};

row(['cut', 'first line', 'found again', 'p50', 'p99', 'one log', 'lines', ...kinds]);
row(Array.from({ length: 7 + kinds.length }, () => '---'));
for (const scenario of scenarios.filter(({ name }) => name.includes(option('only', '')))) {
  const result = await play(scenario, 1_000 * seconds);
  row([scenario.name, ...cells(result)]);
  const wrong = [...result.faults.map(({ kind, what }) => `${kind}: ${what}`), ...late(result)];
  if (wrong.length > 0) process.exitCode = 1;
  for (const what of wrong.slice(0, 10)) console.log(`  ${what}`);
  if (result.folder) console.log(`  see ${result.folder}`);
}
