import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './built.js';

/**
 * Makes the folder in npm's cache from which npx starts the programs of this clone, so that the first start has nothing to
 * make: when npx is interrupted while it makes that folder, it never starts them again. One that is half made, and
 * that nobody is making, is removed.
 */
export function settleNpx({ npm_config_cache: cache = '', npm_execpath: npm = '' }) {
  const folder = join(cache, '_npx');
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (isHalfMade(join(folder, name))) rmSync(join(folder, name), { recursive: true, force: true });
  spawnSync(process.execPath, [npm, 'exec', '--', 'p2p', '--version'], { cwd: root, stdio: 'ignore', timeout: 20_000 });
}

function isHalfMade(folder) {
  const link = join(folder, 'node_modules', '0mq-chat');
  const isOurs = existsSync(link) && realpathSync(link) === realpathSync(root);
  if (existsSync(join(folder, 'concurrency.lock'))) return false;
  return isOurs && !['package.json', 'node_modules/.bin/p2p'].every((file) => existsSync(join(folder, file)));
}
