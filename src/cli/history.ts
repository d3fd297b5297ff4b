import { messageEvent } from '../core/narrate.ts';
import type { Entry, Store } from '../core/store.ts';
import type { View } from '../terminal/view.ts';
import { type Command, complain, say } from './commands.ts';
import { readSpanMs } from './span.ts';

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
    const shown = entries.filter(({ message, atMs }) => !message.void && (message.ts ?? atMs) >= sinceMs);
    if (shown.length === 0) return say(view, 'nothing was said');
    for (const entry of shown) showEntry(entry, view);
    return undefined;
  },
});

/** An entry of a log as an event. A void one is never shown. */
export function showEntry({ message, atMs }: Entry, view: View): void {
  const { ts = atMs } = message;
  if (!message.void) view.show(messageEvent({ ...message, ts }, false, Number.POSITIVE_INFINITY));
}
