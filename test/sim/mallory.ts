import { secureMark } from '../../src/core/turn.ts';
import { decode, encode, seal } from '../../src/protocol/codec.ts';
import type { Join, Message } from '../../src/protocol/frames.ts';
import { joinProof, sessionInfo, sessionSalt } from '../../src/protocol/signed.ts';
import { mallorys } from './faults.ts';
import type { Machines } from './machines.ts';
import { type Client, Connection, crypto, identityOf } from './sides.ts';

const device = 'kmald';

/** A member in good standing, with a key and a proof of her own, who wants the words of others changed or lost. */
export class Mallory {
  connection: Connection | undefined;
  readonly #world: Machines;
  readonly #identity = identityOf('kmal');
  #key = '';
  #uploads = 0;

  constructor(world: Machines) {
    this.#world = world;
  }

  act(victim: Client): void {
    const { random, server, traits } = this.#world;
    if (!server || !this.#enter()) return;
    this.#world.note(`mallory is after ${victim.dev}`);
    // What a pipe has given to nobody may never be said, nor what somebody may take back.
    const last = victim.isPipe || traits.withRegrets ? victim.store.given : Number.POSITIVE_INFINITY;
    const known = victim.store.pending().filter(({ id, sig }) => id?.dev === victim.dev && id.n <= last && sig);
    const later = known[random.below(known.length)];
    // What she brings of others too early is theirs to bring once more: she may know it before the room does.
    if (later && random.chance(0.5) && !traits.withRollback) this.#upload({ ...later, first: true });
    else if (this.#world.more.chance(0.3)) this.#upload(this.#skipping);
    else this.#upload(random.pick([this.#forged(victim), this.#stolen(victim.dev), this.#inflated]));
    this.#world.syncServer();
    this.#leave();
  }

  /** Gives back what she should not. */
  giveBack(...messages: Message[]): void {
    if (!this.#world.server || !this.#enter()) return;
    this.#upload(...messages);
    this.#world.syncServer();
    this.#leave();
  }

  /** Proves over the connection of somebody else who she is herself, and speaks before she is in: in whose name? */
  intrude({ connection, name, dev }: Client): void {
    const world = this.#world;
    if (!connection || !world.server) return;
    const { id, toClient } = connection;
    // The second time she would be in, and what she says her own.
    if (world.server.room.presence.sessions.get(id)?.dev === device) return;
    world.note(`mallory intrudes upon ${dev}`);
    this.connection = connection;
    this.#prove(id, toClient);
    const message: Message = { kind: 'message', name, text: 'in your name', id: { dev: device, n: 1 }, lc: 1, ts: 1 };
    this.#upload({ ...message, key: 'kmal', sig: 'no', first: true });
    this.connection = undefined;
  }

  /** Comes as a device of somebody else, to use up its numbers. */
  usurp({ dev }: Client): void {
    if (!this.#world.server) return;
    this.#world.note(`mallory comes as ${dev}`);
    if (this.#enter(dev)) this.#upload({ ...this.#stolen(dev), first: true });
    this.#world.syncServer();
    this.#leave();
  }

  /**
   * Comes in by the encrypted door with a key and a proof that somebody has given to whoever asked over an open connection, and
   * speaks. Returns true if she is in.
   */
  relay({ name, key, dev }: Pick<Client, 'name' | 'key' | 'dev'>, isSecure = false): boolean {
    const world = this.#world;
    this.connection = new Connection(secureMark);
    const { id, toClient } = this.connection;
    const join: Join = { kind: 'join', name, version: 1, key, dev, cn: `mal${++world.nonces}`, history: 0 };
    world.syncServer();
    world.toServer(id, encode(join));
    const challenge = decode(Buffer.from(toClient.at(-1) ?? ''));
    if (challenge.kind !== 'challenge') return false;
    const proof = identityOf(key).sign(joinProof(challenge.nonce, challenge.room, join, isSecure));
    world.toServer(id, encode({ ...join, proof }));
    world.syncServer();
    const isIn = toClient.some((data) => data.startsWith('{"welcome"'));
    const message = {
      kind: 'message',
      name,
      text: 'forged',
      id: { dev, n: this.#nextOf(dev) },
      lc: 1,
      ts: 1,
      key,
    } as const;
    world.toServer(id, encode({ kind: 'upload', k: 1, messages: [{ ...message, sig: 'no', first: true }] }));
    world.syncServer();
    this.#leave();
    return isIn;
  }

  #forged({ dev, name, key }: Client): Message {
    const n = this.#nextOf(dev) + this.#world.random.below(2);
    return { kind: 'message', name, text: 'forged', id: { dev, n }, lc: 1, ts: 1, key, sig: 'no' };
  }

  /** Her own words, well signed, under the number that is next of another one's device. */
  #stolen(dev: string): Message {
    return mallorys({ text: 'stolen', id: { dev, n: this.#nextOf(dev) }, lc: 1 });
  }

  /** As if something of hers had been lost on the way. */
  get #skipping(): Message {
    return mallorys({ text: 'skipping', id: { dev: device, n: this.#nextOf(device) + 1 }, lc: 1 });
  }

  /** Would bring the counters of all others to their end. */
  get #inflated(): Message {
    return mallorys({ text: 'inflated', id: { dev: device, n: this.#nextOf(device) }, lc: 2 ** 50 });
  }

  #nextOf(dev: string): number {
    return (this.#world.serverStore.mark(dev)?.n ?? 0) + 1;
  }

  /** Returns false if the room does not let her in. */
  #enter(dev = device): boolean {
    this.connection = new Connection();
    const { id, toClient } = this.connection;
    if (!this.#prove(id, toClient, dev)) return false;
    this.#world.syncServer();
    return true;
  }

  #prove(id: string, toClient: string[], dev = device): boolean {
    const world = this.#world;
    const join: Join = {
      kind: 'join',
      name: 'mallory',
      version: 1,
      key: 'kmal',
      dev,
      cn: `mal${++world.nonces}`,
      history: 0,
    };
    world.syncServer();
    world.toServer(id, encode(join));
    const challenge = decode(Buffer.from(toClient.at(-1) ?? ''));
    if (challenge.kind !== 'challenge') return false;
    toClient.pop();
    const { nonce, room } = challenge;
    world.toServer(id, encode({ ...join, proof: this.#identity.sign(joinProof(nonce, room, join)) }));
    this.#key = this.#identity.sessionKey(room, sessionSalt(nonce, join.cn ?? ''), sessionInfo(room, join)) ?? '';
    this.#uploads = 0;
    return true;
  }

  #upload(...messages: Message[]): void {
    const upload = { kind: 'upload' as const, k: ++this.#uploads, messages };
    const data = seal(upload, (text) => crypto.mac(this.#key, text));
    this.#world.toServer(this.connection?.id ?? '', data);
  }

  #leave(): void {
    this.#world.toServer(this.connection?.id ?? '', '{"gone":1}');
    this.connection = undefined;
  }
}
