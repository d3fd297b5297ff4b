import type { ChatEvent } from '../core/events.ts';
import type { Waiting, Work } from '../core/turn.ts';
import type { Completer, TakeBack } from './editor.ts';

/** Which joins and leaves are shown: several at once in one line, every one, or none. */
export const joinsChoices = ['auto', 'all', 'none'] as const;
export const timestampChoices = ['auto', 'off', 'time', 'iso'] as const;
export type Timestamps = Exclude<(typeof timestampChoices)[number], 'auto'>;
export const bellChoices = ['mention', 'all', 'off'] as const;
/** What a person can change while the program runs. */
export type Settings = { joins: (typeof joinsChoices)[number]; bell: (typeof bellChoices)[number] };

export interface View {
  /** `taken` is called once the text has left the program, in order; at once if nothing is shown for the event. */
  show(event: ChatEvent, taken?: () => void): void;
  /** True while something that was shown has not left the program. */
  readonly isBehind: boolean;
  /** Leaves the terminal as it was found. What has not left the program by now never will, and nothing is `taken`. */
  close(): void;
  /** Only where somebody types: what Tab asks. */
  completer?: Completer;
  /** What Up asks. */
  takeBack?: TakeBack;
  /** Only on a screen: what was typed and is not accepted yet, oldest first. */
  waiting?(messages: readonly Waiting[]): void;
  /** Only on a screen: what takes long, if anything does. */
  work?(work: Work | undefined): void;
  /** Only on a screen: takes away what was said. */
  clear?(): void;
  /** Only on a screen: how wide it is. */
  readonly columns?: number;
}
