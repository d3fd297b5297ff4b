import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../sim/random.ts';
import type { Violation } from './checker.ts';
import { type Client, Fleet } from './fleet.ts';

export type Plan = {
  seed: number;
  clients: number;
  ms: number;
  /** Lines per second of each client. */
  rate?: number;
  /** Hears what is done, when. */
  tell?: (what: string) => void;
};
export type Outcome = {
  fleet: Fleet;
  violations: Violation[];
  messages: number;
  /** How often each fault was applied. */
  faults: Record<string, number>;
};

/** One thing that goes wrong for a while: does it, waits, and undoes it. */
type Fault = { name: string; weight: number; apply: (dice: Random, chaos: Chaos) => Promise<void> };

/**
 * Real processes, real faults: which ones, and for how long, comes from the seed (what the processes make of it, from
 * the machine). One lane of faults for the server and one for the clients and their links, so that they overlap.
 */
export async function chaos(plan: Plan): Promise<Outcome> {
  return new Chaos(plan, await Fleet.open(plan.clients)).run();
}

class Chaos {
  readonly fleet: Fleet;
  readonly #plan: Plan;
  readonly #startedMs = performance.now();
  readonly #faults: Record<string, number> = {};

  constructor(plan: Plan, fleet: Fleet) {
    this.#plan = plan;
    this.fleet = fleet;
  }

  async run(): Promise<Outcome> {
    const { fleet } = this;
    const unload = fleet.load(this.#plan.rate ?? 20);
    try {
      const { seed } = this.#plan;
      await Promise.all([this.#lane(serverFaults, new Random(seed)), this.#lane(clientFaults, new Random(~seed))]);
      unload();
      this.#tell('heals');
      await fleet.settle();
      return { fleet, violations: fleet.history.check(), messages: fleet.history.places, faults: this.#faults };
    } catch (error) {
      await fleet.close(true);
      throw new Error(`seed ${this.#plan.seed}, transcripts in ${fleet.folder}`, { cause: error });
    } finally {
      unload();
    }
  }

  /** Waits a random while. */
  async rest(dice: Random, fromMs: number, toMs: number): Promise<void> {
    await pause(fromMs + dice.below(toMs - fromMs));
  }

  async #lane(faults: Fault[], dice: Random): Promise<void> {
    const bag = faults.flatMap((fault) => Array<Fault>(fault.weight).fill(fault));
    for (;;) {
      await this.rest(dice, 100, 1_500);
      if (performance.now() - this.#startedMs > this.#plan.ms) return;
      const fault = dice.pick(bag);
      this.#faults[fault.name] = (this.#faults[fault.name] ?? 0) + 1;
      this.#tell(fault.name);
      await fault.apply(dice, this);
    }
  }

  #tell(what: string): void {
    this.#plan.tell?.(`${((performance.now() - this.#startedMs) / 1_000).toFixed(1)} s: ${what}`);
  }
}

const serverFaults: Fault[] = [
  {
    name: 'server killed',
    weight: 6,
    apply: async (dice, chaos) => {
      await chaos.fleet.server.kill();
      await chaos.rest(dice, 0, 1_000);
      await chaos.fleet.startServer();
    },
  },
  {
    name: 'server away',
    weight: 3,
    apply: async (dice, chaos) => {
      await chaos.fleet.server.kill();
      await chaos.rest(dice, 2_000, 12_000);
      await chaos.fleet.startServer();
    },
  },
  {
    name: 'server stopped',
    weight: 2,
    apply: async (dice, chaos) => {
      chaos.fleet.server.signal('SIGSTOP');
      await chaos.rest(dice, 200, 3_000);
      chaos.fleet.server.signal('SIGCONT');
    },
  },
  {
    name: 'server stopped for long',
    weight: 1,
    apply: async (dice, chaos) => {
      chaos.fleet.server.signal('SIGSTOP');
      await chaos.rest(dice, 8_000, 12_000);
      chaos.fleet.server.signal('SIGCONT');
    },
  },
];

/** A fault of some of the links, for a while. */
const linkFault = (name: string, weight: number, ms: [number, number], begin: (client: Client) => void): Fault => ({
  name,
  weight,
  apply: async (dice, chaos) => {
    const some = chaos.fleet.clients.filter(() => dice.chance(0.5));
    for (const client of some) begin(client);
    await chaos.rest(dice, ...ms);
    for (const { link } of some) link.heal();
  },
});

const clientFaults: Fault[] = [
  {
    name: 'client killed',
    weight: 6,
    apply: async (dice, chaos) => {
      const client = dice.pick(chaos.fleet.clients);
      await client.kill();
      await chaos.rest(dice, 0, 2_000);
      client.start();
    },
  },
  {
    name: 'client stopped',
    weight: 3,
    apply: async (dice, chaos) => {
      const client = dice.pick(chaos.fleet.clients);
      client.signal('SIGSTOP');
      await chaos.rest(dice, 200, 4_000);
      client.signal('SIGCONT');
    },
  },
  {
    name: 'client stopped until it expired',
    weight: 1,
    apply: async (dice, chaos) => {
      const client = dice.pick(chaos.fleet.clients);
      client.signal('SIGSTOP');
      await chaos.rest(dice, 20_000, 24_000);
      client.signal('SIGCONT');
    },
  },
  linkFault('links dropped', 3, [1, 100], ({ link }) => link.drop()),
  linkFault('black hole', 3, [500, 5_000], ({ link }) => link.blackHole()),
  linkFault('long black hole', 1, [10_000, 14_000], ({ link }) => link.blackHole()),
  linkFault('links refused', 2, [500, 3_000], ({ link }) => link.refuse()),
  linkFault('links flapping', 2, [2_000, 5_000], ({ link }) => link.flap(300)),
  linkFault('links delayed', 2, [500, 3_000], ({ link }) => link.delay(40)),
];
