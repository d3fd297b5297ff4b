import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SqliteStore } from '../../src/history/sqlite.ts';
import { logFolders, reachable } from '../support/reachable.ts';
import { until } from '../support/until.ts';
import { Ground } from './ground.ts';
import { agreedAtMs, type Line, type Printed, type Story } from './judge.ts';
import { Program } from './program.ts';

export const here = ['ana', 'bo'];
export const there = ['cy', 'di', 'eve'];
export const everybody = [...here, ...there];
const port = '9999';
/** As long as something may still be mended: more is too much anyway. */
const agreeMs = 40_000;
/** The five take turns: each says a line twice a second. */
const paceMs = 100;

/** A server and five clients, real programs in three networks that a router joins, and all that is said among them. */
export class Room implements Story {
  readonly said: Line[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'zmqchat-partition-'));
  readonly ground: Ground;
  server: Program;
  readonly #clients = new Map<string, Program>();

  private constructor(ground: Ground) {
    this.ground = ground;
    this.server = this.#startServer();
  }

  /** All are online, and know where the others are. */
  static async open(): Promise<Room> {
    const room = new Room(await Ground.open([['server'], here, there]));
    await until(() => room.server.printed.length > 0, 'the server listens');
    for (const name of everybody) room.#clients.set(name, room.#client(name));
    await until(() => [...room.printed.values()].every(isOnline), 'all are online');
    const knows = (name: string) => reachable(room.folder, name) === everybody.length;
    await until(() => everybody.every(knows), 'all are in the roster');
    return room;
  }

  get printed(): ReadonlyMap<string, readonly Printed[]> {
    return new Map([...this.#clients].map(([name, { printed }]) => [name, printed]));
  }

  say(by: string): void {
    const line = { by, text: `${by} ${this.said.length}`, atMs: performance.now() };
    this.said.push(line);
    this.#clients.get(by)?.write(line.text);
  }

  /** All of them talk, until the function it returns is called. */
  talk(): () => void {
    let turn = 0;
    const timer = setInterval(() => this.say(everybody[turn++ % everybody.length] as string), paceMs);
    return () => clearInterval(timer);
  }

  async killServer(): Promise<void> {
    await this.server.end('SIGKILL');
  }

  restartServer(): void {
    this.server = this.#startServer();
  }

  /** Waits until all know the place of all that was said, or that takes too long: then that is judged. */
  async agree(): Promise<void> {
    await until(() => Number.isFinite(agreedAtMs(this)), 'all agree', agreeMs).catch(() => {});
    // What is shown twice would come behind that.
    await pause(1_000);
  }

  /** Ends all in order. Returns the last place of each one's log and the hash of all up to it. */
  async end(): Promise<string[]> {
    for (const client of this.#clients.values()) await client.end('SIGTERM');
    await this.server.end('SIGTERM');
    return logFolders(this.folder).map(headOf);
  }

  async close(keep = false): Promise<void> {
    for (const program of [...this.#clients.values(), this.server]) await program.end('SIGKILL');
    this.ground.close();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  #startServer(): Program {
    return this.#start('server', 'server', ['--ip', 'all', '--port', port]);
  }

  #client(name: string): Program {
    const args = ['--ip', this.ground.address('server'), '--port', port, '--name', name, '--listen'];
    return this.#start('client', name, args);
  }

  #start(program: 'server' | 'client', name: string, args: readonly string[]): Program {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    return new Program(program, { name, folder, through: this.ground.on(name), args });
  }
}

const isOnline = (events: readonly Printed[]) =>
  events.some((event) => event.type === 'state' && 'state' in event && event.state === 'online');

function headOf(folder: string): string {
  const store = SqliteStore.open(folder, { readOnly: true });
  const { head, headHash } = store;
  void store.close();
  return `${head} ${headHash}`;
}
