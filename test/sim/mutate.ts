import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dist } from '../support/dist.ts';
import type { Cores } from './sides.ts';

/**
 * A rule of the cores with the change that removes it: `from` stands exactly once in the compiled `file`. The simulation
 * must fail with it, or it does not test that rule.
 */
export type Mutant = { rule: string; file: string; from: string; to: string };

/** The mutants of one file, below `core` or `protocol`. */
export const of = (file: string, rows: [rule: string, from: string, to: string][]): Mutant[] =>
  rows.map(([rule, from, to]) => ({
    rule,
    file: `${file.startsWith('protocol/') ? '' : 'core/'}${file}.js`,
    from,
    to,
  }));

const entries = ['core/room/room.js', 'core/member/member.js', 'history/memory.js'];
const relativeImport = /(?<=^import .*from ')\..*(?=';$)/gm;

/** The compiled modules below the entries, and what each imports: paths below dist. */
const modules = new Map<string, { text: string; imports: string[] }>();
for (const entry of entries) read(entry);

function read(file: string): void {
  if (modules.has(file)) return;
  const text = readFileSync(join(dist, file), 'utf8');
  const imports = (text.match(relativeImport) ?? []).map((to) => join(dirname(file), to));
  modules.set(file, { text, imports });
  for (const imported of imports) read(imported);
}

/** Loads the compiled cores with one rule removed. Throws if the rule does not stand there exactly once. */
export async function mutate({ file, from, to }: Mutant): Promise<Cores> {
  const parts = modules.get(file)?.text.split(from) ?? [];
  if (parts.length !== 2) throw new Error(`"${from}" stands ${parts.length - 1} times in ${file}`);
  const affected = importersOf(file);
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  const place = (path: string) => pathToFileURL(join(affected.has(path) ? folder : dist, path)).href;
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const path of affected) {
    const text = path === file ? parts.join(to) : (modules.get(path)?.text ?? '');
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(
      join(folder, path),
      text.replace(relativeImport, (name) => place(join(dirname(path), name))),
    );
  }
  const [{ Room }, { Member }, { MemoryStore }] = await Promise.all(entries.map((entry) => import(place(entry))));
  rmSync(folder, { recursive: true });
  return { Room, Member, MemoryStore };
}

/** This module and all that import it, however far: of the others one copy does for all mutants. */
function importersOf(file: string): Set<string> {
  const found = new Set([file]);
  for (const imported of found)
    for (const [path, { imports }] of modules) if (imports.includes(imported)) found.add(path);
  return found;
}
