import { isName, maxNameBytes } from '../core/names.ts';
import type { Completer } from '../terminal/editor.ts';
import type { View } from '../terminal/view.ts';
import { closest } from '../text/closest.ts';

/** What a person may type at the prompt besides texts: `/name argument`. */
export type Command = {
  name: string;
  argument?: string;
  /** What the argument may be, if it is one of a few words. */
  choices?: readonly string[];
  does: string;
  run: (argument: string) => Meaning;
};
/** What a line at the prompt means: a text to send, another name, the end of the talk, or nothing more to do. */
export type Meaning = { text: string; action?: true } | { name: string } | 'quit' | undefined;

/** `/help`, with the commands given to it, and the keys where there is a line editor. */
export const helpCommand = (commands: readonly Command[], view: View): Command => ({
  name: 'help',
  does: 'this list',
  run() {
    const list = commands.map(({ name, argument = '', does }) => [`/${name} ${argument}`, does]);
    for (const [what = '', does] of [...list, ...(view.clear ? keys : [])]) say(view, `${what.padEnd(22)} ${does}`);
    return undefined;
  },
});

const keys = [
  ['//TEXT', 'send a text that begins with /'],
  ['Alt-Enter', 'new line in the message'],
  ['Tab', 'complete a command or a name'],
  ['Up, Down', 'what you sent or dropped'],
  ['Ctrl-C', 'drop the draft; quit if there is none'],
];

export const quitCommand: Command = { name: 'quit', does: 'leave', run: () => 'quit' };

export const meCommand = (view: View): Command => ({
  name: 'me',
  argument: 'TEXT',
  does: 'say what you do',
  run: (text) => (text === '' ? complain(view, 'What do you do? For example: /me waves') : { text, action: true }),
});

export const nickCommand = (view: View): Command => ({
  name: 'nick',
  argument: 'NAME',
  does: 'go by another name',
  run: (name) => (name === '' ? complain(view, 'Which name? For example: /nick Ana') : { name }),
});

export const clearCommand = (view: View): Command => ({
  name: 'clear',
  does: 'empty the screen',
  run: () => void view.clear?.(),
});

/** `/name CHOICE` changes a setting; without a choice it says what it is. */
export const settingCommand = <Name extends string, Choice extends string>(
  name: Name,
  choices: readonly Choice[],
  does: string,
  settings: Record<Name, Choice>,
  view: View,
): Command => ({
  name,
  argument: choices.join('|'),
  choices,
  does,
  run(argument) {
    const choice = choices.find((known) => known === argument);
    if (!choice && argument !== '') return complain(view, `/${name} is one of ${choices.join(', ')}.`);
    if (choice) settings[name] = choice;
    return say(view, `${name}: ${settings[name]}`);
  },
});

/**
 * Reads the lines of a person. What begins with one slash is a command and never sent, known or not;
 * `//` sends a text that begins with a slash.
 */
export function readCommands(commands: readonly Command[], view: View): (line: string) => Meaning {
  return (line) => {
    if (!line.startsWith('/')) return { text: line };
    if (line.startsWith('//')) return { text: line.slice(1) };
    const [, name = '', argument = ''] = /^\/(\S*)\s*(.*?)\s*$/s.exec(line) ?? [];
    const command = commands.find((known) => known.name === name);
    if (command) return command.run(argument);
    const like = likely(name.toLowerCase(), commands);
    const hint = like ? `Did you mean /${like}?` : 'See /help.';
    return complain(view, `Unknown command /${name}. ${hint} Start with // to send it as text.`);
  };
}

/** What other chat programs call it. */
const elsewhere: Record<string, string> = {
  exit: 'quit',
  q: 'quit',
  bye: 'quit',
  part: 'quit',
  names: 'who',
  name: 'nick',
};

function likely(name: string, commands: readonly Command[]): string | undefined {
  const known = commands.map((command) => command.name);
  return known.find((other) => other === elsewhere[name]) ?? closest(name, known);
}

/** What Tab can make of what stands before the cursor: a command, its choice, or the name of somebody there. */
export const completeWith =
  (commands: readonly Command[], names: () => readonly string[]): Completer =>
  (before) => {
    const [, command, argument] = /^\/(\w*)(?: (\S*))?$/.exec(before) ?? [];
    if (command === undefined) return completeName(before, names());
    if (argument === undefined)
      return commands
        .filter(({ name }) => name.startsWith(command))
        .map(({ name, argument: wanted }) => `/${name}${wanted ? ' ' : ''}`);
    const choices = commands.find(({ name }) => name === command)?.choices;
    if (!choices) return completeName(before, names());
    return choices.filter((choice) => choice.startsWith(argument)).map((choice) => `/${command} ${choice}`);
  };

/** The longest end of `before` that begins a name counts, because a name may have spaces. */
function completeName(before: string, names: readonly string[]): string[] {
  const end = before.slice(-2 * maxNameBytes);
  const safe = names.filter(isName);
  for (const { index: at } of end.matchAll(/(?<=^|\s)(?=\S|$)/gu)) {
    const index = before.length - end.length + at;
    const begun = before.slice(index).toLowerCase();
    const found = safe.filter((name) => name.toLowerCase().startsWith(begun));
    const completed = found.map((name) => `${before.slice(0, index)}${name}${index === 0 ? ': ' : ' '}`);
    if (completed.length > 0) return completed;
  }
  return [];
}

export function say(view: View, message: string): undefined {
  view.show({ type: 'status', code: 'ANSWER', message });
}

export function complain(view: View, message: string): undefined {
  view.show({ type: 'error', code: 'USAGE', message });
}
