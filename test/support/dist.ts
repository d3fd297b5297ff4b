import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (folder: string) => fileURLToPath(new URL(`../../${folder}`, import.meta.url));
const changedMs = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** The compiled programs. Whoever imports this is refused as long as some of it is older than its source. */
export const dist = at('dist');

const changed = changedSince(at('src'), dist);
if (changed !== undefined)
  throw new Error(`src/${changed} was changed after the last build: npm run build, then test.`);

/** A source below `src` that is newer than what was compiled of it, or that was never compiled. */
export function changedSince(src: string, compiled: string): string | undefined {
  const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  return sources.find((path) => changedMs(join(src, path)) > changedMs(join(compiled, path.replace(/ts$/, 'js'))));
}
