import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * The mark of a clone that is ready: made at the end of a build and removed at its start. It goes with all that is in
 * node_modules as soon as `npm ci` begins. What was installed as a package needs none.
 */

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const mark = at('node_modules/.0mq-chat-built');

export const root = at('');
/** A package has no lock file. */
export const isClone = existsSync(at('package-lock.json'));
export const isReady = () => !isClone || existsSync(mark);

export function setReady(ready) {
  if (!ready) return rmSync(mark, { force: true });
  mkdirSync(dirname(mark), { recursive: true });
  writeFileSync(mark, '');
}
