import { setImmediate as nextTurn, setInterval, setTimeout } from 'node:timers/promises';
import type { ChatEvent } from '../core/events.ts';
import type { Change, Store } from '../core/log/store.ts';
import type { Room, RoomInput } from '../core/room/room.ts';
import { decode } from '../protocol/codec.ts';
import type { View } from '../terminal/view.ts';
import type { Incoming, RouterLink, SendOutcome } from '../transport/router.ts';
import { race } from './race.ts';

/** The server's diary. */
export type Diary = { log(level: 'error' | 'warn' | 'info' | 'debug', message: string): void };

export type ServeOptions = {
  room: Room;
  store: Store;
  link: RouterLink;
  /** Shows the room's events (JSON), or nothing. */
  view: View | undefined;
  logger: Diary;
  stop: AsyncIterable<NodeJS.Signals>;
  now: () => number;
};

const tickMs = 500;
const farewellMs = 200;

/** Runs the room until it is asked to stop. Rejects when its log cannot be written: nothing is sent after that. */
export async function serve(options: ServeOptions): Promise<void> {
  return new Serving(options).run();
}

/**
 * The loop of a room: everything that arrived in one turn of the event loop goes to the room at once, and what it
 * says is done at once. One queue, one consumer: this is where all messages get their one order.
 */
class Serving {
  readonly #options: ServeOptions;
  readonly #over = new AbortController();
  #inputs: RoomInput[] = [];
  #next: NodeJS.Immediate | undefined;
  #due: NodeJS.Timeout | undefined;
  readonly #commits = new Set<Promise<void>>();
  #failure: unknown;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { link, stop } = this.#options;
    const sources = { frames: link.frames.batches(), stop, tick: setInterval(tickMs) };
    try {
      for await (const event of race(sources, this.#over.signal)) {
        if (event.source === 'stop' || event.done) break;
        if (event.source === 'tick') this.#put({ type: 'tick' });
        else await this.#receive(event.value);
      }
      await this.#finish();
      if (this.#failure) throw this.#failure;
    } finally {
      this.#over.abort();
      clearImmediate(this.#next);
      clearTimeout(this.#due);
      link.close();
    }
  }

  /** Reads on after their turn: a flood waits in its own connection, and ZeroMQ takes from all of them by turns. */
  #receive(frames: Incoming[]): Promise<void> {
    for (const { from, bytes } of frames) this.#put({ type: 'frame', from, frame: decode(bytes) });
    return nextTurn();
  }

  /** What was accepted is on disk and sent before the farewell. */
  async #finish(): Promise<void> {
    this.#turn();
    while (this.#commits.size > 0 && !this.#failure) {
      await Promise.all(this.#commits);
      this.#turn();
    }
    if (this.#failure) return;
    this.#inputs.push({ type: 'close' });
    this.#turn();
    // Still reading: a socket closed with unread data takes with it what it has just sent. [P29]
    await setTimeout(farewellMs);
  }

  #put(input: RoomInput): void {
    this.#inputs.push(input);
    this.#next ??= setImmediate(() => this.#turn());
  }

  #turn(): void {
    clearImmediate(this.#next);
    clearTimeout(this.#due);
    this.#next = undefined;
    if (this.#failure) return;
    const { room, now, logger } = this.#options;
    const inputs = this.#inputs;
    this.#inputs = [];
    for (const effect of room.turn(inputs, now())) {
      if (effect.type === 'send') this.#send(effect.to, effect.data);
      else if (effect.type === 'commit') this.#commit(effect.change);
      else if (effect.type === 'event') this.#tell(effect.event);
      else logger.log('warn', `ignored ${effect.frames} ${effect.frames === 1 ? 'frame' : 'frames'}: ${effect.reason}`);
    }
    const nextMs = room.nextTurnMs(now());
    if (nextMs === 0) this.#next ??= setImmediate(() => this.#turn());
    else if (nextMs !== undefined) this.#due = globalThis.setTimeout(() => this.#turn(), nextMs);
  }

  #send(to: string[], data: string): void {
    const note = (outcome: SendOutcome, to: string) => {
      if (outcome !== 'sent') this.#put({ type: outcome, to });
    };
    for (const id of to) void this.#options.link.send(id, data).then((outcome) => note(outcome, id));
  }

  /** The first failure ends the room: what cannot be kept must not be sent. */
  #commit(change: Change): void {
    const commit = this.#options.store.commit(change).then(
      () => this.#put({ type: 'committed', change }),
      (error) => {
        this.#failure ??= error;
        this.#over.abort();
      },
    );
    this.#commits.add(commit);
    void commit.finally(() => this.#commits.delete(commit));
  }

  #tell(event: ChatEvent): void {
    const { view, logger } = this.#options;
    view?.show(event);
    if (event.type === 'join') logger.log('info', `${event.name} joined (${event.online} online)`);
    if (event.type === 'rename') logger.log('info', `${event.from} is ${event.name} now (${event.online} online)`);
    if (event.type === 'leave') logger.log('info', `${event.name} ${event.reason} (${event.online} online)`);
    if (event.type === 'message') logger.log('debug', `#${event.seq} ${event.from.name}: ${event.text}`);
  }
}
