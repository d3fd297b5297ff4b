import type { ChatEvent } from '../core/events.ts';
import type { Change, Store } from '../core/log/store.ts';
import type { Core, Effect, Input, Now, Send } from '../core/turn.ts';
import { Queue } from '../queue.ts';

/** The two clocks of this machine. */
export const now = (): Now => ({ ms: performance.now(), wallMs: Date.now() });

/** Connections that did not take a frame: their queue is full, or they are gone. */
export type Untaken = { full: readonly string[]; gone: readonly string[] };

/** Where a core's words go. */
export type Ports = {
  core: Core;
  links: {
    /** Hands one frame to many connections, at once or not at all. */
    send(to: readonly string[], data: string): Untaken | Promise<Untaken>;
    redial?(): void;
  };
  /** Where what must last is kept, if there is such a thing. */
  store?: Store | undefined;
  /** `taken` is called when the text of the event has left the program. */
  show(event: ChatEvent, taken?: () => void): void;
  ignored?(frames: number, reason: string): void;
  now(): Now;
};

/**
 * Takes a core through its turns: gives it what has happened, does what it says, one thing after the other, and gives it
 * what came of that, until nothing more comes. Turns MUST NOT overlap: whoever calls waits.
 */
export class Driver {
  /** Turns that are due although nothing has arrived. */
  readonly due = new Queue<Input[]>();
  /** The change that could not be kept. */
  unkept: Change | undefined;
  readonly #ports: Ports;
  #later: Input[] = [];
  #alarm: NodeJS.Timeout | undefined;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** Rejects when something cannot be kept, or the core cannot go on. */
  async turn(inputs: readonly Input[]): Promise<void> {
    const { core, now } = this.#ports;
    let next: readonly Input[] = [...this.#later.splice(0), ...inputs];
    do next = await this.#once(core.turn(next, now()));
    while (next.length > 0);
    this.#setAlarm(core.nextTurnMs?.(now()));
  }

  /** Inputs that wait for their turn. */
  get waiting(): readonly Input[] {
    return this.#later;
  }

  /** What comes in this way until the event loop turns shares a turn, and so a write to the disk. */
  put(input: Input): void {
    if (this.#later.push(input) === 1) setImmediate(() => this.due.push([]));
  }

  close(): void {
    clearTimeout(this.#alarm);
    this.due.close();
  }

  async #once(effects: readonly Effect[]): Promise<Input[]> {
    const results: Input[] = [];
    const full = new Set<string>();
    let failure: Error | undefined;
    for (const effect of effects) {
      if (effect.type === 'send') results.push(...(await this.#send(effect, full)));
      else if (effect.type === 'commit') results.push(await this.#commit(effect.change));
      else if (effect.type === 'fail') failure = effect.error;
      else this.#do(effect);
    }
    if (!failure) return results;
    // What came of the rest is heard all the same, for the core may go on.
    this.#later.unshift(...results);
    throw failure;
  }

  #do(effect: Exclude<Effect, { type: 'send' | 'commit' | 'fail' }>): void {
    const { links, show, ignored } = this.#ports;
    const { type } = effect;
    if (type === 'hangUp') links.redial?.();
    if (type === 'ignored') ignored?.(effect.frames, effect.reason);
    if (type !== 'show') return;
    const { event, place } = effect;
    const taken = place === undefined ? undefined : () => this.put({ type: 'shown', place });
    // No message is ever left out, whoever counts it.
    show(event, taken ?? (event.type === 'message' ? () => {} : undefined));
  }

  /** What comes behind a frame that was not taken must not overtake it. */
  async #send(effect: Send, full: Set<string>): Promise<Input[]> {
    const to = full.size === 0 ? effect.to : effect.to.filter((id) => !full.has(id));
    const held = to.length < effect.to.length ? effect.to.filter((id) => full.has(id)) : [];
    const untaken = await this.#ports.links.send(to, effect.data);
    for (const from of untaken.full) full.add(from);
    return [
      ...[...held, ...untaken.full].map((from): Input => ({ type: 'full', from, sent: effect })),
      ...untaken.gone.map((from): Input => ({ type: 'disconnected', from })),
    ];
  }

  async #commit(change: Change): Promise<Input> {
    try {
      await this.#ports.store?.commit(change);
    } catch (error) {
      this.unkept = change;
      throw error;
    }
    return { type: 'committed', change };
  }

  #setAlarm(ms: number | undefined): void {
    clearTimeout(this.#alarm);
    if (ms === 0) setImmediate(() => this.due.push([]));
    else if (ms !== undefined) this.#alarm = setTimeout(() => this.due.push([]), ms);
  }
}
