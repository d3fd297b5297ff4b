import { setImmediate as nextTurn, setInterval } from 'node:timers/promises';
import type { ChatEvent } from '../core/events.ts';
import type { Store } from '../core/log/store.ts';
import { normalizeName, whyNameRefused } from '../core/names.ts';
import type { Conversation, Input, Now } from '../core/turn.ts';
import { ChatError } from '../errors.ts';
import type { Meaning } from '../prompt/prompt.ts';
import { maxTextBytes } from '../protocol/frames.ts';
import type { View } from '../terminal/view.ts';
import type { Link, LinkEvent } from '../transport/link.ts';
import { Driver } from './drive.ts';
import { Ending, type Manner } from './ending.ts';
import { quiet, race } from './race.ts';
import type { Trouble } from './trouble.ts';

export type TalkOptions = {
  conversation: Conversation;
  view: View;
  /** Where the conversation keeps what must outlive the program, if it has such things. */
  store?: Store;
  /** Who else on this machine may go by a name, and where it is written down that the person does. */
  names?: { whyNotCalled(name: string): string | undefined; renamed(name: string): void };
  /** What a line at a person's prompt means; without it every line is a text. */
  read?: (line: string) => Meaning;
  trouble: Trouble;
  manner: Manner;
  now: () => Now;
};
/** What a talk waits for. */
export type Racers = {
  /** What the person or the pipe writes, one text each. */
  lines: AsyncIterable<string>;
  /** What happens on the connection. */
  link: Link;
  /** Yields once when the program is asked to stop. */
  stop: AsyncIterable<NodeJS.Signals>;
};

const tickMs = 100;
const resumedMs = 1_000;
/** A live server is heard at least this often. */
const hearingMs = 3_000;
/** Lines are read only while fewer than this are under way. */
const maxUnderWay = 256;

/**
 * The loop of a chat: awaits a line or a frame, whichever comes first, lets the conversation decide, and does
 * what it says. Resolves with the exit code; rejects with a ChatError.
 */
export async function talk(options: TalkOptions, racers: Racers): Promise<number> {
  return new Talk(options, racers).run();
}

class Talk {
  readonly #options: TalkOptions;
  readonly #racers: Racers;
  readonly #driver: Driver;
  readonly #ending: Ending;
  #tickedAtMs: number;
  #resumedAtMs = Number.NEGATIVE_INFINITY;
  #isNaming = false;
  #wantedName: string | undefined;

  constructor(options: TalkOptions, racers: Racers) {
    const { conversation: core, store, view, now, manner } = options;
    const { link: links } = racers;
    this.#options = options;
    this.#racers = racers;
    const show = (event: ChatEvent, taken?: () => void) => this.#show(event, taken);
    this.#driver = new Driver({ core, links, store, show, now });
    const isKept = store !== undefined;
    this.#ending = new Ending({ conversation: core, driver: this.#driver, link: links, view, manner, isKept, now });
    this.#tickedAtMs = now().ms;
  }

  async run(): Promise<number> {
    const { lines, link, stop } = this.#racers;
    const over = new AbortController();
    const ticks = quiet(setInterval(tickMs, undefined, { signal: over.signal }));
    const sources = { line: lines, link: link.events.batches(), due: this.#driver.due.batches(), stop, tick: ticks };
    try {
      for await (const event of race(sources, over.signal, (source) => this.#wants(source))) {
        if (event.source === 'line') await this.#line(event.value);
        else if (event.source === 'stop' && !event.done) this.#ending.stop(event.value);
        else if (event.source === 'link' && !event.done) await this.#link(event.value);
        else if (event.source === 'due' && !event.done) await this.#turn(event.value.flat());
        else if (event.source === 'tick') await this.#tick();
        if (this.#ending.isDue) await this.#turn([{ type: 'leave' }]);
        if (this.#ending.hasCome) break;
      }
      // What was typed last has not had its turn.
      if (this.#driver.waiting.length > 0) await this.#turn([]);
      return this.#ending.verdict();
    } catch (error) {
      this.#nameUnkept();
      throw error;
    } finally {
      over.abort();
      this.#driver.close();
      this.#options.view.show({ type: 'state', state: 'closing' });
      await link.close();
      this.#options.view.close();
    }
  }

  #wants(source: string): boolean {
    const { conversation, manner } = this.#options;
    if (source === 'link') return !conversation.isFull;
    if (source !== 'line') return true;
    if (manner.check) return false;
    // What a person types behind /quit is meant for the shell; a pipe is read on, so that what is left of it counts.
    return manner.person
      ? !this.#ending.isStopping
      : conversation.waiting.length + this.#driver.waiting.length + this.#racers.link.backlog < maxUnderWay;
  }

  async #line(line: string | undefined): Promise<void> {
    if (line === undefined) return this.#ending.linesEnded();
    if (this.#isNaming && !line.startsWith('/')) return this.#name(line);
    if (line.trim() === '') return;
    const meaning = this.#options.read ? this.#options.read(line) : { text: line };
    if (meaning === 'quit') this.#ending.stop(undefined);
    else if (meaning && 'name' in meaning) await this.#name(meaning.name);
    else if (meaning) this.#say(meaning);
  }

  #say({ text, action }: { text: string; action?: true }): void {
    const fits = Buffer.byteLength(text) <= maxTextBytes;
    this.#ending.typed(fits);
    if (fits) return this.#driver.put({ type: 'typed', text: text.toWellFormed(), ...(action && { action }) });
    const message = `Not sent: a message has at most ${maxTextBytes} bytes.`;
    this.#options.view.show({ type: 'error', code: 'TEXT_TOO_LONG', message });
  }

  /** Everything that has happened on the connection. Whoever floods it must not keep the keys and timers waiting. */
  async #link(events: readonly LinkEvent[]): Promise<void> {
    const { trouble, manner, view, now } = this.#options;
    const inputs: Input[] = [];
    for (const event of events) {
      trouble.note(event, now().ms);
      if (manner.verbose && event.type !== 'frame')
        view.show({ type: 'status', code: 'LINK', message: `connection: ${event.type}` });
      if ('from' in event) inputs.push(event);
    }
    await this.#turn(inputs);
    await nextTurn();
  }

  async #tick(): Promise<void> {
    const { ms } = this.#options.now();
    const lateMs = ms - this.#tickedAtMs - tickMs;
    this.#tickedAtMs = ms;
    // This program stood still (Ctrl-Z): first hear what has come meanwhile.
    if (lateMs > resumedMs) this.#resumedAtMs = ms;
    if (ms - this.#resumedAtMs < hearingMs) return;
    await this.#turn([{ type: 'tick' }]);
    if (!this.#ending.everOnline) this.#diagnose(ms);
  }

  #diagnose(ms: number): void {
    const { view, trouble, manner } = this.#options;
    const status = trouble.diagnose(ms);
    if (status) view.show({ type: 'status', ...status });
    if (!this.#ending.isTooLate) return;
    const hint = trouble.reason ?? 'Is the address right?';
    throw new ChatError('TIMEOUT', `not online after ${(manner.timeoutMs ?? 0) / 1_000} s.`, hint);
  }

  async #turn(inputs: readonly Input[]): Promise<void> {
    try {
      await this.#driver.turn(inputs);
    } catch (error) {
      this.#failed(error);
    }
    this.#options.view.waiting?.(this.#options.conversation.waiting);
    this.#ending.noteOnline();
  }

  #show(event: ChatEvent, taken?: () => void): void {
    if (event.type === 'renamed' && event.name === this.#wantedName) this.#options.names?.renamed(event.name);
    this.#options.view.show(event, taken);
  }

  /** A name that is refused can be replaced by typing another. */
  #failed(error: unknown): void {
    const isRefused = error instanceof ChatError && error.code === 'NAME_REFUSED';
    if (!isRefused || !this.#options.manner.person) throw error;
    this.#isNaming = true;
    this.#options.view.show({ type: 'error', code: error.code, message: `${error.message} Type another name:` });
  }

  async #name(line: string): Promise<void> {
    const name = normalizeName(line);
    const message = whyNameRefused(name) ?? this.#options.names?.whyNotCalled(name);
    if (message) return this.#options.view.show({ type: 'error', code: 'NAME_REFUSED', message });
    this.#isNaming = false;
    this.#wantedName = name;
    await this.#turn([{ type: 'named', name }]);
  }

  /** What was typed and is on no disk is named: it will not go out next time. */
  #nameUnkept(): void {
    const { unkept, waiting } = this.#driver;
    const given = (unkept?.pending ?? []).filter(({ sig }) => sig === undefined);
    const typed = waiting.flatMap((input) => (input.type === 'typed' ? input : []));
    for (const { text } of [...given, ...typed])
      this.#options.view.show({
        type: 'error',
        code: 'DATA_NOT_WRITABLE',
        message: `Not kept and not sent: "${text}"`,
      });
  }
}
