import { Chalk, type ChalkInstance } from 'chalk';
import type { ChatEvent, Span } from '../core/events.ts';
import type { Waiting, Work } from '../core/turn.ts';
import { graphemes } from '../text/graphemes.ts';
import { wrapWords } from '../text/table.ts';
import { asciiOnly, visible } from '../text/visible.ts';
import type { Ability } from './ability.ts';
import type { Group, Passage } from './crowd.ts';
import type { Timestamps } from './view.ts';

export type Style = Ability & {
  timestamps: Timestamps;
  /** On a terminal further lines of a message stand below, in a pipe a newline is written `\n`. */
  multiline: boolean;
  /** How wide it is: the program's own words are broken between words. */
  columns?: () => number | undefined;
};
/** `chat`: messages and what the room says; `self`: words of this program about itself. */
export type Rendered = { channel: 'chat' | 'self'; text: string };

/** Who is near while there is no server; `through`: those of them who are in the room. */
export type Near = { names: readonly string[]; through: readonly string[] };

type Event<Type> = Extract<ChatEvent, { type: Type }>;

/** Of the 256 colours, those that can be read on white and on black. */
const nameColors = [160, 28, 130, 33, 133, 30, 166, 98, 168, 64, 25, 88] as const;

/** Turns events into text. The shape of a line carries its meaning; colour only helps. */
export class Renderer {
  readonly #chalk: ChalkInstance;
  readonly #style: Style;
  /** What stands for a newline, for what is left out, and before what is answered. */
  readonly #newline: string;
  readonly #more: string;
  readonly #reply: string;
  #day: string | undefined;

  constructor(style: Style) {
    this.#style = style;
    this.#chalk = new Chalk({ level: style.colorLevel });
    [this.#newline, this.#more, this.#reply] = style.ascii ? ['\\n', '...', '->'] : ['⏎', '…', '↪'];
  }

  /** The line or lines of an event, without the final newline; undefined for events only programs need. */
  render(event: ChatEvent, nowMs: number): Rendered | undefined {
    const render = this.#renders[event.type] as (event: ChatEvent, nowMs: number) => Rendered | undefined;
    return render(event, nowMs);
  }

  readonly #renders: { [T in ChatEvent['type']]: (event: Event<T>, nowMs: number) => Rendered | undefined } = {
    message: (event, nowMs) => this.#message(event, nowMs),
    join: (event, nowMs) => this.#passage('joined', event, nowMs),
    leave: (event, nowMs) => this.#passage(event.reason, event, nowMs),
    rename: ({ server, from, name, online }, nowMs) =>
      this.#room(server, `${from} is now called ${name}. ${online} online.`, nowMs),
    away: () => undefined,
    back: () => undefined,
    renamed: ({ name }) => this.#self(`you are now called ${name}`),
    shutdown: ({ server }, nowMs) => this.#room(server, 'Server is off.', nowMs),
    notice: ({ server, text }, nowMs) => this.#room(server, text, nowMs),
    state: (event, nowMs) => this.#state(event, nowMs),
    gap: ({ firstMs }, nowMs) =>
      this.#self(`messages before ${moment(firstMs ?? nowMs, nowMs)} are no longer kept by the server`),
    lost: ({ seq }) => this.#self(`message ${seq} of the room is damaged; it is shown when somebody has it`),
    erased: ({ seq }) => (seq === undefined ? undefined : this.#self(`message ${seq} of the room was erased`)),
    contradiction: (event) => this.#error(contradicted(event)),
    replay: (event, nowMs) => this.#self(`${replayed(event, nowMs)} ---`),
    replayed: ({ first }) => this.#self(first ? 'now ---' : 'end of missed messages ---'),
    clock: ({ setBackMs }) => this.#self(`the room's clock was set back by ${duration(setBackMs)}`),
    unverified: ({ from }) =>
      this.#self(`what ${this.safe(from.name)} says is not signed with the key it stands under`),
    status: ({ message }) => this.#self(message),
    error: ({ message }) => this.#error(message),
    outcome: (event) => ({ channel: 'self', text: this.#outcome(event) }),
    listening: ({ endpoint }) => this.#self(`listening on ${endpoint}`),
    closing: () => undefined,
    takenBack: () => undefined,
    placed: () => undefined,
    withdrawn: () => undefined,
    near: () => undefined,
  };

  group({ did, names, server, online }: Group, nowMs: number): Rendered {
    return this.#room(server, `${list(names)} ${verbs[did]}. ${online} online.`, nowMs);
  }

  /** A text of anybody, as it may be printed on this terminal. */
  safe(text: string): string {
    return this.#style.ascii ? asciiOnly(visible(text)) : visible(text);
  }

  /** A grapheme of a draft, or of what waits: a newline has a sign. */
  readonly sign = (grapheme: string): string => (grapheme === '\n' ? this.#newline : this.safe(grapheme));

  /** Paints a row of `asides`. */
  aside(text: string): string {
    return this.#chalk.dim(text);
  }

  /** The lines above the prompt, unpainted; `hint` says what the last key led to. */
  asides(
    offline: ({ sinceMs: number } & Near) | undefined,
    waiting: readonly Waiting[],
    hint: string,
    nowMs: number,
    work?: Work,
  ): string[] {
    const lines = waiting.slice(0, shownWaiting).map((message) => this.#waitingLine(message, nowMs));
    if (offline) lines.unshift(...this.#own(`-- ${apart(offline, nowMs)}`));
    if (work) lines.unshift(...this.#own(`-- ${works[work.what]}: ${digits(work.done)} of ${digits(work.total)}`));
    if (waiting.length > shownWaiting) lines.push(`${this.#more} and ${waiting.length - shownWaiting} more`);
    return hint === '' ? lines : [...lines, ...this.#own(`-- ${hint}`)];
  }

  #waitingLine({ text, type, ts = 0 }: Waiting, nowMs: number): string {
    const characters = graphemes(text.slice(0, 20 * shownCharacters));
    const shown = characters.slice(0, shownCharacters).join('');
    const rest = shown.length < text.length ? this.#more : '';
    const slow = nowMs - ts >= slowMs ? ' (not sent yet)' : '';
    return `${this.#more} ${type === 'action' ? '/me ' : ''}${shown}${rest}${slow}`;
  }

  #outcome({ arrived, inDoubt, notSent }: Event<'outcome'>): string {
    const rows = [
      arrived.length > 0 && `-- arrived: ${linesOf(arrived)}`,
      inDoubt.length > 0 && this.#chalk.red(`!! in doubt, do not send again: ${linesOf(inDoubt)}`),
      notSent.length > 0 && this.#chalk.red(`!! not sent, may be sent again: ${linesOf(notSent)}`),
    ];
    return rows.filter(Boolean).join('\n');
  }

  #message(event: Event<'message'>, nowMs: number): Rendered {
    const { from, own, mention, action, erased, provisional, acceptedMs, agoMs } = event;
    const [answered, text] = this.#answered(event);
    const mark = provisional ? '~' : '';
    const time = this.#time(acceptedMs ?? nowMs, nowMs, agoMs);
    const color = this.#chalk.ansi256(nameColors[hash(from.name) % nameColors.length] ?? 30);
    const paint = own ? color.bold : mention ? color.inverse : color;
    const name = this.safe(from.name);
    return chat(
      `${answered}${time}${mark}${action ? `* ${paint(name)}` : paint(`[${name}]`)} ${erased ? this.#chalk.dim('(erased)') : this.#text(text)}`,
    );
  }

  /** What a message answers stands on a row before it, which no text of anybody can begin; then it need not say whom. */
  #answered({ answers, text }: Event<'message'>): [row: string, text: string] {
    if (!answers || !this.#style.multiline) return ['', text];
    const { name, text: words } = answers;
    const row = this.#chalk.dim(`      ${this.#reply} ${this.safe(`${name}: ${words}`.replace(/: $/, ''))}`);
    const address = `@${name}: `;
    return [`${row}\n`, text.startsWith(address) ? text.slice(address.length) : text];
  }

  #passage(did: Group['did'], { server, name, online }: Passage, nowMs: number): Rendered {
    if (server !== undefined) return this.group({ did, names: [name], server, online }, nowMs);
    return this.#self(`${name} ${{ joined: 'is here.', left: 'left.', lost: `lost the connection. ${kept}` }[did]}`);
  }

  #state(event: Event<'state'>, nowMs: number): Rendered | undefined {
    if (event.state === 'connecting') return this.#self(`connecting to ${event.endpoint}`);
    if (event.state === 'online') return this.#online(event, nowMs);
    // Between two people the leave has said it.
    if (event.state === 'closing' || event.peer !== undefined) return undefined;
    return this.#self(`${event.reason === 'silent' ? 'the server does not answer.' : 'connection lost.'} ${kept}`);
  }

  #online(event: Event<'state'> & { state: 'online' }, nowMs: number): Rendered | undefined {
    const { server, online, afterMs, waiting = 0, legacy } = event;
    if (server === undefined) return legacy ? this.#self(original) : undefined;
    if (afterMs === undefined) return this.#room(server, `You are now online. ${online} online.`, nowMs);
    const sent = waiting === 0 ? '' : ` ${counted(waiting, 'waiting message')} sent.`;
    return this.#self(`back online after ${duration(afterMs)}.${sent}`);
  }

  #room(server: string, text: string, nowMs: number): Rendered {
    return chat(`${this.#time(nowMs, nowMs)}${this.#chalk.dim(`[${this.safe(server)}] ${this.#text(text)}`)}`);
  }

  #self(text: string): Rendered {
    return { channel: 'self', text: this.#chalk.dim(this.#own(`-- ${text}`).join('\n')) };
  }

  #error(text: string): Rendered {
    return { channel: 'self', text: this.#chalk.red(this.#own(`!! ${text}`).join('\n')) };
  }

  /** What others wrote is never broken here, so that it can be copied whole. */
  #own(text: string): string[] {
    const columns = this.#style.columns?.() || Number.POSITIVE_INFINITY;
    return wrapWords(this.safe(text), columns, ownIndent);
  }

  #text(text: string): string {
    const lines = text.split('\n').map((line) => this.safe(line));
    if (!this.#style.multiline) return lines.join('\\n');
    const more = lines.splice(maxRows);
    if (more.length > 0) lines.push(more.join(` ${this.#newline} `));
    return lines.join('\n      | ');
  }

  /**
   * A line of its own where the date changes, because only the hour stands before each line. What was said long before the
   * room took it bears the time when it was said, marked, for it stands among what was said later.
   */
  #time(atMs: number, nowMs: number, agoMs?: number): string {
    const { timestamps } = this.#style;
    const date = dateOf(atMs);
    const said = agoMs === undefined ? undefined : Math.max(atMs - agoMs, 0);
    if (timestamps === 'off') return '';
    if (timestamps === 'iso')
      return `${this.#chalk.dim(`${said === undefined ? '' : '~'}${dateOf(said ?? atMs).toISOString()}`)} `;
    const isNewDay = date.toDateString() !== (this.#day ?? dateOf(nowMs).toDateString());
    this.#day = date.toDateString();
    const day = isNewDay ? `-- ${date.toLocaleDateString('en-GB', { weekday: 'long', ...fullDay })} ---\n` : '';
    return `${this.#chalk.dim(`${day}${said === undefined ? clock(date) : `~${moment(said, atMs)}`}`)} `;
  }
}

/** `offline 12 s; near: Ana and Bo`, or through whom the room is reached. */
function apart({ sinceMs, names, through }: { sinceMs: number } & Near, nowMs: number): string {
  if (through.length > 0) return `online through ${list(through)}`;
  const offline = `offline ${duration(nowMs - sinceMs)}`;
  return names.length > 0 ? `${offline}; near: ${list(names)}` : offline;
}

const works = { read: 'reading what was missed', givenBack: 'giving back what the room has lost' };
const digits = (count: number): string => count.toLocaleString('en');
const ownIndent = 3;
const shownWaiting = 5;
/** Of a long text that waits so many characters are shown; all of it comes when it is accepted. */
const shownCharacters = 100;
const slowMs = 10_000;
/** A message of more lines has the others in its last row, so that nobody fills the screen with line ends. */
const maxRows = 100;
const original = 'the other side runs the original program: no receipts and nothing missed is sent again.';
const kept = 'What you write now is kept and sent when it is back.';
const verbs = { joined: 'joined the room', left: 'left the room', lost: 'lost the connection' };
/** A peer may send anything: what no Date can hold is the last time that one can. */
export const dateOf = (atMs: number) => new Date(Math.min(atMs, 8.64e15));
const clock = (date: Date) => date.toTimeString().slice(0, 5);
const fullDay = { day: 'numeric', month: 'long', year: 'numeric' } as const;
const weekMs = 6 * 86_400_000;
const chat = (text: string): Rendered => ({ channel: 'chat', text });

export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** A moment as a person says it: `14:03` of today, `Mon 14:03` of this week, `3 Nov 2026 14:03`. */
function moment(atMs: number, nowMs: number): string {
  const date = dateOf(atMs);
  if (date.toDateString() === dateOf(nowMs).toDateString()) return clock(date);
  const isNear = Math.abs(nowMs - atMs) < weekMs;
  const day = date.toLocaleDateString('en-GB', isNear ? { weekday: 'short' } : { ...fullDay, month: 'short' });
  return `${day} ${clock(date)}`;
}

function replayed({ count, total, sinceMs, first }: Event<'replay'>, nowMs: number): string {
  if (first) return `the last ${count === 1 ? 'message' : `${count} messages`}`;
  const shown = count < total ? `; showing the last ${count}; /history ${total} for all` : '';
  return `${counted(total, 'missed message')} since ${moment(sinceMs, nowMs)}${shown}`;
}

function contradicted({ reason, seq, file }: Event<'contradiction'>): string {
  const what = {
    signed: `the room has signed two different pasts at message ${seq}: its server tells its members different things.`,
    back: `the room has signed more than the ${counted(seq, 'message')} that it now signs: its server takes back what it said.`,
    read: `what was read here up to message ${seq} is not what the room has signed: its server tells its members different things, or somebody on the way changes them.`,
  }[reason];
  return file === undefined ? what : `${what} The proof is in ${file}`;
}

const maxSpans = 8;

/** `line 3`, `lines 1-4, 7`, `lines 5 and all after`. */
function linesOf(spans: readonly Span[]): string {
  const [first] = spans;
  const isOne = spans.length === 1 && first?.from === first?.to;
  const named = spans.slice(0, maxSpans).map(({ from, to }) => {
    if (to === undefined) return `${from} and all after`;
    return from === to ? `${from}` : `${from}-${to}`;
  });
  const more = spans.length > maxSpans ? ` and ${spans.length - maxSpans} more ranges` : '';
  return `${isOne ? 'line' : 'lines'} ${named.join(', ')}${more}`;
}

const maxListed = 3;

/** `Ana`, `Ana and Bo`, `Ana, Bo, Cy and 37 others`. */
export function list(names: readonly string[]): string {
  const more = names.length - maxListed;
  const [last = '', ...before] = (more > 1 ? [...names.slice(0, maxListed), `${more} others`] : names).toReversed();
  return before.length > 0 ? `${before.toReversed().join(', ')} and ${last}` : last;
}

/** A span of time as a person says it: `42 s`, `3 min`, `2 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(Math.round(ms / 1_000), 0);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** FNV-1a, so that a name has the same colour on every screen. */
const hash = (text: string): number =>
  Buffer.from(text).reduce((value, byte) => Math.imul(value ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
