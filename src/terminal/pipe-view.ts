import type { Writable } from 'node:stream';
import type { ChatEvent } from '../core/events.ts';
import type { Renderer } from './render.ts';
import type { View } from './view.ts';

/** Plain lines: the chat on stdout, the program's own words on stderr. Own messages are not printed back. */
export class PipeView implements View {
  readonly #out: Writable;
  readonly #err: Writable;
  readonly #renderer: Renderer;
  readonly #now: () => number;

  constructor(out: Writable, err: Writable, renderer: Renderer, now: () => number) {
    this.#out = out;
    this.#err = err;
    this.#renderer = renderer;
    this.#now = now;
  }

  show(event: ChatEvent): void {
    if (event.type === 'message' && event.own) return;
    const rendered = this.#renderer.render(event, this.#now());
    if (rendered) (rendered.channel === 'chat' ? this.#out : this.#err).write(`${rendered.text}\n`);
  }

  waiting(): void {}

  close(): void {}
}
