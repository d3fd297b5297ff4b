import type { ChatEvent } from '../core/events.ts';
import type { WhyKept } from '../core/log/ledger.ts';
import type { Change, Store } from '../core/log/store.ts';
import {
  type Core,
  type Effect,
  type Full,
  type Input,
  isPeer,
  type Now,
  type PeerEffect,
  type Send,
} from '../core/turn.ts';
import type { ChatError } from '../errors.ts';

/** Hands frames to many connections, each at once or not at all, and returns those whose queue is full. */
type Sender = { send(to: readonly string[], ...frames: string[]): Full[] | Promise<Full[]> };

export type Ports = {
  core: Core;
  links: Sender & { redial?(): void };
  /** The links between members. */
  peers?: (Sender & { take(effect: PeerEffect): void }) | undefined;
  store?: Pick<Store, 'commit'> | undefined;
  /** `taken` is called when the text of the event has left the program. */
  show(event: ChatEvent, taken?: () => void): void;
  ignored?(frames: number, reason: string): void;
  answered?(to: string, why?: WhyKept): void;
  /** Is told that the core cannot go on as it is, and throws if nobody can help it. */
  failed?(error: ChatError): void;
};

/**
 * Takes a core through its turns: gives it what was put here, does what it says, one thing after the other, and gives it
 * what came of that, until nothing more comes. One queue, one consumer: who iterates `turns`.
 */
export class Driver {
  readonly waiting: Input[] = [];
  /** What is not kept yet, or could not be. */
  unkept: Change | undefined;
  readonly #ports: Ports;
  #isDue = false;
  #soon: NodeJS.Immediate | undefined;
  #failure: { error: unknown } | undefined;
  #alarm: NodeJS.Timeout | undefined;
  #wake = () => {};
  #onlookers: (() => void)[] = [];

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** What is put until the event loop turns shares a turn, and so a write to the disk. A turn is due even without inputs. */
  put(...inputs: readonly Input[]): void {
    this.waiting.push(...inputs);
    this.#soon ??= setImmediate(() => this.hurry());
  }

  hurry(): void {
    this.#isDue = true;
    this.#wake();
  }

  /** Resolves when the next turn is over, which has these inputs, too. */
  turned(...inputs: readonly Input[]): Promise<void> {
    if (inputs.length > 0) this.put(...inputs);
    return new Promise((resolve) => this.#onlookers.push(resolve));
  }

  /** Gives `take` what comes from a source; a turn is due for each. What goes wrong ends the turns. */
  pump<T>(source: AsyncIterable<T>, take: (value: T) => unknown, ended = () => {}): Promise<void> {
    return this.guard(async () => {
      for await (const value of source) {
        this.put();
        await take(value);
      }
      ended();
    });
  }

  /** What goes wrong with this work ends the turns. */
  async guard(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failure = { error };
    }
    this.put();
  }

  /** Rejects when a change cannot be kept, the core cannot go on, or a source fails. */
  async *turns(tickMs: number, tick = () => this.put({ type: 'tick' })): AsyncGenerator<void> {
    const clock = setInterval(tick, tickMs);
    try {
      for (;;) {
        if (!this.#isDue) await new Promise<void>((resolve) => (this.#wake = resolve));
        if (this.#failure) throw this.#failure.error;
        await this.turn();
        yield;
      }
    } finally {
      clearInterval(clock);
    }
  }

  /** One turn with all that waits, and these inputs last. MUST NOT be called while somebody iterates `turns`. */
  async turn(...inputs: Input[]): Promise<void> {
    const now = (): Now => ({ ms: performance.now(), wallMs: Date.now() });
    const onlookers = this.#onlookers.splice(0);
    this.#isDue = false;
    clearImmediate(this.#soon);
    this.#soon = undefined;
    let next = [...this.waiting.splice(0), ...inputs];
    do next = await this.#perform(this.#ports.core.turn(next, now()));
    while (next.length > 0);
    const dueMs = this.#ports.core.nextTurnMs?.(now());
    clearTimeout(this.#alarm);
    if (dueMs === 0) this.put();
    else if (dueMs !== undefined) this.#alarm = setTimeout(() => this.put(), dueMs).unref();
    for (const tell of onlookers) tell();
  }

  async #perform(effects: readonly Effect[]): Promise<Input[]> {
    const { links, peers, ignored, answered, failed } = this.#ports;
    const results: Input[] = [];
    const full = new Set<string>();
    let failure: ChatError | undefined;
    for (const effect of inRows(effects)) {
      if (Array.isArray(effect)) results.push(...(await this.#send(effect, full)));
      else if (effect.type === 'commit') results.push(await this.#commit(effect.change));
      else if (effect.type === 'show') this.#show(effect);
      else if (effect.type === 'hangUp' && !isPeer(effect.to)) links.redial?.();
      else if (effect.type === 'ignored') ignored?.(effect.frames, effect.reason);
      else if (effect.type === 'answered') answered?.(effect.to, effect.why);
      else if (effect.type === 'fail') failure = effect.error;
      else peers?.take(effect);
    }
    // The rest is done all the same, for the core may go on.
    if (failure) failed?.(failure);
    return results;
  }

  /** What comes behind a frame that was not taken must not overtake it. */
  async #send(row: Row, full: Set<string>): Promise<Input[]> {
    const [{ to }] = row;
    const untaken: Full[] = to.filter((id) => full.has(id)).map((id) => ({ id, taken: 0 }));
    const others = untaken.length === 0 ? to : to.filter((id) => !full.has(id));
    untaken.push(
      ...(await this.#give(
        others,
        row.map(({ data }) => data),
      )),
    );
    for (const { id } of untaken) full.add(id);
    return untaken.flatMap(({ id, taken }) => row.slice(taken).map((sent) => ({ type: 'full', from: id, sent })));
  }

  #give(to: readonly string[], frames: string[]): Full[] | Promise<Full[]> {
    const { links, peers } = this.#ports;
    const near = to.filter(isPeer);
    const others = near.length === 0 ? to : to.filter((id) => !isPeer(id));
    // A link with one other end says everything to that: what is for nobody there must not come to it.
    const far = others.length > 0 ? links.send(others, ...frames) : [];
    if (!peers || near.length === 0) return far;
    return Promise.all([far, peers.send(near, ...frames)]).then((full) => full.flat());
  }

  async #commit(change: Change): Promise<Input> {
    this.unkept = change;
    await this.#ports.store?.commit(change);
    this.unkept = undefined;
    return { type: 'committed', change };
  }

  #show({ event, place }: Effect & { type: 'show' }): void {
    const taken = () => place !== undefined && this.put({ type: 'shown', place });
    // No message is ever left out, whoever counts it.
    this.#ports.show(event, place !== undefined || event.type === 'message' ? taken : undefined);
  }
}

/** Frames that go to the same readers one after the other. */
type Row = [Send, ...Send[]];

function* inRows(effects: readonly Effect[]): Generator<Exclude<Effect, Send> | Row> {
  let row: Row | undefined;
  for (const effect of effects) {
    if (effect.type === 'send' && effect.to === row?.[0].to) {
      row.push(effect);
      continue;
    }
    if (row) yield row;
    row = effect.type === 'send' ? [effect] : undefined;
    if (effect.type !== 'send') yield effect;
  }
  if (row) yield row;
}
