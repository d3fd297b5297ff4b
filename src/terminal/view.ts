import type { ChatEvent } from '../core/events.ts';
import type { Waiting } from '../core/turn.ts';
import type { Completer } from './editor.ts';

/** Where the events of a chat are shown. */
export interface View {
  /** `taken` is called once the text has left the program, in order; at once if nothing is shown for the event. */
  show(event: ChatEvent, taken?: () => void): void;
  /** What was typed and is not accepted yet, oldest first. */
  waiting(messages: readonly Waiting[]): void;
  /** True while something that was shown has not left the program. */
  readonly isBehind: boolean;
  /** Leaves the terminal as it was found. What has not left the program by now never will, and nothing is `taken`. */
  close(): void;
  /** Only where somebody types: what Tab asks. */
  completer?: Completer;
  /** Only where there is a screen: takes away what was said. */
  clear?(): void;
}
