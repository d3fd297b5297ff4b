import type { Entry, Store } from '../core/log/store.ts';
import { messageEvent } from '../core/narrate.ts';
import type { View } from '../terminal/view.ts';
import { readSpanMs } from '../text/span.ts';
import { type Command, complain, say } from './commands.ts';

const shownByDefault = '20';

/** `/history [N|2h|2d]`: the last messages of the copy kept here. */
export const historyCommand = (store: Store, view: View, now: () => number): Command => ({
  name: 'history',
  argument: '[N|2h|2d]',
  does: `the last messages again (${shownByDefault})`,
  run(argument) {
    const wanted = argument === '' ? shownByDefault : argument;
    const count = /^\d{1,6}$/.test(wanted) ? Number(wanted) : undefined;
    const spanMs = readSpanMs(wanted);
    if (!count && !spanMs) return complain(view, 'How many, or since when? For example: /history 50, /history 2h');
    const entries = store.read(count ? Math.max(store.head - count + 1, 1) : 1, count ?? store.head);
    const sinceMs = spanMs ? now() - spanMs : 0;
    const shown = entries.filter((entry) => !entry.message.void && writtenMs(entry) >= sinceMs);
    const [oldest] = shown;
    if (!oldest) return say(view, 'nothing was said');
    const { length } = shown;
    view.show({ type: 'replay', count: length, total: length, sinceMs: writtenMs(oldest), first: true });
    for (const entry of shown) showEntry(entry, view);
    view.show({ type: 'replayed', first: true });
    return undefined;
  },
});

/** An entry of a log as an event. A void one is never shown. */
export function showEntry(entry: Entry, view: View): void {
  const { message } = entry;
  if (!message.void) view.show(messageEvent({ ...message, ts: writtenMs(entry) }, false, Number.POSITIVE_INFINITY));
}

const writtenMs = ({ message, atMs }: Entry): number => message.ts ?? atMs;
