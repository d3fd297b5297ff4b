import { spawnSync } from 'node:child_process';
import { root, setReady } from './built.js';
import { settleNpx } from './npx.js';

/*
 * Compiles src/ into dist/, and marks the clone as ready when that is done. Before it starts a program of a clone for the
 * first time, npx prepares the clone too, be it beside a running `npm ci` and without tools. There must be nothing to do
 * then: a step that fails leaves npx a folder in which it never finds a program.
 */

const { env } = process;
const preparedBy = env.npm_lifecycle_event === 'prepare' ? env.npm_command : undefined;
if (preparedBy !== 'exec') {
  setReady(false);
  const compiler = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'];
  const { status } = spawnSync(process.execPath, compiler, { cwd: root, stdio: 'inherit' });
  setReady(status === 0);
  process.exitCode = status ?? 1;
}
if (preparedBy === 'ci') settleNpx(env);
