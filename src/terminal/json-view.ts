import type { Writable } from 'node:stream';
import type { ChatEvent } from '../core/events.ts';
import { visibleJson } from '../text/visible.ts';
import { Outlet } from './outlet.ts';
import { maxDateMs } from './render.ts';
import type { View } from './view.ts';

/** One JSON object a line and nothing else; fields are only ever added. */
export class JsonView extends Outlet implements View {
  readonly #now: () => number;

  constructor(out: Writable, now: () => number) {
    super(out, (event) => lineOf(event, now()));
    this.#now = now;
  }

  show(event: ChatEvent, taken?: () => void): void {
    this.write(lineOf(event, this.#now()), taken);
  }

  waiting(): void {}
}

function lineOf(event: ChatEvent, nowMs: number): string {
  const { sentMs = nowMs, ...rest } = { sentMs: undefined, ...event };
  return visibleJson({ ...rest, ts: new Date(Math.min(sentMs, maxDateMs)).toISOString() });
}
