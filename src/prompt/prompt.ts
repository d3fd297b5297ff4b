import { maxAwayBytes } from '../core/limits.ts';
import type { Signed } from '../core/log/store.ts';
import { isName, maxNameBytes } from '../core/names.ts';
import { awayText, awayWords, slowed, topicWords } from '../core/narrate.ts';
import type { Conversation } from '../core/turn.ts';
import type { MessageId } from '../protocol/frames.ts';
import { byKey } from '../terminal/draft.ts';
import { counted } from '../terminal/render.ts';
import { bellChoices, type Settings, type View } from '../terminal/view.ts';
import { closest } from '../text/closest.ts';
import { type Row, table } from '../text/table.ts';

/** What a person may type at the prompt besides texts: `/name argument`. */
export type Command = {
  name: string;
  argument?: string;
  /** Other names for it, which the help leaves out. */
  alias?: readonly string[];
  /** What the argument may be, if it is one of a few words. */
  choices?: readonly string[];
  does: string;
  run: (argument: string) => Meaning;
};
/** What a line at the prompt means: a text to send, another name, an absence, the end of the talk, or nothing more to do. */
export type Meaning = Words | { name: string } | { away: string } | 'quit' | undefined;
/** A text to send; `re` is the message that it answers. */
export type Words = { text: string; action?: true; re?: MessageId };

const privately = 'In a room everybody reads everything. Two people talk alone with p2p: see p2p --help.';
const named = 'Between two people names stay; leave and come back with --name.';
const unkept = 'Between two people nothing is kept: what was said stands above.';
const ofRooms = 'That is for rooms: between two people it needs no command.';
/** What is p2p's, asked for in a room; and what is a room's, asked for between two people. */
export const inRooms: Answers = byKey({
  'msg query tell whisper w dm': privately,
  back: 'Just say something: that ends /away.',
});
export const inPairs: Answers = byKey({
  'msg query tell whisper w dm': 'Here you are alone with the other side: just write.',
  're ignore unignore joins topic away back': ofRooms,
  nick: named,
  'history search': unkept,
});

/** What a command that is known elsewhere is answered here, by its name. */
export type Answers = Readonly<Record<string, string>>;

export type PromptOptions = {
  conversation: Conversation;
  view: View;
  settings: Settings;
  /** What `/status` says last: what only the program knows. */
  about: () => string[];
  answers?: Answers;
};

/** Gives whoever types at `view` the commands of every chat, and `own`. Returns what a line means. */
export function openPrompt(own: readonly Command[], { conversation, view, settings, about, answers }: PromptOptions) {
  const ofScreen = [
    settingCommand('bell', bellChoices, 'what rings', settings, view),
    { name: 'clear', does: 'empty the screen', run: () => void view.clear?.() },
  ];
  const commands: Command[] = [
    { name: 'who', does: 'who is online', run: () => say(view, who(conversation)) },
    { name: 'status', does: 'how things stand', run: () => say(view, ...standing(conversation), ...about()) },
    ...own,
    {
      name: 'me',
      argument: 'TEXT',
      does: 'say what you do',
      run: (text) => (text ? { text, action: true } : complain(view, 'What do you do? For example: /me waves')),
    },
    ...(view.clear ? ofScreen : []),
    { name: 'quit', alias: ['q', 'exit'], does: 'leave', run: () => 'quit' },
    { name: 'help', does: 'this list', run: () => say(view, ...help(commands, view)) },
  ];
  view.completer = (before) => complete(before, commands, conversation.others);
  return (line: string) => read(line, commands, view, answers);
}

export const nickCommand = (view: View): Command => ({
  name: 'nick',
  argument: 'NAME',
  does: 'go by another name',
  run: (name) => (name ? { name } : complain(view, 'Which name? For example: /nick Ana')),
});

export const awayCommand = (view: View): Command => ({
  name: 'away',
  argument: '[TEXT]',
  does: 'you are away, until you say something',
  run(raw) {
    const away = awayText(raw);
    return away === undefined ? complain(view, `Say it in at most ${maxAwayBytes} bytes.`) : { away };
  },
});

export const topicCommand = (topic: () => string, view: View): Command => ({
  name: 'topic',
  does: 'what the room is about',
  run: () => say(view, topic() === '' ? 'nobody has said what this room is about' : topicWords(topic())),
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

export function say(view: Pick<View, 'show'>, ...messages: string[]): undefined {
  for (const message of messages) view.show({ type: 'status', code: 'ANSWER', message });
}

export function complain(view: Pick<View, 'show'>, message: string): undefined {
  view.show({ type: 'error', code: 'USAGE', message });
}

const maxNamed = 100;

function who(conversation: Conversation): string {
  const { online, name, present, others, near = [], through = [] } = conversation;
  const isNear = near.length > 0 ? `near, without the server: ${near.join(', ')}` : 'nobody is near';
  if (!online && conversation.near === undefined) return 'you are offline';
  if (!online) return `you are offline; ${isNear}${through.length > 0 ? `; in the room: ${through.join(', ')}` : ''}`;
  const why = (one: string) => absent(conversation.whyAway?.(one));
  const named = others.slice(0, maxNamed);
  const unnamed = present - 1 - named.length;
  const me = `${name} (${['you', ...why(name)].join(', ')})`;
  const all = named.map((one) => [one, ...why(one).map((words) => `(${words})`)].join(' '));
  return `${present} online: ${[me, ...all, ...(unnamed > 0 ? [`${unnamed} more`] : [])].join(', ')}`;
}

const absent = (why: string | undefined): string[] => (why === undefined ? [] : [awayWords(why)]);

function standing(conversation: Conversation): string[] {
  const { online, name, present, waiting, held } = conversation;
  const count = waiting.length;
  const what = count === 0 ? 'nothing waits to be sent' : `${counted(count, 'message')} not sent yet`;
  const me = [name, ...absent(conversation.whyAway?.(name))].join(', ');
  const lines = [`you are ${me}`, `${online ? `online, ${present} there` : 'offline'}; ${what}`];
  return [...lines, ...apart(conversation), ...(held ? [slowed(held)] : [])];
}

/** Who is linked without the server, and what they have that the room has not. */
function apart({ near = [], through = [], shared }: Conversation): string[] {
  const links = near.length > 0 ? [`linked with ${near.join(', ')}, without the server`] : [];
  const bridge = through.length > 0 ? [`the room is reached through ${through.join(', ')}`] : [];
  const kept = shared && [
    `${counted(shared.count, 'line')} without a place yet, on the disks of ${shared.copies} ${shared.copies === 1 ? 'other' : 'others'} at least`,
  ];
  return [...links, ...bridge, ...(kept ?? [])];
}

/** The first characters of the chain are enough for two people to compare. */
export function signedUpTo(signed: Signed | undefined): string {
  if (!signed) return 'the room has signed nothing yet';
  const { seq, hash } = signed.newest;
  return seq === 0
    ? 'signed by the room: its log is empty'
    : `signed by the room up to message ${seq} (${hash.slice(0, 8)})`;
}

/** Where other members reach this one while the server is away. */
export function reachableAt(hosts: readonly string[] | undefined): string {
  if (!hosts) return 'no links with other members: --no-peers';
  return hosts.length > 0
    ? `members reach you at ${hosts.join(', ')} while the server is away`
    : 'members cannot reach you';
}

/** Who can read along besides those who are meant. */
export const secrecy = (isSecure: boolean): string =>
  isSecure ? 'encrypted' : 'not encrypted, who is on the way can read along';

function help(commands: readonly Command[], { clear: hasScreen, columns = Number.POSITIVE_INFINITY }: View): string[] {
  const list = commands.map(({ name, argument = '', does }): Row => [`/${name} ${argument}`.trimEnd(), does]);
  return table([...list, ...(hasScreen ? keys : [])], columns - markColumns, leftColumns);
}

/** What stands before each line of an answer, and how wide the first column is at least. */
const markColumns = 3;
const leftColumns = 21;

const keys: Row[] = [
  ['//TEXT', 'send a text that begins with /'],
  ['Alt-Enter', 'new line in the message'],
  ['Tab', 'complete a command or a name'],
  ['Up, Down', 'what you sent or dropped; a line that waits is taken back'],
  ['Ctrl-C', 'drop the draft; quit if there is none'],
];

/** A line that begins with one slash is a command and never sent, known or not; `//` begins a text with a slash. */
export function read(line: string, commands: readonly Command[], view: View, answers: Answers = {}): Meaning {
  const [, name, argument = ''] = /^\/(?!\/)(\S*)\s*(.*?)\s*$/s.exec(line) ?? [];
  if (name === undefined) return { text: line.replace(/^\//, '') };
  const command = commands.find((one) => one.name === name || one.alias?.includes(name));
  if (command) return command.run(argument);
  if (Object.hasOwn(answers, name)) return complain(view, answers[name] ?? '');
  const [word, known] = [name.toLowerCase(), commands.map((one) => one.name)];
  const like = known.find((other) => other === aliases[word]) ?? closest(word, known);
  const hint = like ? `Did you mean /${like}?` : 'See /help.';
  return complain(view, `Unknown command /${name}. ${hint} Start with // to send it as text.`);
}

/** What other chat programs call it. */
const aliases = byKey({
  'exit q bye part': 'quit',
  names: 'who',
  name: 'nick',
  'find grep': 'search',
  reply: 're',
  'afk brb': 'away',
});

/** What Tab can make of what stands before the cursor: a command, its choice, or the name of somebody there. */
export function complete(before: string, commands: readonly Command[], names: readonly string[]): string[] {
  const [, command, argument] = /^\/(\w*)(?: (\S*))?$/.exec(before) ?? [];
  const choices = commands.find(({ name }) => name === command)?.choices ?? [];
  if (command === undefined || (argument !== undefined && choices.length === 0)) return completeName(before, names);
  const named = commands.map(({ name, argument: wanted }) => `/${name}${wanted ? ' ' : ''}`);
  const all = argument === undefined ? named : choices.map((choice) => `/${command} ${choice}`);
  return all.filter((one) => one.startsWith(before));
}

/** The longest end of `before` that begins a name counts, because a name may have spaces. Before it there may be an `@`. */
function completeName(before: string, names: readonly string[]): string[] {
  const end = before.slice(-2 * maxNameBytes);
  const safe = names.filter(isName);
  for (const { index: at } of end.matchAll(/(?<=(?:^|\s)@?)(?=\S|$)/gu)) {
    const kept = before.slice(0, before.length - end.length + at);
    const begun = end.slice(at).toLowerCase();
    const found = safe.filter((name) => name.toLowerCase().startsWith(begun));
    if (found.length > 0) return found.map((name) => `${kept}${name}${kept === '' ? ': ' : ' '}`);
  }
  return [];
}
