import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, setReady } from './built.js';
import { settleNpx } from './npx.js';

/*
 * Compiles src/ into dist/, joins the modules of each program there into few files, for a program of 150 files takes twice as
 * long to start, and marks the clone as ready when all is done. Before it starts a program of a clone for the
 * first time, npx prepares the clone too, be it beside a running `npm ci` and without tools. There must be nothing to do
 * then: a step that fails leaves npx a folder in which it never finds a program.
 */

const { env } = process;
const preparedBy = env.npm_lifecycle_event === 'prepare' ? env.npm_command : undefined;
if (preparedBy !== 'exec') {
  setReady(false);
  const compiler = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'];
  const { status } = spawnSync(process.execPath, compiler, { cwd: root, stdio: 'inherit' });
  if (status === 0) await joinModules();
  setReady(status === 0);
  process.exitCode = status ?? 1;
}
if (preparedBy === 'ci') settleNpx(env);

/** What several programs need stands in `chunks`, whose names change with what is in them. */
async function joinModules() {
  const { build } = await import('esbuild');
  rmSync(join(root, 'dist', 'chunks'), { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: ['client', 'server', 'p2p'].map((program) => `dist/${program}.js`),
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
}
