import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, write } from 'node:fs';
import { createRequire } from 'node:module';
import { constants as osConstants } from 'node:os';
import { ReadStream } from 'node:tty';

/** What node-pty's own `spawn` is built on. */
type Native = {
  fork(
    ...args: [
      file: string,
      args: string[],
      env: string[],
      cwd: string,
      columns: number,
      rows: number,
      uid: number,
      gid: number,
      utf8: boolean,
      helper: string,
      exited: (code: number, signal: number) => void,
    ]
  ): { fd: number; pid: number; pty: string };
  resize(fd: number, columns: number, rows: number): void;
};
export type PtyOptions = { columns: number; rows: number; env: Record<string, string>; cwd: string };
export type PtyExit = { code: number | null; signal: NodeJS.Signals | null };
export type PtyEvents = {
  data: (bytes: Buffer) => void;
  /** Comes after the last `data`. */
  end: (exit: PtyExit) => void;
};

const require = createRequire(import.meta.url);
const { requireBinary } = require('@lydell/node-pty/requireBinary.js') as { requireBinary(file: string): Native };
const native = requireBinary('pty.node');
const platform = `@lydell/node-pty-${process.platform}-${process.arch}`;
const helper = process.platform === 'darwin' ? require.resolve(`${platform}/spawn-helper`) : '';
/** An operating system command no program prints: what is read before it was printed before it. */
const mark = '\x1b]7777;the end\x07';

/**
 * A process in a pseudo-terminal of its own: leader of a session whose controlling terminal it is, like the first
 * program of a terminal window. This side keeps the program's end open too, so that the terminal outlives the program:
 * its settings can be read when the program is gone, and nothing it printed last is lost. (node-pty's `spawn` waits
 * 200 ms for that and drops what is left then; and a read that finds the other end closed may skip buffered bytes.)
 */
export class Pty {
  readonly pid: number;
  readonly #master: ReadStream;
  readonly #masterFd: number;
  readonly #slaveFd: number;
  #open = true;
  #settings = '';
  #exit: PtyExit | undefined;
  #closed = false;
  readonly #end: PtyEvents['end'];

  constructor([file = '', ...args]: string[], options: PtyOptions, { data, end }: PtyEvents) {
    const { columns, rows, cwd } = options;
    const env = Object.entries(options.env).map(([name, value]) => `${name}=${value}`);
    const exited = (code: number, signal: number) => this.#exited(code, signal);
    const { fd, pid, pty } = native.fork(file, args, env, cwd, columns, rows, -1, -1, true, helper, exited);
    this.pid = pid;
    this.#end = end;
    this.#masterFd = fd;
    this.#slaveFd = openSync(pty, constants.O_RDWR | constants.O_NOCTTY);
    this.#master = new ReadStream(fd);
    this.#master.on('error', () => {});
    this.#master.on('close', () => {
      this.#closed = true;
      this.#finish();
    });
    let tail = '';
    this.#master.on('data', (bytes: Buffer) => {
      data(bytes);
      tail = (tail + bytes.toString('latin1')).slice(-mark.length - bytes.length);
      if (tail.includes(mark)) this.hangUp();
    });
  }

  /** `stty -a` without the size; of an ended program as it left the terminal, empty if the terminal went first. */
  get settings(): string {
    if (!this.#open) return this.#settings;
    const { stdout } = spawnSync('stty', ['-a'], { stdio: [this.#slaveFd, 'pipe', 'inherit'] });
    return String(stdout).replace(/ rows \d+; columns \d+;/, '');
  }

  write(text: string): void {
    if (this.#open) this.#master.write(text);
  }

  resize(columns: number, rows: number): void {
    if (this.#open) native.resize(this.#masterFd, columns, rows);
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#exit) process.kill(this.pid, signal);
  }

  /**
   * Takes the terminal away, as closing its window does. A process that this one has started since then has inherited
   * this end and keeps the terminal alive (node-pty cannot prevent it): who tests a hang-up starts nothing in between.
   */
  hangUp(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#master.destroy();
    closeSync(this.#slaveFd);
  }

  #exited(code: number, number: number): void {
    const [signal = null] = Object.entries(osConstants.signals).find(([, value]) => value === number) ?? [];
    this.#settings = this.settings;
    this.#exit = { code: signal ? null : code, signal: signal as NodeJS.Signals | null };
    if (this.#open) write(this.#slaveFd, mark, () => {});
    this.#finish();
  }

  #finish(): void {
    if (this.#exit && this.#closed) this.#end(this.#exit);
  }
}

/** What a program printed, without the mark behind it. */
export const withoutMark = (text: string): string => text.split(mark)[0] ?? '';

let found: string | undefined;

/** The settings every terminal here has before its program changes them. */
export function settingsOfNew(): string {
  if (found !== undefined) return found;
  const options = { columns: 80, rows: 24, cwd: '/', env: { PATH: process.env.PATH ?? '' } };
  const pty = new Pty(['cat'], options, { data: () => {}, end: () => {} });
  found = pty.settings;
  pty.kill('SIGKILL');
  return found;
}
