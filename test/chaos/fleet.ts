import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { dist } from '../support/dist.ts';
import { History, type Printed, type Run, type Violation } from './checker.ts';
import { freePort, LinkProxy } from './proxy.ts';

export type Said = Printed & { state?: string; reason?: string };
type Waiter = { is: (said: Said) => boolean; done: (said: Said) => void; timer: NodeJS.Timeout };

const host = '127.0.0.1';
const patienceMs = 20_000;
const loadMs = 50;
/** A client is written to only while fewer lines than this have not come back. */
const maxOpenLines = 200;
const root = fileURLToPath(new URL('../..', import.meta.url));
/** More than any log here holds. */
const everything = '100000000';

/** One program that is started, killed, stopped and started again on the same folder; it writes into one history. */
export class Program {
  readonly name: string;
  readonly #folder: string;
  readonly #args: () => string[];
  readonly #begin: () => Run;
  readonly #waiters = new Set<Waiter>();
  #child: ChildProcess | undefined;
  #run: Run | undefined;
  #runs = 0;
  #gone: Promise<void> = Promise.resolve();
  #asked = false;
  /** Whether it said last that it is online. */
  online = false;
  /** All texts shown, by any run. */
  readonly texts = new Set<string>();
  /** Lines written that have not come back, to the run of now. */
  readonly #open = new Set<string>();

  constructor(name: string, folder: string, args: () => string[], begin: () => Run) {
    this.name = name;
    this.#folder = folder;
    this.#args = args;
    this.#begin = begin;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get openLines(): number {
    return this.#open.size;
  }

  /** The newest place shown. */
  get head(): number {
    return this.#run?.highest ?? 0;
  }

  start(): void {
    const run = this.#begin();
    const transcript = openSync(join(this.#folder, `${this.name}.${++this.#runs}.jsonl`), 'w');
    const errors = openSync(join(this.#folder, `${this.name}.${this.#runs}.stderr`), 'w');
    const env = { PATH: process.env.PATH ?? '', HOME: this.#folder };
    const child = spawn(process.execPath, this.#args(), { cwd: root, env, stdio: ['pipe', 'pipe', errors] });
    closeSync(errors);
    this.#child = child;
    this.#run = run;
    this.#asked = false;
    this.#open.clear();
    child.stdin?.on('error', () => {});
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      writeSync(transcript, `${line}\n`);
      this.#hear(line, run);
    });
    this.#gone = new Promise((resolve) =>
      child.on('close', (code, signal) => {
        this.#child = undefined;
        this.online = false;
        if (!this.#asked || (code !== 0 && signal === null)) run.crash(`ended with ${code ?? signal}`);
        closeSync(transcript);
        resolve();
      }),
    );
  }

  type(text: string): void {
    this.#run?.type(text);
    this.#open.add(text);
    this.#child?.stdin?.write(`${text}\n`);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#run) this.#run.killed = true;
    return this.end('SIGKILL');
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#asked = true;
    this.#child?.kill(signal);
    await this.#gone;
  }

  /** At the end of a test: whoever still waits for a word of it waits no longer. */
  abandon(): void {
    for (const { timer } of this.#waiters) clearTimeout(timer);
    this.#waiters.clear();
    this.#child?.kill('SIGKILL');
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  /** The next thing it says that is this. */
  says(is: (said: Said) => boolean, what: string, timeoutMs = patienceMs): Promise<Said> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`${this.name}: no ${what} within ${timeoutMs} ms (see ${this.#folder})`));
      const timer = setTimeout(late, timeoutMs);
      const waiter: Waiter = {
        is,
        timer,
        done: (said) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(said);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  becomes(state: string, timeoutMs?: number): Promise<Said> {
    return this.says((said) => said.type === 'state' && said.state === state, state, timeoutMs);
  }

  async isOnline(timeoutMs?: number): Promise<void> {
    if (!this.online) await this.becomes('online', timeoutMs);
  }

  async shows(text: string, timeoutMs?: number): Promise<void> {
    if (!this.texts.has(text)) await this.says((said) => said.text === text, `"${text}"`, timeoutMs);
  }

  async reaches(seq: number, timeoutMs?: number): Promise<void> {
    if (this.head < seq) await this.says((said) => (said.seq ?? 0) >= seq, `place ${seq}`, timeoutMs);
  }

  #hear(line: string, run: Run): void {
    const said = parse(line);
    if (!said) return;
    run.print(said);
    if (said.type === 'state') this.online = said.state === 'online';
    if (said.type === 'message' && said.text !== undefined) {
      this.texts.add(said.text);
      this.#open.delete(said.text);
    }
    for (const waiter of this.#waiters) if (waiter.is(said)) waiter.done(said);
  }
}

/** The line a killed program was writing may be cut. */
function parse(line: string): Said | undefined {
  try {
    return JSON.parse(line) as Said;
  } catch {
    return undefined;
  }
}

export type Client = Program & { link: LinkProxy };

/** A server and its clients, real processes, each client behind a link of its own that can fail. */
export class Fleet {
  readonly history = new History();
  readonly folder = mkdtempSync(join(tmpdir(), 'zmqchat-chaos-'));
  readonly clients: Client[] = [];
  readonly server: Program;
  readonly #port: number;
  /** Also when this process ends early: nobody else would end them. */
  readonly #abandon = () => {
    for (const each of this.#programs) each.abandon();
  };
  #auditor: Program | undefined;
  #typed = 0;

  private constructor(port: number) {
    this.#port = port;
    process.once('exit', this.#abandon);
    const folder = join(this.folder, 'server');
    const args = [
      '--port',
      `${port}`,
      '--ip',
      host,
      '--json',
      '--data-dir',
      folder,
      '--history-limit',
      everything,
      '--rate',
      '0',
    ];
    this.server = new Program(
      'server',
      this.folder,
      () => [program('server'), ...args],
      () => this.history.server(),
    );
  }

  /** A server that listens and `count` clients that are online. */
  static async open(count: number): Promise<Fleet> {
    const fleet = new Fleet(await freePort());
    await fleet.startServer();
    for (let i = 1; i <= count; i++) await fleet.#addClient(`c${i}`);
    await Promise.all(fleet.clients.map((client) => client.isOnline()));
    return fleet;
  }

  async startServer(): Promise<void> {
    const listens = this.server.says(({ type }) => type === 'listening', 'listening');
    this.server.start();
    await listens;
  }

  /** Types a line no other line equals. */
  type(client: Program): string {
    const text = `${client.name} says ${++this.#typed}`;
    client.type(text);
    return text;
  }

  /** Types so many lines a second into each client, until the function it returns is called. */
  load(linesPerSecond: number): () => void {
    const lines = Math.max(1, Math.round((linesPerSecond * loadMs) / 1_000));
    const write = () => {
      for (const client of this.clients)
        for (let i = 0; i < lines && client.running && client.openLines < maxOpenLines; i++) this.type(client);
    };
    const timer = setInterval(write, loadMs);
    return () => clearInterval(timer);
  }

  /** Everything works again: what was killed or stopped runs, all links are open. */
  async heal(): Promise<void> {
    this.server.signal('SIGCONT');
    if (!this.server.running) await this.startServer();
    for (const client of this.clients) {
      client.link.heal();
      client.signal('SIGCONT');
      if (!client.running) client.start();
    }
  }

  /**
   * Heals, and waits until everybody has everything: the last line of each is shown by all, and with it, because of
   * the order, everything typed before. Then somebody new reads the whole log.
   */
  async settle(timeoutMs = 60_000): Promise<void> {
    await this.heal();
    const last = this.clients.map((client) => this.type(client));
    const readers = [this.server, ...this.clients];
    await Promise.all(readers.flatMap((reader) => last.map((text) => reader.shows(text, timeoutMs))));
    const head = Math.max(...readers.map((reader) => reader.head));
    await Promise.all(this.clients.map((client) => client.reaches(head, timeoutMs)));
    const args = this.#clientArgs('auditor', this.#port);
    const begin = () => this.history.auditor();
    const auditor = new Program('auditor', this.folder, () => [...args, '--history', everything], begin);
    this.#auditor = auditor;
    const done = auditor.reaches(head, timeoutMs);
    auditor.start();
    await done;
    await Promise.all([...this.clients, auditor].map((client) => client.end('SIGTERM')));
    await this.server.end('SIGTERM');
  }

  /** Ends everything; the transcripts stay if they are wanted. */
  async close(keep = false): Promise<void> {
    process.off('exit', this.#abandon);
    this.#abandon();
    await Promise.all(this.#programs.map((each) => each.kill()));
    for (const { link } of this.clients) link.close();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  get #programs(): Program[] {
    return [this.server, ...this.clients, ...(this.#auditor ? [this.#auditor] : [])];
  }

  async #addClient(name: string): Promise<void> {
    const link = await LinkProxy.open(this.#port);
    const args = this.#clientArgs(name, link.port);
    const client = new Program(
      name,
      this.folder,
      () => args,
      () => this.history.client(name),
    );
    this.clients.push(Object.assign(client, { link }));
    client.start();
  }

  #clientArgs(name: string, port: number): string[] {
    const where = ['--port', `${port}`, '--ip', host, '--data-dir', join(this.folder, name)];
    return [program('client'), ...where, '--name', name, '--json', '--replay', '--listen', '--timeout', '3600'];
  }
}

const program = (name: string) => join(dist, `${name}.js`);

/**
 * Runs `faults` on a new fleet, lets everybody catch up and checks everything that was said. What fails keeps its
 * transcripts and names their folder.
 */
export async function withFleet(clients: number, faults: (fleet: Fleet) => Promise<void>): Promise<void> {
  const fleet = await Fleet.open(clients);
  let clean = false;
  try {
    await faults(fleet);
    await fleet.settle();
    const violations = fleet.history.check();
    if (violations.length > 0) throw new Error(`${tell(violations)}\ntranscripts: ${fleet.folder}`);
    clean = true;
  } finally {
    await fleet.close(!clean);
  }
}

export const tell = (violations: Violation[]): string => {
  const lines = violations.slice(0, 20).map(({ name, message }) => `${name}: ${message}`);
  if (violations.length > lines.length) lines.push(`and ${violations.length - lines.length} more`);
  return lines.join('\n');
};
