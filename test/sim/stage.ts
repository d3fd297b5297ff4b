import type { Send } from '../../src/core/turn.ts';
import { Healing } from './healing.ts';
import { Random } from './random.ts';
import type { Client, Cores } from './sides.ts';
import { plain, type Traits } from './traits.ts';

export const peopleOf = (count: number) =>
  Array.from({ length: count }, (_, person) => ({ person, isHeld: false, isPipe: false }));

/** A world without chance: what a scene says happens, and nothing goes wrong by itself. */
export class Stage extends Healing {
  constructor(cores: Cores, traits: Partial<Traits> = {}) {
    super(cores, 1, { random: new Random(1), more: new Random(2) }, { ...plain, people: peopleOf(2), ...traits });
    this.isHealing = true;
    this.startServer();
  }

  /** Who is away is not there, but goes on running. */
  readonly away = new Set<Client>();

  override connect(client: Client): void {
    if (!this.away.has(client)) super.connect(client);
  }

  /** What is sent and begins so fits into nobody's queue. */
  lost: string | undefined;

  override isLost({ data }: Send): boolean {
    return this.lost !== undefined && data.startsWith(this.lost);
  }

  /** Everybody there comes. */
  begin(...clients: Client[]): void {
    for (const client of clients) this.start(client);
    this.passes(4);
  }

  /** Somebody says something, and all that is under way arrives. */
  say(client: Client, ...texts: string[]): void {
    for (const text of texts) this.input(client, { type: 'typed', text });
    this.passes(2);
  }

  erase(seq: number): void {
    this.turn([{ type: 'erase', from: 'keeper', seq }]);
    this.passes(2);
  }

  passes(rounds: number): void {
    for (let round = 0; round < rounds; round++) this.pass();
  }

  /** All that is under way arrives, in no time. */
  flush(...clients: Client[]): void {
    for (let round = 0; round < 4; round++) {
      for (const client of clients) this.flushSide(client);
      this.syncServer();
    }
  }

  /** What this client has sent arrives. */
  arrive({ connection }: Client): void {
    for (const data of connection?.toServer.splice(0) ?? []) this.toServer(connection?.id ?? '', data);
    this.syncServer();
  }

  /** Everything arrives up to the welcome of this client, and but for that. */
  meet(client: Client): void {
    this.connect(client);
    const { toClient } = client.connection ?? { toClient: [] };
    do {
      if (toClient.length > 0) this.toClient(client, toClient.shift() ?? '');
      this.arrive(client);
    } while (toClient.length > 0 && !toClient[0]?.startsWith('{"welcome"'));
  }
}
