import { ChatError, exitCodeOf, exitCodes } from '../errors.ts';
import type { Driver } from './drive.ts';
import type { TalkOptions } from './talk.ts';

export type Manner = {
  /** Somebody sits at a terminal: quitting is always fine, nothing ends by itself. */
  person: boolean;
  /** Stays when the input ends. */
  listen: boolean;
  /** Ends as soon as the other side answers. */
  check: boolean;
  /** How long to wait for getting online: at the start, and after the end of a pipe. */
  timeoutMs: number;
  verbose: boolean;
  /** What to do instead, for whoever gives an empty input. */
  emptyHint: string;
};

/** How long a quit waits for what was just typed, and for the output. */
const partingMs = 1_000;
const goodbyeMs = 400;

/** When a talk is over, and what its exit code says. */
export class Ending {
  readonly #options: TalkOptions;
  readonly #driver: Driver;
  everOnline = false;
  stopAtMs: number | undefined;
  #offlineAtMs: number | undefined = performance.now();
  #isEmpty = true;
  #notTaken = 0;
  #linesEnded = false;
  #leftAtMs: number | undefined;
  #signal: NodeJS.Signals | undefined;

  constructor(options: TalkOptions, driver: Driver) {
    this.#options = options;
    this.#driver = driver;
  }

  get isTooLate(): boolean {
    const { timeoutMs } = this.#options.manner;
    return this.#offlineAtMs !== undefined && performance.now() - this.#offlineAtMs >= timeoutMs;
  }

  /** After a turn: says goodbye if it is time. True once that was answered, or takes too long. */
  async hasCome(): Promise<boolean> {
    const { conversation } = this.#options;
    const ms = performance.now();
    this.#offlineAtMs = conversation.online ? undefined : (this.#offlineAtMs ?? ms);
    this.everOnline ||= conversation.online;
    if (this.#leftAtMs === undefined && !this.#isOver) return false;
    if (this.#leftAtMs === undefined) await this.#driver.turn({ type: 'leave' });
    this.#leftAtMs ??= ms;
    return conversation.hasLeft || ms - this.#leftAtMs >= goodbyeMs;
  }

  /** At once: whoever closes a terminal may send a second signal right behind the first. */
  stop(signal?: NodeJS.Signals): void {
    this.#signal ??= signal;
    this.stopAtMs ??= performance.now();
    this.#driver.hurry();
  }

  /** So many messages that were typed are not for this room. */
  leftBehind(count: number): void {
    this.#notTaken += count;
  }

  typed(isTaken: boolean): void {
    this.#isEmpty = false;
    if (!isTaken) this.#notTaken++;
  }

  linesEnded(): void {
    const { listen, person, emptyHint } = this.#options.manner;
    if (listen) return;
    if (person) return this.stop();
    this.#linesEnded = true;
    // Whoever has read along and then ends its input just leaves.
    if (this.#isEmpty && !this.everOnline)
      throw new ChatError('USAGE', 'nothing to send: the input is empty.', emptyHint);
  }

  /** The exit code, and in words what was not sent. */
  verdict(): number {
    const { conversation, manner, view, store } = this.#options;
    const waiting = conversation.unsent;
    const left = waiting + this.#notTaken;
    if (left === 0) return 0;
    const kept = waiting < left ? `${waiting} of them` : left === 1 ? 'it' : 'they';
    const later = store && waiting > 0 ? `; ${kept} will go out next time` : '';
    const message = `${left} ${left === 1 ? 'message was' : 'messages were'} not sent${later}.`;
    view.show({ type: 'status', code: 'NOT_ACCEPTED', message });
    if (manner.person) return 0;
    return this.#signal ? exitCodeOf(this.#signal) : exitCodes.NOT_ACCEPTED;
  }

  get #isOver(): boolean {
    const { conversation, manner } = this.#options;
    const { stopAtMs } = this;
    if (manner.check) return conversation.online || stopAtMs !== undefined;
    if (stopAtMs !== undefined) return this.#isIdle || performance.now() - stopAtMs >= partingMs;
    return this.#linesEnded && this.everOnline && (this.#isIdle || this.isTooLate);
  }

  /** All that was typed has arrived, and all that came has been taken by the output. */
  get #isIdle(): boolean {
    const { conversation, link, view } = this.#options;
    return conversation.waiting.length + this.#driver.waiting.length + link.outgoing.length === 0 && !view.isBehind;
  }
}
