import type { Change } from '../../src/core/log/store.ts';
import type * as rooms from '../../src/core/room/room.ts';
import type { Now, Send } from '../../src/core/turn.ts';
import type * as memory from '../../src/history/memory.ts';
import type { Message } from '../../src/protocol/frames.ts';
import { formatId } from '../../src/protocol/signed.ts';
import { Checker } from './checker.ts';
import { claim } from './faults.ts';
import type { Random } from './random.ts';
import { Rosters } from './roster.ts';
import { Client, type Cores, crypto, Legacy } from './sides.ts';
import type { Traits } from './traits.ts';
import { Uploads } from './uploads.ts';

/** What there is in a world: programs, disks, connections and clocks, and what is known of them. */
export class Ground {
  readonly traits: Traits;
  readonly random: Random;
  /** What is drawn by a trait of its own, so that worlds without it are as they were. */
  readonly more: Random;
  readonly checker: Checker;
  readonly cores: Cores;
  readonly clients: Client[];
  readonly legacies: Legacy[];
  backup: { of: Client; store: memory.MemoryStore } | undefined;
  server: { room: rooms.Room; commits: Change[] } | undefined;
  serverStore: memory.MemoryStore;
  snapshot: Change = {};
  /** What was ever said, as it was on the server's disk first. */
  readonly remembered: Message[] = [];
  serverRuns = 0;
  typed = 0;
  /** Words of a folder that was copied, which its person has said from elsewhere. */
  readonly saidAnew = new Set<string>();
  /** All that there are and were. */
  readonly devices = new Set<string>();
  nonces = 0;
  nowMs = 1_000_000;
  /** By how much the machines' clocks are wrong. */
  wrongMs = 0;
  isHealing = false;
  tracing = false;
  readonly trace: string[] = [];
  /** Whose a connection is or was. */
  readonly clientAt = new Map<string, Client>();
  readonly uploads = new Uploads();
  readonly rosters = new Rosters();
  /** Where its readers stood before a frame was sent. */
  readonly sentFrom = new Map<string, Send['before']>();
  /** Signed heads of this run of the server, and of those before it. */
  beats: string[] = [];
  oldBeats: string[] = [];

  constructor(cores: Cores, seed: number, { random, more }: Record<'random' | 'more', Random>, traits: Traits) {
    this.cores = cores;
    this.random = random;
    this.more = more;
    this.traits = traits;
    this.serverStore = new cores.MemoryStore(`log${seed}`);
    this.clients = traits.people.map(({ person, isHeld, isPipe }, no) => {
      const dev = this.newDevice(`k${person}`);
      const store = new cores.MemoryStore('', dev);
      return Object.assign(new Client(`n${person}`, dev, `k${person}`, store, isHeld), { isPipe, no });
    });
    this.legacies = traits.withOriginal ? [new Legacy('old')] : [];
    if (traits.isClaimed) claim(this.serverStore, this.clients[0]?.dev ?? '');
    this.checker = new Checker(traits.withRollback, traits.retention.ageMs < 1e15, crypto);
  }

  newDevice(key: string): string {
    const dev = `${key}d${this.devices.size}`;
    this.devices.add(dev);
    return dev;
  }

  /** No place of the log is ever given up. */
  get isKeptWhole(): boolean {
    return !this.traits.withRollback && this.isUntrimmed;
  }

  get isUntrimmed(): boolean {
    return this.traits.retention.entries === 1e9 && this.traits.retention.ageMs === 1e15;
  }

  get now(): Now {
    return { ms: this.nowMs, wallMs: this.nowMs + this.wrongMs };
  }

  /** Somebody else's words that the log cannot take, for what lies before them is gone. */
  isStuck({ id }: Message): boolean {
    return id !== undefined && this.checker.facts.isStuck(formatId(id), this.serverStore);
  }

  note(line: string): void {
    if (this.tracing) this.trace.push(`${this.nowMs} ${line}`);
  }
}
