import type { ChatEvent, Contradiction } from '../core/events.ts';
import { hearingMs } from '../core/limits.ts';
import type { Store } from '../core/log/store.ts';
import { normalizeName, whyNameRefused } from '../core/names.ts';
import type { Conversation, Input } from '../core/turn.ts';
import { ChatError, type ErrorCode, OtherRoom } from '../errors.ts';
import type { Meaning, Words } from '../prompt/prompt.ts';
import { isTooLong, maxTextBytes } from '../protocol/frames.ts';
import type { View } from '../terminal/view.ts';
import type { Link, LinkEvent } from '../transport/link.ts';
import { Driver, type Ports } from './drive.ts';
import { Ending, type Manner } from './ending.ts';
import { maxUnderWay } from './tally.ts';
import type { Finding, Trouble } from './trouble.ts';

export type TalkOptions = {
  conversation: Conversation;
  lines: AsyncIterable<string>;
  link: Link;
  stop: AsyncIterable<NodeJS.Signals>;
  view: View;
  store?: Pick<Store, 'commit'>;
  /** Goes to another room than the one that was meant, by its key, without being asked if `mayFollow`. */
  follow?: (room: string) => void;
  mayFollow?: () => boolean;
  /** What waits from before the folder was copied is said as another device, without being asked. */
  mayResend?: boolean;
  /** Which names are somebody else's on this machine, and where it is written down what a name or a room is. */
  names?: { whyNotCalled(name: string): string | undefined; renamed(name: string): void; entered(room: string): void };
  /** Keeps what proves that the room contradicts itself. Returns the event with the place. */
  testify?: (event: Contradiction) => ChatEvent;
  /** What a person sees of an event; undefined if it is not to be read. */
  see?: (event: ChatEvent) => ChatEvent | undefined;
  /** What a person's line means; without it every line is a text. */
  read?: (line: string) => Meaning;
  /** One side is encrypted and the other is not: true if this side can be as the other is from now on. */
  adapt?: () => boolean;
  /** If this fails, the talk ends. */
  guard?: (() => Promise<void>) | undefined;
  /** The links with other members. */
  peers?: (Ports['peers'] & { inputs: { batches(): AsyncIterable<Input[]> }; close(): Promise<void> }) | undefined;
  trouble: Trouble;
  manner: Manner;
};

const tickMs = 100;
const resumedMs = 1_000;

/** The loop of a chat: lines, frames and time race for the next turn of the conversation, and what it says is done. */
export class Talk {
  readonly #options: TalkOptions;
  readonly #driver: Driver;
  readonly #ending: Ending;
  /** Lies ahead when no tick counts until then. */
  #tickedAtMs = performance.now();
  #isNaming = false;
  /** Another room than the one that was meant: the person is asked. */
  #other: string | undefined;
  /** Words wait from before the folder was copied: the person is asked. */
  #asksAboutLeft = false;
  #wantedName: string | undefined;

  constructor(options: TalkOptions) {
    const { conversation: core, link: links, peers, store, view, names, manner, testify } = options;
    const show = (event: ChatEvent, taken?: () => void) => {
      if (event.type === 'state' && event.state === 'online' && event.room) names?.entered(event.room);
      if (event.type === 'renamed' && event.name === this.#wantedName) names?.renamed(event.name);
      const seen = options.see ? options.see(event) : event;
      if (seen) view.show((seen.type === 'contradiction' && testify?.(seen)) || seen, taken);
      else taken?.();
    };
    const failed = (error: ChatError) => {
      const { message, code } = error;
      if (error instanceof OtherRoom && error.room !== undefined && options.follow) this.#meetOther(error, error.room);
      else if (code === 'DATA_COPIED') this.#askAboutLeft(error);
      else if (code === 'NAME_REFUSED' && manner.person) {
        // It can be replaced by typing another.
        this.#isNaming = true;
        view.show({ type: 'error', code, message: `${message} Type another name:` });
      } else throw error;
    };
    this.#options = options;
    this.#driver = new Driver({ core, links, peers, store, show, failed });
    this.#ending = new Ending(options, this.#driver);
    view.takeBack = () => this.#takeBack();
  }

  #takeBack(): boolean {
    if (this.#options.conversation.retractable) this.#driver.put({ type: 'takeBack' });
    return this.#options.conversation.retractable !== undefined;
  }

  /** Resolves with the exit code; rejects with a ChatError. */
  async run(): Promise<number> {
    const { conversation, lines, link, peers, stop, store, view, guard, manner } = this.#options;
    const [driver, ending] = [this.#driver, this.#ending];
    void driver.pump(stop, (signal) => ending.stop(signal));
    void driver.pump(link.events.batches(), (events) => this.#hear(events));
    if (peers) void driver.pump(peers.inputs.batches(), (inputs) => this.#hearPeers(inputs));
    if (guard) void driver.guard(guard);
    const ended = () => ending.linesEnded();
    if (!manner.check) void driver.pump(lines, (line) => this.#line(line), ended);
    try {
      for await (const _ of driver.turns(tickMs, () => this.#tick())) {
        // First, for what is painted is under way, and holds back the end.
        const isOver = await ending.hasCome();
        view.waiting?.(conversation.waiting);
        view.work?.(conversation.work);
        if (isOver) break;
        this.#diagnose();
      }
      return await ending.verdict();
    } catch (error) {
      this.#nameUnkept();
      if (!store && manner.person) this.#nameUnsaid();
      throw await ending.failed(error);
    } finally {
      view.show({ type: 'state', state: 'closing' });
      link.close();
      await peers?.close();
    }
  }

  async #line(line: string): Promise<void> {
    this.#ending.tally.next();
    if (this.#other !== undefined && line.trim() === 'yes') this.#leaveFor(this.#other);
    else if (this.#asksAboutLeft && ['yes', 'no'].includes(line.trim())) this.#decideLeft(line.trim() === 'yes');
    else if (this.#isNaming && !line.startsWith('/')) this.#name(line);
    else if (line.trim() !== '') this.#obey(this.#options.read ? this.#options.read(line) : { text: line });
    while (!this.#wantsLine) await this.#driver.turned();
  }

  #obey(meaning: Meaning): void {
    if (meaning === 'quit') this.#ending.stop();
    else if (meaning && 'name' in meaning) this.#name(meaning.name);
    else if (meaning && 'away' in meaning) this.#driver.put({ type: 'away', text: meaning.away });
    else if (meaning) this.#say(meaning);
  }

  /** What a person types behind /quit is meant for the shell; a pipe is read on, so that what is left of it counts. */
  get #wantsLine(): boolean {
    const { conversation, link, manner } = this.#options;
    if (manner.person) return this.#ending.stopAtMs === undefined;
    return conversation.waiting.length + this.#driver.waiting.length + link.outgoing.length < maxUnderWay;
  }

  #say({ text, ...how }: Words): void {
    const fits = !isTooLong(text);
    this.#ending.typed(fits);
    if (fits) return this.#driver.put({ type: 'typed', text: text.toWellFormed(), ...how });
    const isLong = Buffer.byteLength(text) > maxTextBytes;
    const why = isLong ? `a message has at most ${maxTextBytes} bytes` : 'it has too many control characters';
    const message = `Not sent: ${why}.`;
    this.#options.view.show({ type: 'error', code: 'TEXT_TOO_LONG', message });
  }

  async #hear(events: readonly LinkEvent[]): Promise<void> {
    const { conversation, trouble, link, adapt, manner, view } = this.#options;
    this.#wake(performance.now());
    for (const event of events) {
      if (event.type === 'otherMechanism' && adapt?.()) link.redial();
      else trouble.note(event, performance.now());
      if (manner.verbose && event.type !== 'frame')
        view.show({ type: 'status', code: 'LINK', message: `connection: ${event.type}` });
    }
    await this.#driver.turned(...events.filter((event) => 'from' in event));
    while (conversation.isFull) await this.#driver.turned();
  }

  /** Those near wait while the output is behind, as the server does. */
  async #hearPeers(inputs: readonly Input[]): Promise<void> {
    await this.#driver.turned(...inputs);
    while (this.#options.conversation.isFull) await this.#driver.turned();
  }

  /** After this program stood still (Ctrl-Z) it first hears what has come meanwhile. */
  #wake(ms: number): void {
    const forMs = ms - this.#tickedAtMs;
    if (forMs <= tickMs + resumedMs) return;
    this.#driver.put({ type: 'stoodStill', forMs });
    this.#tickedAtMs = ms + hearingMs;
  }

  #tick(): void {
    const ms = performance.now();
    this.#wake(ms);
    if (ms < this.#tickedAtMs) return this.#driver.put();
    this.#tickedAtMs = ms;
    this.#driver.put({ type: 'tick' });
  }

  #diagnose(): void {
    const { trouble, manner } = this.#options;
    const ms = performance.now();
    if (ms < this.#tickedAtMs) return;
    const finding = trouble.diagnose(ms);
    // Of who was there once it is known that it is away; but not that it is closed by now.
    if (finding && (finding.isFinal || !this.#ending.everOnline)) this.#tell(finding);
    if (this.#ending.everOnline || !this.#ending.isTooLate || this.#ending.stopAtMs !== undefined) return;
    throw trouble.tooLate(manner.timeoutMs);
  }

  #tell({ code, message, hint, isFinal, isAnswer }: Finding): void {
    const { view, manner } = this.#options;
    const isEnough = manner.check && isAnswer;
    if (isFinal && !manner.person && !isEnough) throw new ChatError(code as ErrorCode, message, hint);
    if (isEnough) this.#ending.answered();
    const next = code === 'NOBODY_LISTENING' ? ' yet; trying again' : isFinal ? ` ${hint}` : '';
    view.show({ type: 'status', code, message: message + next });
  }

  #meetOther(error: OtherRoom, room: string): void {
    const { manner, mayFollow, view } = this.#options;
    const { code, message, known } = error;
    // What was typed for the room at this address goes with it.
    if (known === undefined) return this.#follow(room);
    if (mayFollow?.()) {
      view.show({ type: 'status', code, message });
      return this.#leaveFor(room);
    }
    if (!manner.person) throw error;
    if (this.#other !== room) view.show({ type: 'error', code, message: `${message} Type yes to enter it, or /quit.` });
    this.#other = room;
  }

  #leaveFor(room: string): void {
    this.#ending.tally.settle(this.#options.conversation.unsettled);
    this.#follow(room);
  }

  #follow(room: string): void {
    this.#other = undefined;
    this.#options.follow?.(room);
    this.#options.link.redial();
  }

  #askAboutLeft(error: ChatError): void {
    const { manner, mayResend, view } = this.#options;
    if (mayResend) return this.#driver.put({ type: 'left', wish: 'resend' });
    if (!manner.person) throw error;
    const message = `${error.message} Type yes to say it from here, or no to drop it.`;
    view.show({ type: 'error', code: error.code, message });
    this.#asksAboutLeft = true;
    this.#driver.put({ type: 'left', wish: 'keep' });
  }

  #decideLeft(isWanted: boolean): void {
    this.#asksAboutLeft = false;
    this.#driver.put({ type: 'left', wish: isWanted ? 'resend' : 'discard' });
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
    const tell = (message: string) => this.#options.view.show({ type: 'error', code: 'DATA_NOT_WRITABLE', message });
    const given = (unkept?.pending ?? []).filter(({ sig }) => sig === undefined);
    for (const { text } of [...given, ...waiting.filter((input) => input.type === 'typed')])
      tell(`Not kept and not sent: "${text}"`);
  }

  /** Where nothing is kept, what waits for the other side ends with the program. */
  #nameUnsaid(): void {
    for (const { text } of this.#options.conversation.waiting)
      this.#options.view.show({ type: 'error', code: 'NOT_ACCEPTED', message: `Not sent: "${text}"` });
  }
}
