import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { ChatError, exitCodeOf, exitCodes, signals } from '../errors.ts';
import { Queue } from '../queue.ts';
import { abandoned } from '../terminal/outlet.ts';
import { asciiOnly, visible } from '../text/visible.ts';
import { abilityOfStream } from './console.ts';

/** What a command gets from the process it runs in. */
export type Stop = Queue<NodeJS.Signals>;

/** When a command has ended, the process is gone this long after. */
const hardExitMs = 2_000;

/**
 * Runs a command and ends the process with its exit code: an error becomes one clear message, the first signal
 * goes to the command, a second one ends the process. The process ends by itself, so that its last words get out, and is
 * ended only if it does not. Chat that nobody has taken when the command has ended is not written any more: it is kept,
 * and would be read twice.
 */
export async function run(command: string, main: (stop: Stop) => Promise<number>): Promise<void> {
  const stop: Stop = new Queue();
  let stopping = false;
  for (const signal of signals)
    process.on(signal, () => {
      if (stopping) process.exit(exitCodeOf(signal));
      stopping = true;
      stop.push(signal);
    });
  for (const stream of [process.stdout, process.stderr]) stream.on('error', (error) => closedPipe(error, stop));
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  // At its end Node restores every terminal it found, and aborts (SIGABRT) when one has been closed meanwhile.
  process.on('exit', () => {
    for (const fd of terminals) if (!isatty(fd)) closeSync(fd);
  });
  process.on('uncaughtException', (error) => {
    process.exit(report(command, error));
  });
  try {
    process.exitCode = await main(stop);
  } catch (error) {
    process.exitCode = report(command, error);
  }
  process.stdin.destroy();
  if (abandoned.has(process.stdout)) process.exit();
  setTimeout(() => process.exit(), hardExitMs).unref();
}

/** Whoever read our output has had enough (`| head -1`), or the terminal is gone: a quiet end. */
function closedPipe(error: NodeJS.ErrnoException, stop: Stop): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  stop.push('SIGPIPE');
}

/** A text for stderr, whoever wrote it. */
export const forStderr = (text: string): string =>
  abilityOfStream(process.stderr, undefined).ascii ? asciiOnly(visible(text)) : visible(text);

/** What we write goes to a file on a full disk. */
const isDiskFull = (error: unknown) =>
  ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException)?.code ?? '');

/** Prints what happened and what to do; returns the exit code. A stack is shown only for a bug of ours. */
function report(command: string, error: unknown): number {
  if (isDiskFull(error)) {
    const hint = 'Make room on the disk that the output goes to.';
    return report(command, new ChatError('OUTPUT_FAILED', 'cannot write the output.', hint, error));
  }
  if (error instanceof ChatError) {
    const lines = [`${command}: ${error.message}`, ...(error.hint ? [error.hint] : [])];
    process.stderr.write(`${lines.map(forStderr).join('\n')}\n`);
    return exitCodes[error.code];
  }
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${command}: this is a bug, please report it.\n${details}\n`);
  return exitCodes.INTERNAL;
}
