import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root, setReady } from './built.js';
import { settleNpx } from './npx.js';

/*
 * Compiles src/ into dist/, joins the modules of each program there into few files, because each file takes half a millisecond
 * to load, and marks the clone as ready when all is done. Before it starts a program of a clone for the
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

/** What a program needs only at times stands in `chunks`; the names there change with what is in them. No program shares any. */
async function joinModules() {
  const { build } = await import('esbuild');
  rmSync(join(root, 'dist', 'chunks'), { recursive: true, force: true });
  for (const program of ['client', 'server', 'p2p'])
    await build({
      absWorkingDir: root,
      entryPoints: [`dist/${program}.js`],
      outdir: 'dist',
      chunkNames: `chunks/${program}/[name]-[hash]`,
      allowOverwrite: true,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      plugins: [parserOfYargs()],
      logLevel: 'warning',
    });
}

/** Of yargs only its parser is used. All of yargs takes as long to load as Node itself, so the parser is joined, too. */
function parserOfYargs() {
  return {
    name: 'parser of yargs',
    setup({ onResolve, onLoad }) {
      const parser = createRequire(import.meta.resolve('yargs/helpers')).resolve('yargs-parser');
      onResolve({ filter: /^yargs\/helpers$/ }, ({ path }) => ({ path, namespace: 'parser' }));
      onLoad({ filter: /./, namespace: 'parser' }, () => ({
        contents: `export { default as Parser } from ${JSON.stringify(parser)};`,
        resolveDir: root,
      }));
    },
  };
}
