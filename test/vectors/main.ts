import { writeFileSync } from 'node:fs';
import { vectors } from './vectors.ts';

/* `npm run vectors`: writes docs/vectors.json anew. */

const file = new URL('../../docs/vectors.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(vectors, null, 2)}\n`);
