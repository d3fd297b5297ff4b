import { setTimeout as sleep } from 'node:timers/promises';
import { isClone, isReady, root } from './built.js';

const lookMs = 200;
const longestMs = 600_000;
const howToGoOn = 'If it is not running, start it in another terminal; where npm runs no scripts, then npm run build.';

/** Starts a program; in a clone that is being set up, as soon as that is done. */
export async function start(command, file) {
  const say = (text) => process.stderr.write(`${command}: ${text}\n`);
  if (!isReady()) say(`waiting for npm ci in ${root} to end.\n${howToGoOn}`);
  const endsAt = performance.now() + longestMs;
  while (!isReady() && performance.now() < endsAt) await sleep(lookMs);
  try {
    if (!isReady()) throw new Error('it is not set up yet.');
    await import(new URL(`../dist/${file}.js`, import.meta.url));
  } catch (error) {
    // Programs catch their own errors: this one has not begun. In a clone, `npm ci` may have begun anew meanwhile.
    if (!isClone) throw error;
    say(`cannot start: ${error.message}\nLet npm ci come to its end in ${root}, and then try again.`);
    process.exitCode = 1;
  }
}
