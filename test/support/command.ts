import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { test as base } from 'vitest';
import { dist } from './dist.ts';
import { Reader } from './reader.ts';
import { Screen, type ScreenOptions } from './screen.ts';
import { Transcript } from './transcript.ts';

export type Program = (typeof programs)[number];
export type Event = { type: string; [field: string]: unknown };
/** `ms` counts from the last `kill` or `end`, or from the start. */
export type Exit = { code: number | null; signal: NodeJS.Signals | null; ms: number };
export type SpawnOptions = {
  env?: Record<string, string>;
  /** `null` is /dev/null. */
  stdin?: 'pipe' | null;
  /** A program and its arguments that start this one: where it runs. */
  through?: readonly string[];
};

const programs = ['p2p', 'server', 'client'] as const;
/** What a terminal window adds to the environment. */
const terminal = { LANG: 'C.UTF-8', TERM: 'xterm-256color', TZ: 'UTC' };
const online = /You are now online\. \d+ online\.$/;
const root = fileURLToPath(new URL('../..', import.meta.url));

/** A real command as a child process. Whatever is awaited fails with the full transcript. */
export class Command {
  /** Everything printed so far, unchanged. */
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #out = new Reader<string>(() => this.transcript);
  readonly #err = new Reader<string>(() => this.transcript);
  readonly #end = new Reader<Exit>(() => this.transcript);
  readonly #transcript = new Transcript();
  #asked = performance.now();

  constructor(args: string[], { env, stdin = 'pipe', through = [] }: SpawnOptions) {
    this.#transcript.say('run', args.map((arg) => arg.replace(root, '')).join(' '));
    const [program = process.execPath, ...all] = [...through, process.execPath, ...args];
    this.#child = spawn(program, all, {
      cwd: root,
      ...(env && { env }),
      stdio: [stdin ?? 'ignore', 'pipe', 'pipe'],
    });
    this.#child.stdin?.on('error', () => this.#transcript.say('in', '(closed by the program)'));
    this.#read('stdout', this.#out);
    this.#read('stderr', this.#err);
    this.#child.on('close', (code, signal) => {
      const ms = Math.round(performance.now() - this.#asked);
      this.#transcript.say('end', `code ${code} signal ${signal} after ${ms} ms`);
      this.#end.push({ code, signal, ms });
      for (const reader of [this.#out, this.#err, this.#end]) reader.end(`the program ended with ${code ?? signal}`);
    });
  }

  get transcript(): string {
    return this.#transcript.text;
  }

  get ended(): boolean {
    return this.#end.all.length > 0;
  }

  /** Resolves when the program is gone and all its output is read. */
  get exit(): Promise<Exit> {
    return this.#exitWithin();
  }

  #exitWithin(timeoutMs?: number): Promise<Exit> {
    if (this.#end.all[0]) return Promise.resolve(this.#end.all[0]);
    return this.#end.until(() => true, 'the end of the program', timeoutMs).then(([exit]) => exit as Exit);
  }

  /** Awaits the end and insists on its exit code. */
  async ends(code: number, timeoutMs?: number): Promise<Exit> {
    const exit = await this.#exitWithin(timeoutMs);
    if (exit.code !== code) throw new Error(`ended with ${exit.code ?? exit.signal}, not ${code}\n${this.transcript}`);
    return exit;
  }

  async stdoutLine(pattern: RegExp | string, timeoutMs?: number): Promise<string> {
    return (await this.stdoutUntil(pattern, timeoutMs)).at(-1) ?? '';
  }

  async stderrLine(pattern: RegExp | string, timeoutMs?: number): Promise<string> {
    return (await this.#err.until(matches(pattern), `${pattern} on stderr`, timeoutMs)).at(-1) ?? '';
  }

  /** The lines not read yet, up to and including the first one that matches (a string: is equal). */
  stdoutUntil(pattern: RegExp | string, timeoutMs?: number): Promise<string[]> {
    return this.#out.until(matches(pattern), `${pattern} on stdout`, timeoutMs);
  }

  /** The next JSON event that has these fields, or that the function accepts. */
  async json(wanted: Partial<Event> | ((event: Event) => boolean), timeoutMs?: number): Promise<Event> {
    return (await this.jsonUntil(wanted, timeoutMs)).at(-1) as Event;
  }

  /** The events not read yet, up to and including the first one that is wanted. */
  async jsonUntil(wanted: Partial<Event> | ((event: Event) => boolean), timeoutMs?: number): Promise<Event[]> {
    const is = typeof wanted === 'function' ? wanted : (event: Event) => has(event, wanted);
    const name = typeof wanted === 'function' ? String(wanted) : JSON.stringify(wanted);
    return (await this.#out.until((line) => is(JSON.parse(line)), name, timeoutMs)).map((line) => JSON.parse(line));
  }

  write(text: string): void {
    if (text.length < 1_000) this.#transcript.say('in', text);
    this.#child.stdin?.write(text);
  }

  /** Ends its standard input. */
  end(text = ''): void {
    this.#asked = performance.now();
    this.#transcript.say('in', `${text}(end)`);
    this.#child.stdin?.end(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.#asked = performance.now();
    this.#transcript.say('kill', signal);
    this.#child.kill(signal);
  }

  /** Reads nothing of its standard output until `resume`, or until the program is gone. */
  pause(): void {
    this.#transcript.say('out', '(paused)');
    this.#child.stdout?.pause();
    this.#child.once('exit', () => this.resume());
  }

  resume(): void {
    this.#child.stdout?.resume();
  }

  /** Resident memory in MB (Linux). */
  get memoryMb(): number {
    const [, kb = 0] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')) ?? [];
    return Number(kb) / 1_024;
  }

  /** How many file descriptors it has open (Linux). */
  get descriptors(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length;
  }

  /** Stops reading its standard output, as `head` does when it has enough. */
  hangUp(): void {
    this.#transcript.say('out', '(hung up)');
    this.#child.stdout?.destroy();
  }

  async destroy(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.exit;
  }

  #read(name: 'stdout' | 'stderr', lines: Reader<string>): void {
    let rest = '';
    this.#child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      this[name] += chunk;
      const [...whole] = (rest + chunk).split('\n');
      rest = whole.pop() ?? '';
      for (const line of whole) {
        this.#transcript.say(name.slice(3), line);
        lines.push(line);
      }
    });
  }
}

/** A server that listens, its port, and the key of its room. */
export type Serving = { server: Command; port: number; room: string };
type Closable = { close(): unknown };

/** What one test has started; all of it ends with the test. */
export class Stage {
  /** The home folder of everything that is started here: all data of the programs is below it. */
  readonly home = mkdtempSync(join(tmpdir(), 'zmqchat-'));
  readonly #commands: Command[] = [];
  readonly #screens: Screen[] = [];
  readonly #others: Closable[] = [];
  readonly #env = { PATH: process.env.PATH ?? '', HOME: this.home };

  /** Runs one of the three programs in an environment of its own. */
  spawn(program: Program, args: string[], { env = {}, ...options }: SpawnOptions = {}): Command {
    return this.node([join(dist, `${program}.js`), ...args], { env, ...options });
  }

  /** Runs Node with these arguments. */
  node(args: string[], { env, ...options }: SpawnOptions = {}): Command {
    const command = new Command(args, { ...options, env: { ...this.#env, ...env } });
    this.#commands.push(command);
    return command;
  }

  /** Starts a server, on any free port unless `--port` is given, and waits until it listens. */
  async server(...args: string[]): Promise<Serving> {
    const server = this.spawn('server', ['--port', '0', '--ip', '127.0.0.1', '--json', ...args]);
    const { port, room } = await server.json({ type: 'listening' });
    return { server, port: Number(port), room: String(room) };
  }

  /** Starts a client in a text pipe and waits until it is online. */
  async online(port: number, name: string, ...args: string[]): Promise<Command> {
    const client = this.client(port, name, ...args);
    await client.stdoutLine(online);
    return client;
  }

  /** Starts a client with JSON output and waits until it is online. */
  async jsonOnline(port: number, name: string, ...args: string[]): Promise<Command> {
    const client = this.client(port, name, '--json', ...args);
    await client.json({ type: 'state', state: 'online' });
    return client;
  }

  /** Types this at a terminal while the room is away, and leaves: it waits in the folder. */
  async leavesWaiting(text: string, args: string[]): Promise<void> {
    const screen = this.screen('client', args);
    await screen.until(/^-- connecting/);
    screen.enter(text);
    await screen.until(({ lines }) => lines.some((line) => line.includes(`… ${text}`)), 'the line that waits');
    screen.press('ctrl-d');
    await screen.ends(0);
  }

  client(port: number, name: string, ...args: string[]): Command {
    return this.spawn('client', clientArgs(port, name, args));
  }

  /** Runs one of the three programs, or any other, in a terminal of its own. */
  screen(program: Program | (string & {}), args: string[], options: ScreenOptions = {}): Screen {
    const file = join(dist, `${program}.js`);
    const command = isProgram(program) ? [process.execPath, file, ...args] : [program, ...args];
    const screen = new Screen(command, { ...terminal, ...this.#env, ...options.env }, options);
    this.#screens.push(screen);
    return screen;
  }

  /** A client in a terminal of its own, online. */
  async clientScreen(port: number, name: string, args: string[] = [], options?: ScreenOptions): Promise<Screen> {
    const screen = this.screen('client', clientArgs(port, name, args), options);
    await screen.until(online);
    return screen;
  }

  /** A real shell with job control in a terminal; it finds the programs as chat-client, chat-server and p2p. */
  async shell(options: ScreenOptions = {}): Promise<Screen> {
    const bin = join(this.home, 'bin');
    mkdirSync(bin, { recursive: true });
    for (const program of programs) {
      const script = `#!/bin/sh\nexec "${process.execPath}" "${join(dist, `${program}.js`)}" "$@"\n`;
      writeFileSync(join(bin, program === 'p2p' ? program : `chat-${program}`), script, { mode: 0o755 });
    }
    const env = { PATH: `${bin}${delimiter}${this.#env.PATH}`, PS1: '$ ', ...options.env };
    const shell = this.screen('bash', ['--noprofile', '--norc', '-i'], { cwd: this.home, ...options, env });
    await shell.until(/^\$/, 'the prompt of the shell');
    return shell;
  }

  /** Closes this at the end of the test. */
  keep<T extends Closable>(closable: T): T {
    this.#others.push(closable);
    return closable;
  }

  async clear(): Promise<void> {
    for (const other of this.#others) other.close();
    await Promise.all([...this.#commands, ...this.#screens].map((command) => command.destroy()));
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** A test with a stage; tests may run side by side, each clears its own. */
export const test = base.extend<{ stage: Stage }>({
  stage: async ({ task: _ }, use) => {
    const stage = new Stage();
    try {
      await use(stage);
    } finally {
      await stage.clear();
    }
  },
});

/** Control, escape, bidi and separator characters: nothing of this may reach a terminal from a peer. */
export const dangerous = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
/** Whether these bytes would leave a terminal alone. */
export const isPlain = (text: string) => !dangerous.test(text) && stripVTControlCharacters(text) === text;

/** What a client says of a room that it meets for the first time. */
export const meeting = (room: string) =>
  `-- this room has the key ${Buffer.from(room, 'base64url').toString('hex').slice(0, 20).match(/.{4}/g)?.join(' ')}`;

/** The places that `export --json` has printed. */
export function placesIn(stdout: string): Event[] {
  const [first = {}, ...places] = stdout.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
  if (first.export !== 1) throw new Error(`no export: ${stdout}`);
  return places.map((place) => ({ ...place, ...(place.text && { text: place.text.replace(/\n$/, '') }) }));
}

const isProgram = (name: string): name is Program => (programs as readonly string[]).includes(name);
const clientArgs = (port: number, name: string, args: string[]) => [
  '--port',
  String(port),
  '--ip',
  '127.0.0.1',
  '--name',
  name,
  ...args,
];
const matches = (pattern: RegExp | string) => (line: string) =>
  typeof pattern === 'string' ? line === pattern : pattern.test(line);
const has = (event: Event, wanted: Partial<Event>) =>
  Object.entries(wanted).every(([field, value]) => event[field] === value);
