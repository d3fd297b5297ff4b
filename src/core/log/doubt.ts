import type { Message } from '../../protocol/frames.ts';
import type { Device } from './store.ts';

type Counted = Pick<Device, 'dev' | 'given' | 'piped'>;
const nOf = (message: Message, dev: string) => (message.id?.dev === dev ? message.id.n : undefined);

/** What a pipe that has ended had typed and given to nobody: whoever runs it was told so, or saw it die, and says it anew. */
export function abandoned({ dev, given, piped = Number.POSITIVE_INFINITY }: Counted, pending: Message[]): Message[] {
  return pending.filter((message) => (nOf(message, dev) ?? 0) > Math.max(given, piped));
}

/** What was given to the room, which has not said that it has it. */
export function inDoubt({ dev, given }: Counted, pending: Message[]): Message[] {
  return pending.filter((message) => message.sig !== undefined && (nOf(message, dev) ?? given + 1) <= given);
}
