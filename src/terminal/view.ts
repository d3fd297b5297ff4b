import type { Waiting } from '../core/conversation.ts';
import type { ChatEvent } from '../core/events.ts';

/** Where the events of a chat are shown. */
export interface View {
  show(event: ChatEvent): void;
  /** What was typed and is not accepted yet, oldest first. */
  waiting(texts: readonly Waiting[]): void;
  /** Leaves the terminal as it was found. */
  close(): void;
}
