import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keyInHex } from '../../src/keys/allow-list.ts';
import { newPerson, type Person, quantile, type RoomAt, SmallMember } from '../support/small-member.ts';

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
export const kindsOfStrangers = [
  'loris',
  'connects',
  'http',
  'random',
  'open',
  'unlisted',
  'wrongKey',
  'garbage',
] as const;
type Kind = (typeof kindsOfStrangers)[number] | 'none';

/** A real server with its data in a folder that goes with it. */
export class Server {
  readonly #folder = mkdtempSync(join(tmpdir(), 'zmqchat-doors-'));
  readonly #child;
  readonly events: { type: string; [field: string]: unknown }[] = [];
  readonly log: string[] = [];
  at!: RoomAt;

  private constructor(isSecure: boolean, people: readonly Person[] | undefined) {
    if (people) this.#list(people);
    const closed = isSecure ? ['--secure', ...(people ? ['--allow', join(this.#folder, 'list')] : [])] : [];
    const place = ['--port', '0', '--ip', '127.0.0.1', '--max-clients', '3000', '--json'];
    const args = [...place, '--data-dir', join(this.#folder, 'data'), ...closed];
    this.#child = spawn(process.execPath, [path('../../dist/server.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface(this.#child.stderr).on('line', (line) => this.log.push(line));
  }

  /** @param people who is on its list; without them it has none */
  static async start(isSecure: boolean, people?: readonly Person[]): Promise<Server> {
    const server = new Server(isSecure, people);
    const lines = createInterface(server.#child.stdout);
    const [first] = await once(lines, 'line');
    const { port, room } = JSON.parse(first);
    server.at = { port, room, isSecure };
    lines.on('line', (line) => server.events.push(JSON.parse(line)));
    return server;
  }

  #list(people: readonly Person[]): void {
    const lines = people.map(({ key }) => `${keyInHex(key)}\n`).join('');
    writeFileSync(join(this.#folder, 'list'), lines, { mode: 0o600 });
  }

  /** From now on only these are on the list. */
  admit(people: readonly Person[], isHurried: boolean): void {
    this.#list(people);
    if (isHurried) this.#child.kill('SIGHUP');
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get memoryMb(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]) / 1_024;
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Of all its threads, in ms. */
  get cpuMs(): number {
    const [user = 0, system = 0] =
      readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13).map(Number) ?? [];
    return 10 * (user + system);
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
    rmSync(this.#folder, { recursive: true });
  }
}

export type Phase = {
  kinds: readonly Kind[];
  tried: number;
  p50: number;
  p99: number;
  said: number;
  back: number;
  disconnects: number;
  /** What strangers have got into the room: frames that it took, or ignored with a word. */
  frames: number;
  descriptors: [before: number, after: number];
  memoryMb: [before: number, after: number];
};

/** Members that talk, and what becomes of them while strangers knock at their closed door, some kinds of them in each phase. */
export async function besiege(rounds: readonly (readonly Kind[])[], seconds: number, count = 10): Promise<Phase[]> {
  const people = Array.from({ length: count }, newPerson);
  const server = await Server.start(true, people);
  const members = people.map((person) => new SmallMember(server.at, person));
  const phases: Phase[] = [];
  try {
    for (const member of members) await member.enter();
    // Their coming is no stranger's.
    while (server.events.length < count) await delay(20);
    for (const kinds of rounds) phases.push(await phase(server, members, kinds, seconds));
  } finally {
    for (const member of members) member.close();
    await server.end();
  }
  return phases;
}

async function phase(
  server: Server,
  members: readonly SmallMember[],
  kinds: readonly Kind[],
  seconds: number,
): Promise<Phase> {
  const before = { descriptors: server.descriptors, memoryMb: server.memoryMb };
  const [events, log] = [server.events.length, server.log.length];
  for (const member of members) member.tookMs.length = 0;
  const disconnects = sum(members.map((member) => member.disconnects));
  let said = 0;
  const talking = setInterval(() => {
    for (const member of members) void member.say(`word ${++said}`);
  }, 50);
  const tried = sum(await Promise.all(kinds.map((kind) => run(kind, server.at, seconds))));
  clearInterval(talking);
  // Whoever says nothing is cut off after 3 s.
  await delay(3_500);
  for (let tries = 0; server.descriptors > before.descriptors && tries < 40; tries++) await delay(250);
  const took = members.flatMap((member) => member.tookMs);
  const strange = server.events.slice(events).filter(({ type }) => type !== 'message').length;
  return {
    kinds,
    tried,
    p50: quantile(took, 0.5),
    p99: quantile(took, 0.99),
    said,
    back: took.length,
    disconnects: sum(members.map((member) => member.disconnects)) - disconnects,
    frames: strange + server.log.slice(log).filter((line) => line.includes('ignored')).length,
    descriptors: [before.descriptors, server.descriptors],
    memoryMb: [before.memoryMb, server.memoryMb],
  };
}

async function run(kind: Kind, { port, room }: RoomAt, seconds: number): Promise<number> {
  const args = ['--import', 'tsx', path('strangers.ts'), kind, String(port), room, String(seconds)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  return Number(said);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
