import { messageEvent } from '../core/narrate.ts';
import type { Entry, Store } from '../core/store.ts';
import type { View } from '../terminal/view.ts';
import type { Command } from './commands.ts';

const shownByDefault = 20;

/** `/history [N]`: the last N messages of the copy kept here. */
export const historyCommand = (store: Store, view: View): Command => ({
  name: 'history',
  argument: '[N]',
  does: `the last messages again (${shownByDefault})`,
  run(argument) {
    const count = argument === '' ? shownByDefault : /^\d{1,6}$/.test(argument) ? Number(argument) : 0;
    if (count === 0) view.show({ type: 'error', code: 'USAGE', message: 'How many? For example: /history 50' });
    for (const entry of store.read(Math.max(store.head - count + 1, 1), count)) showEntry(entry, view);
    return undefined;
  },
});

/** An entry of a log as an event. A void one is never shown. */
export function showEntry({ message, atMs }: Entry, view: View): void {
  const { ts = atMs } = message;
  if (!message.void) view.show(messageEvent({ ...message, ts }, false, Number.POSITIVE_INFINITY));
}
