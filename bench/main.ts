import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dist } from '../test/support/dist.ts';
import { sections } from './full.ts';
import { plots } from './plots.ts';
import { quick } from './quick.ts';

/*
 * npm run bench: what the room costs, beside others that do less, in one run. docs/performance.md says how to read it.
 *
 *   --quick          in less than a minute: ours and the most important peers; the last line is one JSON object
 *   --only WORD      of all that is measured only what has this word in its name
 *   --save           writes docs/performance.json, in which what was not measured stays, and the plots of it
 *   --dist FOLDER    of another build of the programs
 */
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    dist: { type: 'string', default: dist },
  },
});

if (values.quick) await quick(values.dist);
else await full(values.dist, values.only, values.save);
process.exit();

async function full(programs: string, only: string, saves: boolean): Promise<void> {
  const found: Record<string, object[]> = {};
  for (const { name, measure } of sections.filter(({ name }) => name.includes(only))) {
    console.log(`\n${name}`);
    found[name] = [];
    for await (const row of measure(programs)) {
      found[name].push(row);
      console.log(JSON.stringify(row));
    }
  }
  if (saves) save(found);
}

function save(found: Record<string, object[]>): void {
  const at = (file: string) => fileURLToPath(new URL(`../docs/${file}`, import.meta.url));
  const [{ model = '' } = {}] = cpus();
  const machine = { processors: cpus().length, model, system: `Linux ${release()}`, node: process.version };
  const path = at('performance.json');
  const before = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  const all = { ...before, machine, ...found };
  writeFileSync(path, `${JSON.stringify(all)}\n`);
  spawnSync('npx', ['biome', 'format', '--write', path], { stdio: 'ignore' });
  for (const [name, picture] of Object.entries(plots(all))) writeFileSync(at(`performance-${name}.svg`), picture);
}
