import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Mutant } from './mutants.ts';
import type { Cores } from './world.ts';

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
  const [{ Room }, { Session }, { MemoryStore }] = await Promise.all([
    load('core/room/room.js'),
    load('core/member/session.js'),
    load('history/memory.js'),
  ]);
  rmSync(folder, { recursive: true });
  return { Room, Session, MemoryStore };
}
