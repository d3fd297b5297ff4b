import type { Writable } from 'node:stream';
import type { ChatEvent } from '../core/events.ts';
import { visibleJson } from '../text/visible.ts';
import { maxDateMs } from './render.ts';
import type { View } from './view.ts';

/** One JSON object a line and nothing else; fields are only ever added. */
export class JsonView implements View {
  readonly #out: Writable;
  readonly #now: () => number;

  constructor(out: Writable, now: () => number) {
    this.#out = out;
    this.#now = now;
  }

  show(event: ChatEvent): void {
    const { sentMs, ...rest } = { sentMs: undefined, ...event };
    const ts = new Date(Math.min(sentMs ?? this.#now(), maxDateMs)).toISOString();
    this.#out.write(`${visibleJson({ ...rest, ts })}\n`);
  }

  waiting(): void {}

  close(): void {}
}
