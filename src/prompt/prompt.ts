import type { Conversation } from '../core/turn.ts';
import type { View } from '../terminal/view.ts';
import { bellChoices, type Settings } from '../terminal/view.ts';
import {
  type Command,
  clearCommand,
  completeWith,
  helpCommand,
  type Meaning,
  meCommand,
  quitCommand,
  readCommands,
  settingCommand,
} from './commands.ts';
import { statusCommand, whoCommand } from './overview.ts';

export type PromptOptions = {
  conversation: Conversation;
  view: View;
  settings: Settings;
  /** What `/status` says last. */
  about: () => string[];
};

/** Gives whoever types at `view` the commands of every chat, and `own`. Returns what a line means. */
export function openPrompt(
  own: readonly Command[],
  { conversation, view, settings, about }: PromptOptions,
): (line: string) => Meaning {
  const commands = [
    whoCommand(conversation, view),
    statusCommand(conversation, about, view),
    ...own,
    meCommand(view),
    ...(view.clear ? [settingCommand('bell', bellChoices, 'what rings', settings, view), clearCommand(view)] : []),
    quitCommand,
  ];
  commands.push(helpCommand(commands, view));
  view.completer = completeWith(commands, () => conversation.others);
  return readCommands(commands, view);
}
