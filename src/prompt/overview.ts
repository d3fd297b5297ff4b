import type { Conversation } from '../core/turn.ts';
import type { View } from '../terminal/view.ts';
import { type Command, say } from './commands.ts';

const maxNamed = 100;

/** `/who`: who is there, as far as known here. */
export const whoCommand = (conversation: Conversation, view: View): Command => ({
  name: 'who',
  does: 'who is online',
  run() {
    const { online, name, present } = conversation;
    if (!online) return say(view, 'you are offline');
    const others = conversation.others.slice(0, maxNamed);
    const unnamed = present - 1 - others.length;
    const more = unnamed > 0 ? [`${unnamed} more`] : [];
    return say(view, `${present} online: ${[`${name} (you)`, ...others, ...more].join(', ')}`);
  },
});

/** `/status`: how things stand, in a few lines. `about` says what only the program knows. */
export const statusCommand = (conversation: Conversation, about: () => string[], view: View): Command => ({
  name: 'status',
  does: 'how things stand',
  run() {
    const { online, name, present, waiting } = conversation;
    const where = online ? `online, ${present} there` : 'offline';
    const count = waiting.length === 1 ? '1 message' : `${waiting.length} messages`;
    const what = waiting.length === 0 ? 'nothing waits to be sent' : `${count} not sent yet`;
    for (const line of [`you are ${name}`, `${where}; ${what}`, ...about()]) say(view, line);
    return undefined;
  },
});
