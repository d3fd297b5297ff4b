import { Chalk, type ChalkInstance } from 'chalk';
import type { ChatEvent } from '../core/events.ts';
import type { ColorLevel } from './ability.ts';
import { visible, visibleLines } from './visible.ts';

export type Timestamps = 'off' | 'time' | 'iso';
export type Style = {
  /** 0: not one escape byte. */
  colorLevel: ColorLevel;
  /** Only signs that every terminal has. */
  ascii: boolean;
  timestamps: Timestamps;
  /** On a terminal further lines of a message stand below, in a pipe a newline is written `\n`. */
  multiline: boolean;
};
/** `chat`: messages and what the room says; `self`: words of this program about itself. */
export type Rendered = { channel: 'chat' | 'self'; text: string };

const nameColors = ['red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'redBright', 'greenBright'] as const;

/** Turns events into text. The shape of a line carries its meaning; colour only helps. */
export class Renderer {
  readonly #chalk: ChalkInstance;
  readonly #style: Style;

  constructor(style: Style) {
    this.#style = style;
    this.#chalk = new Chalk({ level: style.colorLevel });
  }

  /** The line or lines of an event, without the final newline; undefined for events only programs need. */
  render(event: ChatEvent, nowMs: number): Rendered | undefined {
    switch (event.type) {
      case 'message': {
        const time = this.#time(event.replay ? (event.sentMs ?? nowMs) : nowMs);
        return chat(`${time}${this.#name(event.from.name, event.own)} ${this.#text(event.text)}`);
      }
      case 'join':
        return this.#notice(event, `${event.name} joined the room.`, `${event.name} is here.`, nowMs);
      case 'leave': {
        const lost = event.reason === 'lost';
        const room = `${event.name} ${lost ? 'lost the connection' : 'left the room'}.`;
        const apart = lost ? `${event.name} lost the connection. ${kept}` : `${event.name} left.`;
        return this.#notice(event, room, apart, nowMs);
      }
      case 'rename':
        return this.#room(event.server, `${event.from} is now called ${event.name}. ${event.online} online.`, nowMs);
      case 'renamed':
        return this.#self(`you are now called ${event.name}`);
      case 'shutdown':
        return this.#room(event.server, 'Server is off.', nowMs);
      case 'notice':
        return this.#room(event.server, event.text, nowMs);
      case 'state':
        return this.#state(event, nowMs);
      case 'gap':
        return this.#self(`messages before ${day(event.firstMs ?? nowMs)} are no longer kept by the server`);
      case 'replay': {
        const { count, total, sinceMs } = event;
        if (event.first) return this.#self(`the last ${count === 1 ? 'message' : `${count} messages`} ---`);
        const shown = count < total ? `; showing the last ${count}` : '';
        return this.#self(`${total} missed ${total === 1 ? 'message' : 'messages'} since ${day(sinceMs)}${shown} ---`);
      }
      case 'replayed':
        return this.#self(event.first ? 'now ---' : 'end of missed messages ---');
      case 'status':
        return this.#self(event.message);
      case 'error':
        return { channel: 'self', text: this.#chalk.red(`!! ${visible(event.message)}`) };
      case 'listening':
        return this.#self(`listening on ${event.endpoint}`);
      case 'closing':
        return undefined;
    }
  }

  #state(event: ChatEvent & { type: 'state' }, nowMs: number): Rendered | undefined {
    switch (event.state) {
      case 'connecting':
        return this.#self(`connecting to ${event.endpoint}`);
      case 'offline':
        // Between two people the leave has said it.
        if (event.peer !== undefined) return undefined;
        return event.reason === 'silent'
          ? this.#self(`the server does not answer. ${kept}`)
          : this.#self(`connection lost. ${kept}`);
      case 'closing':
        return undefined;
      case 'online': {
        const { server, online, afterMs, waiting = 0, legacy } = event;
        if (server === undefined) return legacy ? this.#self(`the other side ${original}`) : undefined;
        if (afterMs === undefined) return this.#room(server, `You are now online. ${online} online.`, nowMs);
        const sent = waiting === 0 ? '' : ` ${waiting} waiting ${waiting === 1 ? 'message' : 'messages'} sent.`;
        return this.#self(`back online after ${duration(afterMs)}.${sent}`);
      }
    }
  }

  /** Who comes and goes: in a room the server says it, between two people the program. */
  #notice(event: { server?: string; online: number }, room: string, apart: string, nowMs: number): Rendered {
    if (event.server === undefined) return this.#self(apart);
    return this.#room(event.server, `${room} ${event.online} online.`, nowMs);
  }

  #room(server: string, text: string, nowMs: number): Rendered {
    return chat(`${this.#time(nowMs)}${this.#chalk.dim(`[${visible(server)}] ${this.#text(text)}`)}`);
  }

  #self(text: string): Rendered {
    return { channel: 'self', text: this.#chalk.dim(`-- ${visible(text)}`) };
  }

  #name(name: string, own: boolean): string {
    const color = this.#chalk[nameColors[hash(name) % nameColors.length] ?? 'cyan'];
    return (own ? color.bold : color)(`[${visible(name)}]`);
  }

  #text(text: string): string {
    const [first = '', ...rest] = visibleLines(text);
    if (!this.#style.multiline) return [first, ...rest].join('\\n');
    return [first, ...rest.map((line) => `      | ${line}`)].join('\n');
  }

  #time(atMs: number): string {
    if (this.#style.timestamps === 'off') return '';
    const date = new Date(Math.min(atMs, maxDateMs));
    const text = this.#style.timestamps === 'iso' ? date.toISOString() : clock(date);
    return `${this.#chalk.dim(text)} `;
  }
}

const kept = 'What you write now is kept and sent when it is back.';
const original = 'runs the original program: no receipts and nothing missed is sent again.';
/** The last time a Date can hold; a peer may send anything. */
export const maxDateMs = 8.64e15;
const chat = (text: string): Rendered => ({ channel: 'chat', text });
const two = (n: number) => String(n).padStart(2, '0');
const clock = (date: Date) => `${two(date.getHours())}:${two(date.getMinutes())}`;

/** A moment as a person says it: `Mon 14:03`. */
const day = (atMs: number) => {
  const date = new Date(Math.min(atMs, maxDateMs));
  return `${['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][date.getDay()]} ${clock(date)}`;
};

/** A span of time as a person says it: `42 s`, `3 min`, `2 h`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** FNV-1a, so that a name has the same colour on every screen. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}
