import { messageEvent } from '../core/narrate.ts';
import type { Entry, Store } from '../core/store.ts';
import type { View } from '../terminal/view.ts';

const shownByDefault = 20;

/** `/history [N]`: the last N messages of the copy kept here. Lines that begin otherwise are texts. */
export const historyCommand = (store: Store, view: View) => (line: string) => {
  const [command, argument = String(shownByDefault)] = line.trim().split(/\s+/);
  if (command !== '/history') return false;
  const count = /^\d{1,6}$/.test(argument) ? Number(argument) : 0;
  if (count === 0) view.show({ type: 'error', code: 'USAGE', message: 'How many? For example: /history 50' });
  for (const entry of store.read(Math.max(store.head - count + 1, 1), count)) showEntry(entry, view);
  return true;
};

/** An entry of a log as an event. A void one is never shown. */
export function showEntry({ message, atMs }: Entry, view: View): void {
  const { ts = atMs } = message;
  if (!message.void) view.show(messageEvent({ ...message, ts }, false, Number.POSITIVE_INFINITY));
}
