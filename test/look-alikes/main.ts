import { writeFileSync } from 'node:fs';
import { source } from './table.ts';

writeFileSync(new URL('../../src/core/look-alikes.ts', import.meta.url), source());
