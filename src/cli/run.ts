import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { ChatError, type ErrorCode, exitCodeOf, exitCodes, signals } from '../errors.ts';
import { folderVariable } from '../history/paths.ts';
import { Queue } from '../queue.ts';
import { abandoned } from '../terminal/outlet.ts';
import type { OptionTable, Program, Values } from './args/flags.ts';
import { parse, variablesIn } from './args/options.ts';
import { NotLoaded } from './loading.ts';
import { forStderr } from './streams.ts';

/** The signals that the process gets, which end it; but SIGHUP means `hangUp`, if it was not sent because a terminal closed. */
export class Stop extends Queue<NodeJS.Signals> {
  hangUp: (() => void) | undefined;
}

/** What a command has opened; `run` closes it, the last one first. */
export type Opened = { close(): unknown }[];

/** What a command does; it returns the exit code. */
export type Main<Table extends OptionTable> = (values: Values<Table>, stop: Stop, opened: Opened) => Promise<number>;

/** The process ends by itself, so that its last words get out; if it does not, it is ended after this time. */
const hardExitMs = 2_000;
const isWindows = process.platform === 'win32';

/**
 * Runs a command and ends the process with the exit code of `main`: an error becomes one clear message, the first signal
 * goes to the command, a second one ends the process. Chat that nobody has taken by then is not written any more: it is
 * kept, and would be read twice.
 */
export async function run<Table extends OptionTable>(
  program: Program<Table>,
  main: Main<Table>,
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  const { env, stdin, stdout } = process;
  const opened: Opened = [];
  const stop = listen(program);
  try {
    const values = parse(program, args, { env, columns: stdout.columns || Number.POSITIVE_INFINITY });
    if (typeof values === 'string') stdout.write(values);
    else process.exitCode = await main(values, stop, opened).finally(() => closeAll(opened));
  } catch (error) {
    if (error instanceof NotLoaded) {
      // Nobody here may take it for a bug of its own.
      process.removeAllListeners('uncaughtException');
      throw error.cause;
    }
    process.exitCode = report(program, error, args);
  } finally {
    stdin.destroy();
  }
  if (abandoned.has(stdout)) process.exit();
  setTimeout(() => process.exit(), hardExitMs).unref();
}

/** Yields the signals that the process gets, and sees to it that it ends well. */
function listen(program: Program): Stop {
  const stop = new Stop();
  const hadTerminal = hasTerminal();
  let stopping = false;
  for (const signal of signals)
    process.on(signal, () => {
      const isWish = signal !== 'SIGHUP' || isWindows || hasTerminal() !== hadTerminal;
      if (stop.hangUp && !isWish) return stop.hangUp();
      // A terminal that closes says so twice where this program leads its session: that is nobody's impatience.
      if (stopping && signal === 'SIGHUP' && !isWindows) return;
      if (stopping) process.exit(exitCodeOf(signal));
      stopping = true;
      stop.push(signal);
    });
  // Whoever read our output has had enough (`| head -1`), or the terminal is gone: a quiet end.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      stop.push('SIGPIPE');
    });
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  // At its end Node restores every terminal it found, and aborts (SIGABRT) when one has been closed meanwhile.
  process.on('exit', () => {
    for (const fd of terminals) if (!isatty(fd)) closeSync(fd);
  });
  process.on('uncaughtException', (error) => process.exit(report(program, error)));
  return stop;
}

/** Whether the terminal that this process was started at is there: a service has none, and one that closes is gone. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

async function closeAll(opened: Opened): Promise<void> {
  for (const part of opened.reverse()) await part.close();
}

/** Prints what happened and what to do; returns the exit code. */
function report(program: Program, thrown: unknown, args: readonly string[] = []): number {
  const { message, hint = '', code } = inWords(thrown);
  const [name] = program.command.split(' ');
  const lines = [`${name}: ${message}`, ...hint.split('\n'), ...sourcesOf(code, program, args)];
  process.stderr.write(`${lines.filter(Boolean).map(forStderr).join('\n')}\n`);
  return exitCodes[code];
}

/** What an error is about may come from the environment, where nobody looks for it. */
const about: Partial<Record<ErrorCode, [option: string, what: string][]>> = {
  UNKNOWN_HOST: [['ip', 'The host']],
  ADDRESS_NOT_AVAILABLE: [['ip', 'The address']],
  ADDRESS_IN_USE: [['port', 'The port']],
  NOT_PERMITTED: [['port', 'The port']],
  TIMEOUT: [
    ['ip', 'The host'],
    ['port', 'The port'],
  ],
  NAME_REFUSED: [['name', 'The name']],
  DATA_IN_USE: [['data-dir', 'The folder']],
  DATA_NOT_WRITABLE: [['data-dir', 'The folder']],
  DATA_DAMAGED: [['data-dir', 'The folder']],
};

function sourcesOf(code: ErrorCode, program: Program, args: readonly string[]): string[] {
  const { env } = process;
  const variables = variablesIn(program, args, env);
  const isServer = program.command.startsWith('chat-server');
  const folder = args.some((arg) => arg.startsWith('--data-dir')) ? undefined : folderVariable(env, isServer);
  const source = (option: string) => variables.get(option) ?? (option === 'data-dir' ? folder : undefined);
  return (about[code] ?? []).flatMap(([option, what]) => {
    const variable = source(option);
    return variable ? [`${what} comes from ${variable}.`] : [];
  });
}

function inWords(error: unknown): ChatError {
  if (error instanceof ChatError) return error;
  const isFull = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  const makeRoom = 'Make room on the disk that the output goes to.';
  if (isFull) return new ChatError('OUTPUT_FAILED', 'cannot write the output.', makeRoom, error);
  const stack = error instanceof Error ? error.stack : undefined;
  return new ChatError('INTERNAL', 'this is a bug, please report it.', stack ?? String(error));
}
