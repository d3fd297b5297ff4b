import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './built.js';

/**
 * Makes the folder in npm's cache from which npx starts the programs of this clone, so that the first start has nothing to
 * make: when npx is interrupted while it makes that folder, it never starts them again. One that is half made,
 * or leads elsewhere, and that nobody is making, is removed.
 */
export function settleNpx({ npm_config_cache: cache = '', npm_execpath: npm = '' }) {
  const folder = join(cache, '_npx');
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (isUseless(join(folder, name))) rmSync(join(folder, name), { recursive: true, force: true });
  spawnSync(process.execPath, [npm, 'exec', '--', 'p2p', '--version'], { cwd: root, stdio: 'ignore', timeout: 20_000 });
}

/** It is of this clone, and does not lead to its programs: it was interrupted, or made when they lay elsewhere. */
function isUseless(folder) {
  const [link, program] = ['0mq-chat', '.bin/p2p'].map((name) => join(folder, 'node_modules', name));
  const isOurs = existsSync(link) && realpathSync(link) === realpathSync(root);
  if (!isOurs || existsSync(join(folder, 'concurrency.lock'))) return false;
  const isWhole = existsSync(join(folder, 'package.json')) && existsSync(program);
  return !isWhole || realpathSync(program) !== realpathSync(join(root, 'bin', 'p2p.js'));
}
