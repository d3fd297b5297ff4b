import type { Writable } from 'node:stream';
import type { ChatEvent } from '../core/events.ts';
import type { Renderer } from './render.ts';
import type { View } from './view.ts';

/** Plain lines: the chat on stdout, the program's own words on stderr. Own messages are not printed back. */
export class PipeView implements View {
  readonly #out: Writable;
  readonly #err: Writable;
  readonly #renderer: Renderer;
  readonly #own: Renderer;
  readonly #now: () => number;

  /** `own` renders what the program says about itself. */
  constructor(out: Writable, err: Writable, renderer: Renderer, now: () => number, own = renderer) {
    this.#out = out;
    this.#err = err;
    this.#renderer = renderer;
    this.#own = own;
    this.#now = now;
  }

  show(event: ChatEvent): void {
    if (event.type === 'message' && event.own) return;
    const nowMs = this.#now();
    const rendered = this.#renderer.render(event, nowMs);
    if (rendered?.channel === 'chat') this.#out.write(`${rendered.text}\n`);
    else if (rendered) this.#err.write(`${this.#own.render(event, nowMs)?.text}\n`);
  }

  waiting(): void {}

  close(): void {}
}
