import { setTimeout as pause } from 'node:timers/promises';

const pollMs = 50;

/** Rejects if it takes too long. */
export async function until(is: () => boolean, what: string, timeoutMs = 60_000): Promise<void> {
  for (const startMs = performance.now(); !is(); await pause(pollMs))
    if (performance.now() - startMs > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
}
