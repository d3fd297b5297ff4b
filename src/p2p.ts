#!/usr/bin/env node
import { p2p } from './cli/args/programs.ts';
import { loaded } from './cli/loading.ts';
import { run } from './cli/run.ts';

await run(p2p, async (...given) => (await loaded(import('./main/p2p.ts'))).talkInPair(...given));
