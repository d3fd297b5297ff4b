#!/usr/bin/env node
import { client } from './cli/args/programs.ts';
import { loaded } from './cli/loading.ts';
import { run } from './cli/run.ts';

await run(client, async (...given) => (await loaded(import('./main/client.ts'))).enterRoom(...given));
