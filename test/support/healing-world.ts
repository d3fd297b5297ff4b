import { Room } from '../../src/core/room/room.ts';
import { type Input, theLink } from '../../src/core/turn.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { decode } from '../../src/protocol/codec.ts';
import { fakeCrypto, fakeIdentity, fakeSalt } from './fake-crypto.ts';
import { NearWorld, type Person } from './near-world.ts';

/** Members who talk to each other without their server, until that is back. */
export class HealingWorld extends NearWorld {
  /** The room's own log. */
  readonly log = new MemoryStore('log');
  /** The server's clock is wrong by so much. */
  wrongMs = 0;
  readonly #room: Room;
  readonly #toMembers: { person: Person; data: string }[] = [];
  #challenges = 0;

  constructor(devices: string) {
    super(devices);
    const retention = { entries: 1e6, ageMs: 1e12 };
    const secrets = { nonce: () => `room${++this.#challenges}`, salt: () => fakeSalt, crypto: fakeCrypto };
    this.#room = new Room(
      { name: 'server', retention, dev: 'run', identity: fakeIdentity('server'), ...secrets },
      this.log,
    );
    const [{ store } = {}] = this.people;
    if (store) this.log.apply({ members: store.members(), addresses: store.addresses(), roster: store.roster });
  }

  /** These reach the server from now on, and give it what waits. */
  heal(...devices: string[]): void {
    for (const dev of devices) this.input(this.who(dev), { type: 'connected', from: theLink });
    for (let second = 0; second < 5; second++) this.pass(1_000);
  }

  override pass(ms: number): void {
    super.pass(ms);
    this.#turn({ type: 'tick' });
    this.settle();
  }

  override settle(): void {
    super.settle();
    for (let next = this.#toMembers.shift(); next; next = this.#toMembers.shift()) {
      this.input(next.person, { type: 'frame', from: theLink, frame: decode(Buffer.from(next.data)) });
      super.settle();
    }
  }

  protected override toServer({ dev }: Person, data: string): void {
    this.#turn({ type: 'frame', from: dev, frame: decode(Buffer.from(data)) });
  }

  #turn(...inputs: Input[]): void {
    const then: Input[] = [];
    for (const effect of this.#room.turn(inputs, { ms: this.nowMs, wallMs: this.nowMs + this.wrongMs })) {
      if (effect.type === 'send')
        for (const to of effect.to) this.#toMembers.push({ person: this.who(to), data: effect.data });
      if (effect.type !== 'commit') continue;
      this.log.apply(effect.change);
      then.push({ type: 'committed', change: effect.change });
    }
    if (then.length > 0) this.#turn(...then);
  }
}
