import type { Writable } from 'node:stream';
import type { ChatEvent } from '../core/events.ts';
import type { Renderer } from './render.ts';
import type { Settings } from './settings.ts';
import type { View } from './view.ts';

type Outlet = { stream: Writable; renderer: Renderer };
export type PipeOptions = {
  /** Messages and what the room says. */
  chat: Outlet;
  /** What the program says about itself. */
  self: Outlet;
  settings: Pick<Settings, 'joins'>;
  now: () => number;
};

/** Plain lines: the chat on stdout, the program's own words on stderr. Own messages are not printed back. */
export class PipeView implements View {
  readonly #options: PipeOptions;

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  show(event: ChatEvent): void {
    if (event.type === 'message' && event.own) return;
    const { chat, self, settings, now } = this.#options;
    const isPassage = (event.type === 'join' || event.type === 'leave') && event.server !== undefined;
    if (isPassage && settings.joins === 'none') return;
    const nowMs = now();
    const rendered = chat.renderer.render(event, nowMs);
    if (rendered?.channel === 'chat') chat.stream.write(`${rendered.text}\n`);
    else if (rendered) self.stream.write(`${self.renderer.render(event, nowMs)?.text}\n`);
  }

  waiting(): void {}

  close(): void {}
}
