#!/usr/bin/env node
import { start } from './start.js';

await start('p2p', 'p2p');
