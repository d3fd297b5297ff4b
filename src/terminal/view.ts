import type { ChatEvent } from '../core/events.ts';
import type { Waiting } from '../core/turn.ts';
import type { Completer } from './editor.ts';

/** Where the events of a chat are shown. */
export interface View {
  show(event: ChatEvent): void;
  /** What was typed and is not accepted yet, oldest first. */
  waiting(messages: readonly Waiting[]): void;
  /** Leaves the terminal as it was found. */
  close(): void;
  /** Only where somebody types: what Tab asks. */
  completer?: Completer;
  /** Only where there is a screen: takes away what was said. */
  clear?(): void;
}
