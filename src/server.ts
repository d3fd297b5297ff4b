#!/usr/bin/env node
import { server, serverErase, serverExport, serverVerify } from './cli/args/programs.ts';
import { loaded } from './cli/loading.ts';
import { run } from './cli/run.ts';

const [, , command, ...others] = process.argv;

if (command === 'export')
  await run(serverExport, async (...given) => (await loaded(import('./cli/export.ts'))).exportLog(...given), others);
else if (command === 'erase')
  await run(serverErase, async (given) => (await loaded(import('./cli/erase.ts'))).eraseMessage(given), others);
else if (command === 'verify')
  await run(serverVerify, async (...given) => (await loaded(import('./cli/verify.ts'))).verifyLog(...given), others);
else await run(server, async (...given) => (await loaded(import('./main/server.ts'))).keepRoom(...given));
