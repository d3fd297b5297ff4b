import { setInterval } from 'node:timers/promises';
import type { ChatEvent } from '../core/events.ts';
import type { Change, Store } from '../core/log/store.ts';
import { normalizeName, whyNameRefused } from '../core/names.ts';
import type { Conversation, ConversationInput } from '../core/turn.ts';
import { ChatError, exitCodeOf, exitCodes } from '../errors.ts';
import type { Meaning } from '../prompt/commands.ts';
import { decode, encode } from '../protocol/codec.ts';
import { maxTextBytes } from '../protocol/frames.ts';
import { Queue } from '../queue.ts';
import type { View } from '../terminal/view.ts';
import type { Link, LinkEvent } from '../transport/link.ts';
import { race } from './race.ts';
import type { Trouble } from './trouble.ts';

export type TalkOptions = {
  conversation: Conversation;
  link: Link;
  view: View;
  /** Where the conversation keeps what must outlive the program, if it has such things. */
  store?: Store;
  /** Says why the person cannot go by another name. */
  whyNotCalled?: (name: string) => string | undefined;
  /** Told when the server has taken the name that the person asked for. */
  renamed?: (name: string) => void;
  /** What a line at a person's prompt means; without it every line is a text. */
  read?: (line: string) => Meaning;
  trouble: Trouble;
  /** What the person or the pipe writes, one text each. */
  lines: AsyncIterable<string>;
  /** Yields once when the program is asked to stop. */
  stop: AsyncIterable<NodeJS.Signals>;
  /** A person at a terminal: quitting is always fine, a refused name can be replaced by typing another. */
  person: boolean;
  /** What to do instead, for who gives an empty input. */
  emptyHint: string;
  /** Stays when `lines` ends. */
  listen: boolean;
  /** Says what happens to the connection. */
  verbose?: boolean;
  /** Ends as soon as the other side answers. */
  check?: boolean;
  /** How long to wait for getting online: at the start, and after the end of a pipe. Undefined: for ever. */
  timeoutMs?: number | undefined;
  now: () => number;
};

/** For spans of time: the clock of the machine may be set while we wait. */
const elapsedMs = () => performance.now();

const tickMs = 100;
const resumedMs = 1_000;
/** A live server is heard at least this often. */
const hearingMs = 3_000;
/** How long a person's quit waits for what was just typed. */
const partingMs = 1_000;
/** How long the goodbye may take. */
const goodbyeMs = 400;
/** Lines are read only while fewer than this are under way. */
const maxUnderWay = 256;

/**
 * The loop of a chat: awaits a line or a frame, whichever comes first, lets the conversation decide, and does
 * what it says. Resolves with the exit code; rejects with a ChatError.
 */
export async function talk(options: TalkOptions): Promise<number> {
  return new Talk(options).run();
}

/** What became of a change: it is on disk, or it cannot be. */
type Commit = { change: Change; error?: unknown };

class Talk {
  readonly #options: TalkOptions;
  readonly #commits = new Queue<Commit>();
  readonly #startedMs: number;
  #everOnline = false;
  #offlineSinceMs: number;
  #tickedAtMs: number;
  #resumedAtMs = Number.NEGATIVE_INFINITY;
  #typed = 0;
  #notTaken = 0;
  #linesEnded = false;
  #stopAtMs: number | undefined;
  #leftAtMs: number | undefined;
  #signal: NodeJS.Signals | undefined;
  #naming = false;
  #wantedName: string | undefined;

  constructor(options: TalkOptions) {
    this.#options = options;
    this.#startedMs = elapsedMs();
    this.#offlineSinceMs = this.#startedMs;
    this.#tickedAtMs = options.now();
  }

  async run(): Promise<number> {
    const { link, lines, stop, view } = this.#options;
    const over = new AbortController();
    const ticks = setInterval(tickMs, undefined, { signal: over.signal });
    const sources = { line: lines, link: link.events, commit: this.#commits, stop, tick: quiet(ticks) };
    try {
      for await (const event of race(sources, over.signal, (source) => source !== 'line' || this.#wantsLines)) {
        if (event.source === 'line') this.#line(event.value);
        else if (event.source === 'link' && !event.done) this.#link(event.value);
        else if (event.source === 'stop' && !event.done) this.#stop(event.value);
        else if (event.source === 'commit' && !event.done) this.#committed(event.value);
        else if (event.source === 'tick') this.#tick();
        if (this.#hasLeft) break;
      }
      return this.#verdict();
    } finally {
      over.abort();
      if (this.#leftAtMs === undefined) this.#step({ type: 'leave' });
      view.show({ type: 'state', state: 'closing' });
      await link.close();
      view.close();
    }
  }

  get #wantsLines(): boolean {
    const { conversation, link, person, check } = this.#options;
    if (check) return false;
    // What a person types behind /quit is meant for the shell; a pipe is read on, so that what is left of it counts.
    return person ? this.#stopAtMs === undefined : conversation.waiting.length + link.backlog < maxUnderWay;
  }

  #line(text: string | undefined): void {
    if (text === undefined) return this.#endOfLines();
    if (this.#naming && !text.startsWith('/')) return this.#name(text);
    if (text.trim() === '') return;
    const meaning = this.#options.read ? this.#options.read(text) : { text };
    if (meaning === 'quit') this.#stop(undefined);
    else if (meaning && 'name' in meaning) this.#name(meaning.name);
    else if (meaning) this.#send(meaning);
  }

  #send({ text, action }: { text: string; action?: true }): void {
    this.#typed++;
    if (Buffer.byteLength(text) <= maxTextBytes)
      return this.#step({ type: 'typed', text: text.toWellFormed(), ...(action && { action }) });
    this.#notTaken++;
    const message = `Not sent: a message has at most ${maxTextBytes} bytes.`;
    this.#options.view.show({ type: 'error', code: 'TEXT_TOO_LONG', message });
  }

  #endOfLines(): void {
    this.#linesEnded = true;
    if (this.#options.listen) return;
    if (this.#options.person) return this.#stop(undefined);
    // Who has read along and then ends its input just leaves.
    if (this.#typed > 0 || this.#everOnline) return;
    throw new ChatError('USAGE', 'nothing to send: the input is empty.', this.#options.emptyHint);
  }

  #link(event: LinkEvent): void {
    const { trouble, verbose, view, now } = this.#options;
    trouble.note(event, now());
    if (verbose && event.type !== 'frame')
      view.show({ type: 'status', code: 'LINK', message: `connection: ${event.type}` });
    if (event.type === 'frame') this.#step({ type: 'frame', frame: decode(event.bytes) });
    else if (event.type === 'connected' || event.type === 'disconnected') this.#step({ type: event.type });
  }

  #stop(signal: NodeJS.Signals | undefined): void {
    this.#signal ??= signal;
    this.#stopAtMs ??= elapsedMs();
  }

  #tick(): void {
    const nowMs = this.#options.now();
    const lateMs = nowMs - this.#tickedAtMs - tickMs;
    this.#tickedAtMs = nowMs;
    // This program stood still (Ctrl-Z, a sleeping laptop) or the clock was set: first hear what has come meanwhile.
    if (lateMs > resumedMs) this.#resumedAtMs = elapsedMs();
    if (elapsedMs() - this.#resumedAtMs < hearingMs) return;
    this.#step({ type: 'tick' });
    const { now, timeoutMs, view, trouble } = this.#options;
    if (this.#everOnline) return;
    const status = trouble.diagnose(now());
    if (status) view.show({ type: 'status', ...status });
    if (timeoutMs === undefined || elapsedMs() - this.#startedMs < timeoutMs || this.#stopAtMs !== undefined) return;
    throw new ChatError(
      'TIMEOUT',
      `not online after ${timeoutMs / 1_000} s.`,
      trouble.reason ?? 'Is the address right?',
    );
  }

  #step(input: ConversationInput): void {
    const { conversation, link, view, now } = this.#options;
    const wasOnline = conversation.online;
    for (const effect of conversation.step(input, now())) {
      if (effect.type === 'send') link.send(encode(effect.frame));
      else if (effect.type === 'show') this.#show(effect.event);
      else if (effect.type === 'commit') this.#commit(effect.change);
      else this.#fail(effect.error);
    }
    view.waiting(conversation.waiting);
    if (conversation.online) this.#everOnline = true;
    else if (wasOnline) this.#offlineSinceMs = elapsedMs();
  }

  #show(event: ChatEvent): void {
    if (event.type === 'renamed' && event.name === this.#wantedName) this.#options.renamed?.(event.name);
    this.#options.view.show(event);
  }

  #commit(change: Change): void {
    void this.#options.store?.commit(change).then(
      () => this.#commits.push({ change }),
      (error) => this.#commits.push({ change, error }),
    );
  }

  #committed({ change, error }: Commit): void {
    if (error) throw error;
    this.#step({ type: 'committed', change });
  }

  #fail(error: ChatError): void {
    if (error.code !== 'NAME_REFUSED' || !this.#options.person) throw error;
    this.#naming = true;
    this.#options.view.show({ type: 'error', code: error.code, message: `${error.message} Type another name:` });
  }

  #name(line: string): void {
    const name = normalizeName(line);
    const message = whyNameRefused(name) ?? this.#options.whyNotCalled?.(name);
    if (message) return this.#options.view.show({ type: 'error', code: 'NAME_REFUSED', message });
    this.#naming = false;
    this.#wantedName = name;
    this.#step({ type: 'named', name });
  }

  /** Says goodbye once it is over, then waits a little for the answer. */
  get #hasLeft(): boolean {
    const nowMs = elapsedMs();
    if (this.#leftAtMs === undefined) {
      if (!this.#isOver) return false;
      this.#leftAtMs = nowMs;
      this.#step({ type: 'leave' });
    }
    return this.#options.conversation.left || nowMs - this.#leftAtMs >= goodbyeMs;
  }

  get #isOver(): boolean {
    const { conversation, link, check, listen, timeoutMs } = this.#options;
    const nowMs = elapsedMs();
    const idle = conversation.waiting.length === 0 && link.backlog === 0;
    if (check) return conversation.online || this.#stopAtMs !== undefined;
    if (this.#stopAtMs !== undefined) return idle || nowMs - this.#stopAtMs >= partingMs;
    if (!this.#linesEnded || listen) return false;
    const outOfTime = timeoutMs !== undefined && !conversation.online && nowMs - this.#offlineSinceMs >= timeoutMs;
    return (idle && this.#everOnline) || (this.#everOnline && outOfTime);
  }

  #verdict(): number {
    const { conversation, person, view, store } = this.#options;
    const waiting = conversation.waiting.length;
    const left = waiting + this.#notTaken;
    const kept = waiting < left ? `${waiting} of them` : left === 1 ? 'it' : 'they';
    const later = store && waiting > 0 ? `; ${kept} will go out next time` : '';
    const message = `${left} ${left === 1 ? 'message was' : 'messages were'} not sent${later}.`;
    if (left > 0) view.show({ type: 'status', code: 'NOT_ACCEPTED', message });
    if (person || left === 0) return 0;
    return this.#signal ? exitCodeOf(this.#signal) : exitCodes.NOT_ACCEPTED;
  }
}

/** A timer that is aborted ends, it does not fail. */
async function* quiet(ticks: AsyncIterable<void>): AsyncGenerator<void> {
  try {
    yield* ticks;
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error;
  }
}
