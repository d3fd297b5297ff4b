import { ChatError, exitCodeOf, exitCodes } from '../errors.ts';
import type { Driver } from './drive.ts';
import type { TalkOptions } from './talk.ts';
import { Tally } from './tally.ts';

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
  readonly tally = new Tally();
  #isEmpty = true;
  /** Since when all that was typed in this run is known to have arrived. */
  #settledAtMs: number | undefined;
  #leftAtMs: number | undefined;
  #signal: NodeJS.Signals | undefined;
  #isAnswered = false;

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
    this.#settledAtMs = this.#isSettled ? (this.#settledAtMs ?? ms) : undefined;
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

  /** Somebody is there: whoever only wanted to know that is done. */
  answered(): void {
    this.#isAnswered = true;
    this.#driver.hurry();
  }

  typed(isTaken: boolean): void {
    this.#isEmpty = false;
    if (isTaken) this.tally.take();
    else this.tally.refuse();
  }

  linesEnded(): void {
    const { listen, person, emptyHint } = this.#options.manner;
    if (listen) return;
    if (person) return this.stop();
    this.tally.isWhole = true;
    // Whoever has read along and then ends its input just leaves.
    if (this.#isEmpty && !this.everOnline)
      throw new ChatError('USAGE', 'nothing to send: the input is empty.', emptyHint);
  }

  /** The exit code, and in words what was not sent. */
  async verdict(): Promise<number> {
    const { tally } = this;
    if (this.#options.manner.person) return await this.#tellPerson();
    await this.#driver.turn({ type: 'drop' });
    this.#count();
    if (tally.inDoubt + tally.notSent === 0) return 0;
    return this.#signal ? exitCodeOf(this.#signal) : exitCodes[tally.inDoubt > 0 ? 'IN_DOUBT' : 'NOT_ACCEPTED'];
  }

  /** What ends a talk instead of that. Whatever it is, nobody may say again what is in doubt. */
  async failed(error: unknown): Promise<unknown> {
    if (this.#options.manner.person) return error;
    // The first error is the one to tell.
    if (!this.#driver.unkept) await this.#driver.turn({ type: 'drop' }).catch(() => undefined);
    this.#count();
    const isOurs = error instanceof ChatError && this.tally.inDoubt > 0;
    return isOurs ? new ChatError('IN_DOUBT', error.message, error.hint, error) : error;
  }

  /** Says where the lines of a pipe are, unless all have arrived. */
  #count(): void {
    const { tally } = this;
    const { conversation, view } = this.#options;
    const { inDoubt, ungiven } = conversation.unsettled;
    const unseen = this.#driver.waiting.filter(({ type }) => type === 'typed').length;
    tally.settle({ inDoubt, ungiven: ungiven + unseen });
    if (tally.inDoubt + tally.notSent > 0) view.show({ type: 'outcome', ...tally.spans });
  }

  async #tellPerson(): Promise<number> {
    const { conversation, view, store } = this.#options;
    // What was typed last has not had its turn.
    if (this.#driver.waiting.length > 0) await this.#driver.turn();
    const waiting = conversation.unsent;
    const left = waiting + this.tally.inDoubt + this.tally.notSent;
    const kept = waiting < left ? `${waiting} of them` : left === 1 ? 'it' : 'they';
    const later = store && waiting > 0 ? `; ${kept} will go out next time` : '';
    const message = `${left} ${left === 1 ? 'message was' : 'messages were'} not sent${later}.`;
    if (left > 0) view.show({ type: 'status', code: 'NOT_ACCEPTED', message });
    return 0;
  }

  get #isOver(): boolean {
    const { conversation, manner } = this.#options;
    const { stopAtMs } = this;
    if (manner.check) return conversation.online || this.#isAnswered || stopAtMs !== undefined;
    if (stopAtMs !== undefined) return this.#isIdle || performance.now() - stopAtMs >= partingMs;
    return this.tally.isWhole && this.everOnline && (this.#isIdle || this.isTooLate || this.#isOverdue);
  }

  get #isSettled(): boolean {
    if (!this.tally.isWhole || this.#driver.waiting.length > 0) return false;
    const { inDoubt, ungiven } = this.#options.conversation.unsettled;
    return inDoubt + ungiven === 0;
  }

  /** What an earlier run has left in doubt is waited for only so long. */
  get #isOverdue(): boolean {
    const { manner } = this.#options;
    return this.#settledAtMs !== undefined && performance.now() - this.#settledAtMs >= manner.timeoutMs;
  }

  /** All that was typed has arrived, and all that came has been taken by the output. */
  get #isIdle(): boolean {
    const { conversation, link, view } = this.#options;
    return conversation.waiting.length + this.#driver.waiting.length + link.outgoing.length === 0 && !view.isBehind;
  }
}
