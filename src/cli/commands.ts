import type { View } from '../terminal/view.ts';
import { closest } from './closest.ts';

/** What a person may type at the prompt besides texts: `/name argument`. */
export type Command = {
  name: string;
  argument?: string;
  does: string;
  /** Returns 'quit' to end the talk. */
  run: (argument: string) => undefined | 'quit';
};
/** What a line at the prompt means: a text to send, the end of the talk, or nothing more to do. */
export type Meaning = { text: string } | 'quit' | undefined;

const quit: Command = { name: 'quit', does: 'leave', run: () => 'quit' };

/**
 * Reads the lines of a person. What begins with one slash is a command and never sent, known or not;
 * `//` sends a text that begins with a slash.
 */
export function readCommands(own: readonly Command[], view: View): (line: string) => Meaning {
  const showHelp = () => {
    for (const { name, argument = '', does } of commands)
      view.show({ type: 'status', code: 'HELP', message: `${`/${name} ${argument}`.padEnd(14)} ${does}` });
    return undefined;
  };
  const commands: Command[] = [...own, { name: 'help', does: 'this list', run: showHelp }, quit];
  return (line) => {
    if (!line.startsWith('/')) return { text: line };
    if (line.startsWith('//')) return { text: line.slice(1) };
    const [, name = '', argument = ''] = /^\/(\S*)\s*(.*?)\s*$/s.exec(line) ?? [];
    const command = commands.find((known) => known.name === name);
    if (command) return command.run(argument);
    const like = closest(
      name,
      commands.map((known) => known.name),
    );
    const hint = like ? `Did you mean /${like}?` : 'See /help.';
    const message = `Unknown command /${name}. ${hint} Start with // to send it as text.`;
    view.show({ type: 'error', code: 'USAGE', message });
    return undefined;
  };
}
