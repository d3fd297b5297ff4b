import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Cores } from './world.ts';

/**
 * A rule of the cores with the change that removes it: `from` stands exactly once in the compiled `file`. The simulation
 * must fail with it, or it does not test that rule.
 */
export type Mutant = { rule: string; file: string; from: string; to: string };

/** The mutants of one file. */
export const of = (file: string, rows: [rule: string, from: string, to: string][]): Mutant[] =>
  rows.map(([rule, from, to]) => ({ rule, file: `core/${file}.js`, from, to }));

const dist = fileURLToPath(new URL('../../dist', import.meta.url));

/** Loads the compiled cores with one rule removed. Throws if the rule does not stand there exactly once. */
export async function mutate({ file, from, to }: Mutant): Promise<Cores> {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  for (const part of ['core', 'history', 'protocol', 'errors.js'])
    cpSync(join(dist, part), join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const path = join(folder, file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2) throw new Error(`"${from}" stands ${parts.length - 1} times in ${file}`);
  writeFileSync(path, parts.join(to));
  const load = (name: string) => import(pathToFileURL(join(folder, name)).href);
  const [{ Room }, { Member }, { MemoryStore }] = await Promise.all([
    load('core/room/room.js'),
    load('core/member/member.js'),
    load('history/memory.js'),
  ]);
  rmSync(folder, { recursive: true });
  return { Room, Member, MemoryStore };
}
