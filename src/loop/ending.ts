import type { Conversation, Now } from '../core/turn.ts';
import { ChatError, exitCodeOf, exitCodes } from '../errors.ts';
import type { View } from '../terminal/view.ts';
import type { Link } from '../transport/link.ts';
import type { Driver } from './drive.ts';

/** How a talk goes, and when it is over. */
export type Manner = {
  /** A person at a terminal: quitting is always fine, nothing ends by itself. */
  person: boolean;
  /** Stays when the input ends. */
  listen: boolean;
  /** Ends as soon as the other side answers. */
  check: boolean;
  /** How long to wait for getting online: at the start, and after the end of a pipe. Undefined: for ever. */
  timeoutMs: number | undefined;
  /** Says what happens to the connection. */
  verbose: boolean;
  /** What to do instead, for whoever gives an empty input. */
  emptyHint: string;
};
export type EndingOptions = {
  conversation: Conversation;
  driver: Driver;
  link: Link;
  view: View;
  manner: Manner;
  /** What is not sent goes out next time. */
  isKept: boolean;
  now: () => Now;
};

/** How long a quit waits for what was just typed, and for the output. */
const partingMs = 1_000;
/** How long the goodbye may take. */
const goodbyeMs = 400;

/** When a talk is over, and what its exit code says. */
export class Ending {
  readonly #options: EndingOptions;
  everOnline = false;
  #wasOnline = false;
  /** When it began, or came or went the last time. */
  #changedAtMs: number;
  #isEmpty = true;
  #notTaken = 0;
  #linesEnded = false;
  #stopAtMs: number | undefined;
  #leftAtMs: number | undefined;
  #signal: NodeJS.Signals | undefined;

  constructor(options: EndingOptions) {
    this.#options = options;
    this.#changedAtMs = options.now().ms;
  }

  get isStopping(): boolean {
    return this.#stopAtMs !== undefined;
  }

  /** It is not online, and has not been for too long. */
  get isTooLate(): boolean {
    const { timeoutMs } = this.#options.manner;
    return timeoutMs !== undefined && !this.#wasOnline && this.#nowMs - this.#changedAtMs >= timeoutMs;
  }

  /** What is to be done after a turn: say goodbye, or end, because that was answered or takes too long. */
  next(): 'leave' | 'end' | undefined {
    const { online, hasLeft } = this.#options.conversation;
    if (online !== this.#wasOnline) this.#changedAtMs = this.#nowMs;
    this.#wasOnline = online;
    this.everOnline ||= online;
    if (this.#leftAtMs !== undefined) return hasLeft || this.#nowMs - this.#leftAtMs >= goodbyeMs ? 'end' : undefined;
    if (!this.#isOver) return undefined;
    this.#leftAtMs = this.#nowMs;
    return 'leave';
  }

  stop(signal?: NodeJS.Signals): void {
    this.#signal ??= signal;
    this.#stopAtMs ??= this.#nowMs;
  }

  typed(isTaken: boolean): void {
    this.#isEmpty = false;
    if (!isTaken) this.#notTaken++;
  }

  linesEnded(): void {
    const { manner } = this.#options;
    this.#linesEnded = true;
    if (manner.listen) return;
    if (manner.person) return this.stop();
    // Whoever has read along and then ends its input just leaves.
    if (this.#isEmpty && !this.everOnline)
      throw new ChatError('USAGE', 'nothing to send: the input is empty.', manner.emptyHint);
  }

  /** The exit code, and in words what was not sent. */
  verdict(): number {
    const { conversation, manner, view, isKept } = this.#options;
    const waiting = conversation.waiting.length;
    const left = waiting + this.#notTaken;
    if (left === 0) return 0;
    const kept = waiting < left ? `${waiting} of them` : left === 1 ? 'it' : 'they';
    const later = isKept && waiting > 0 ? `; ${kept} will go out next time` : '';
    const message = `${left} ${left === 1 ? 'message was' : 'messages were'} not sent${later}.`;
    view.show({ type: 'status', code: 'NOT_ACCEPTED', message });
    if (manner.person) return 0;
    return this.#signal ? exitCodeOf(this.#signal) : exitCodes.NOT_ACCEPTED;
  }

  get #nowMs(): number {
    return this.#options.now().ms;
  }

  get #isOver(): boolean {
    const { conversation, manner } = this.#options;
    if (manner.check) return conversation.online || this.isStopping;
    if (this.#stopAtMs !== undefined) return this.#isIdle || this.#nowMs - this.#stopAtMs >= partingMs;
    return this.#linesEnded && !manner.listen && this.everOnline && (this.#isIdle || this.isTooLate);
  }

  /** Everything that was typed has arrived, and everything that came has been taken by the output. */
  get #isIdle(): boolean {
    const { conversation, driver, link, view } = this.#options;
    return conversation.waiting.length + driver.waiting.length + link.backlog === 0 && !view.isBehind;
  }
}
