import type { Writable } from 'node:stream';
import { visibleJson } from '../text/visible.ts';
import { Outlet } from './outlet.ts';
import { dateOf } from './render.ts';

/** One JSON object a line and nothing else; fields are only ever added. */
export class JsonView extends Outlet {
  constructor(out: Writable, now: () => number) {
    super(out, (event) => {
      const { sentMs = now(), ...rest } = { sentMs: undefined, ...event };
      return visibleJson({ ...rest, ts: dateOf(sentMs).toISOString() });
    });
  }
}
