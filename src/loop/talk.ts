import type { ChatEvent } from '../core/events.ts';
import type { Store } from '../core/log/store.ts';
import { normalizeName, whyNameRefused } from '../core/names.ts';
import type { Conversation, Now } from '../core/turn.ts';
import { ChatError } from '../errors.ts';
import type { Meaning } from '../prompt/commands.ts';
import { maxTextBytes } from '../protocol/frames.ts';
import type { View } from '../terminal/view.ts';
import type { Link, LinkEvent } from '../transport/link.ts';
import { Driver } from './drive.ts';
import { Ending, type Manner } from './ending.ts';
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
  return new Talk(options, racers.link).run(racers);
}

class Talk {
  readonly #options: TalkOptions;
  readonly #link: Link;
  readonly #driver: Driver;
  readonly #ending: Ending;
  #tickedAtMs: number;
  #tickAgainAtMs = 0;
  #isNaming = false;
  #wantedName: string | undefined;

  constructor(options: TalkOptions, link: Link) {
    const { conversation, store, view, manner, now } = options;
    this.#options = options;
    this.#link = link;
    const show = (event: ChatEvent, taken?: () => void) => this.#show(event, taken);
    const failed = (error: ChatError) => this.#failed(error);
    this.#driver = new Driver({ core: conversation, links: link, store, show, failed, now });
    this.#ending = new Ending({
      conversation,
      driver: this.#driver,
      link,
      view,
      manner,
      isKept: store !== undefined,
      now,
    });
    this.#tickedAtMs = now().ms;
  }

  async run({ lines, link, stop }: Racers): Promise<number> {
    const { conversation, view, manner } = this.#options;
    const driver = this.#driver;
    const clock = setInterval(() => this.#tick(), tickMs);
    void driver.pump(stop, (signal) => this.#ending.stop(signal));
    void driver.pump(link.events.batches(), (events) => this.#hear(events));
    if (!manner.check)
      void driver.pump(
        lines,
        (line) => this.#line(line),
        () => this.#ending.linesEnded(),
      );
    try {
      for await (const _ of driver.turns()) {
        view.waiting(conversation.waiting);
        const next = this.#ending.next();
        if (next === 'end') break;
        if (next === 'leave') driver.put({ type: 'leave' });
        this.#diagnose();
      }
      // What was typed last has not had its turn.
      if (driver.waiting.length > 0) await driver.turn();
      return this.#ending.verdict();
    } catch (error) {
      this.#nameUnkept();
      throw error;
    } finally {
      clearInterval(clock);
      driver.close();
      view.show({ type: 'state', state: 'closing' });
      link.close();
    }
  }

  async #line(line: string): Promise<void> {
    if (this.#isNaming && !line.startsWith('/')) this.#name(line);
    else if (line.trim() !== '') this.#obey(this.#options.read ? this.#options.read(line) : { text: line });
    while (!this.#wantsLine) await this.#driver.turned();
  }

  #obey(meaning: Meaning): void {
    if (meaning === 'quit') this.#ending.stop();
    else if (meaning && 'name' in meaning) this.#name(meaning.name);
    else if (meaning) this.#say(meaning);
  }

  /** What a person types behind /quit is meant for the shell; a pipe is read on, so that what is left of it counts. */
  get #wantsLine(): boolean {
    const { conversation, manner } = this.#options;
    if (manner.person) return !this.#ending.isStopping;
    return conversation.waiting.length + this.#driver.waiting.length + this.#link.backlog < maxUnderWay;
  }

  #say({ text, action }: { text: string; action?: true }): void {
    const fits = Buffer.byteLength(text) <= maxTextBytes;
    this.#ending.typed(fits);
    if (fits) return this.#driver.put({ type: 'typed', text: text.toWellFormed(), ...(action && { action }) });
    const message = `Not sent: a message has at most ${maxTextBytes} bytes.`;
    this.#options.view.show({ type: 'error', code: 'TEXT_TOO_LONG', message });
  }

  /** What has happened on the connection, and its turn. */
  async #hear(events: readonly LinkEvent[]): Promise<void> {
    const { conversation, trouble, manner, view, now } = this.#options;
    for (const event of events) {
      trouble.note(event, now().ms);
      if (manner.verbose && event.type !== 'frame')
        view.show({ type: 'status', code: 'LINK', message: `connection: ${event.type}` });
      if ('from' in event) this.#driver.put(event);
    }
    do await this.#driver.turned();
    while (conversation.isFull);
  }

  #tick(): void {
    const { ms } = this.#options.now();
    // This program stood still (Ctrl-Z): first hear what has come meanwhile.
    if (ms - this.#tickedAtMs > tickMs + resumedMs) this.#tickAgainAtMs = ms + hearingMs;
    this.#tickedAtMs = ms;
    if (ms < this.#tickAgainAtMs) this.#driver.put();
    else this.#driver.put({ type: 'tick' });
  }

  /** Says why it was never online yet. */
  #diagnose(): void {
    const { view, trouble, manner, now } = this.#options;
    const { ms } = now();
    if (this.#ending.everOnline || ms < this.#tickAgainAtMs) return;
    const status = trouble.diagnose(ms);
    if (status) view.show({ type: 'status', ...status });
    if (!this.#ending.isTooLate || this.#ending.isStopping) return;
    const hint = trouble.reason ?? 'Is the address right?';
    throw new ChatError('TIMEOUT', `not online after ${(manner.timeoutMs ?? 0) / 1_000} s.`, hint);
  }

  #show(event: ChatEvent, taken?: () => void): void {
    if (event.type === 'renamed' && event.name === this.#wantedName) this.#options.names?.renamed(event.name);
    this.#options.view.show(event, taken);
  }

  /** A name that is refused can be replaced by typing another. */
  #failed(error: ChatError): void {
    const { code, message } = error;
    if (code !== 'NAME_REFUSED' || !this.#options.manner.person) throw error;
    this.#isNaming = true;
    this.#options.view.show({ type: 'error', code, message: `${message} Type another name:` });
  }

  #name(line: string): void {
    const name = normalizeName(line);
    const message = whyNameRefused(name) ?? this.#options.names?.whyNotCalled(name);
    if (message) return this.#options.view.show({ type: 'error', code: 'NAME_REFUSED', message });
    this.#isNaming = false;
    this.#wantedName = name;
    this.#driver.put({ type: 'named', name });
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
