import type { ChatEvent } from '../core/events.ts';
import { exitCodeOf } from '../errors.ts';
import { maxTextBytes } from '../protocol/frames.ts';
import { resizeMsOf, rewrapOf } from '../terminal/ability.ts';
import { Editor } from '../terminal/editor.ts';
import { notificationOf } from '../terminal/notification.ts';
import { JsonView, PipeView } from '../terminal/pipe-view.ts';
import { Renderer, type Style } from '../terminal/render.ts';
import type { Settings, Timestamps } from '../terminal/view.ts';
import { joined, readAll, readLines } from './lines.ts';
import { loaded } from './loading.ts';
import { abilityOfStream } from './streams.ts';

export type ConsoleOptions = {
  json: boolean;
  color: boolean | undefined;
  timestamps?: Timestamps | 'auto';
  /** In place of standard input; `-` is all of it as one text. */
  messages?: string[];
  settings: Settings;
  /** Only what went wrong, and, if somebody listens, what others say. */
  quiet: boolean;
  listen: boolean;
  notify?: boolean;
};

const wrongs: readonly ChatEvent['type'][] = ['error', 'contradiction', 'outcome'];
const talk: readonly ChatEvent['type'][] = ['message', 'join', 'leave', 'rename', 'away', 'back', 'notice', 'shutdown'];

export type Console = Awaited<ReturnType<typeof openConsole>>;

/**
 * Where this command reads and writes: a screen with a draft, plain lines, or JSON lines. `person`: somebody sits there.
 * `isScreen`: at a prompt of ours, where the end of the input is a wish to leave.
 */
export async function openConsole(options: ConsoleOptions) {
  const { json, color, timestamps = 'auto', messages = [], settings, quiet, listen, notify } = options;
  const { stdin, stdout, stderr, env } = process;
  const isTerminal = stdout.isTTY === true && env.TERM !== 'dumb';
  const style: Style = {
    ...abilityOfStream(stdout, color),
    timestamps: timestamps !== 'auto' ? timestamps : isTerminal ? 'time' : 'off',
    multiline: stdout.isTTY === true,
    columns: () => (stdout.isTTY ? stdout.columns : undefined),
  };
  const renderer = new Renderer(style);
  const person = stdin.isTTY === true && messages.length === 0;
  if (person && isTerminal && !json) {
    const { ScreenView } = await loaded(import('../terminal/screen-view.ts'));
    const editor = new Editor(maxTextBytes);
    const screen = {
      input: stdin,
      output: stdout,
      renderer,
      rewrap: rewrapOf(env),
      resizeMs: resizeMsOf(env),
      settings,
      editor,
    };
    const notification = notify ? notificationOf(env) : undefined;
    const view = new ScreenView({ ...screen, now: Date.now, notification, force, suspend });
    if (notify && !notification) view.show(noNotifications);
    if (!isWindows) process.on('SIGCONT', () => view.continued());
    // However the program ends, a second Ctrl-C included.
    process.on('exit', () => view.close());
    return { view, lines: editor.lines, person, isScreen: true };
  }
  const chat = { stream: stdout, renderer };
  const self = { stream: stderr, renderer: new Renderer({ ...style, ...abilityOfStream(stderr, color) }) };
  // What a person has typed stands on the terminal, but not where the output goes to.
  const isElsewhere = person && stdout.isTTY !== true;
  const hides = ({ type }: ChatEvent) => quiet && !wrongs.includes(type) && !(listen && talk.includes(type));
  const pipe = { chat, self, settings, hides, now: Date.now, showsOwn: isElsewhere };
  const view = json ? new JsonView(stdout, Date.now, hides) : new PipeView(pipe);
  if (isElsewhere) self.stream.write(`${self.renderer.render(noScreen, Date.now())?.text}\n`);
  const tell = (line: number) => view.show(notUtf8(line));
  const typed = readLines(stdin, maxTextBytes, tell);
  const lines = messages.length > 0 ? given(messages, tell) : person ? joined(typed) : typed;
  return { view, lines, person, isScreen: false };
}

const noNotifications = {
  type: 'status',
  code: 'NO_NOTIFICATIONS',
  message: 'this terminal knows no notifications that this program knows: --notify does nothing here.',
} as const;
const noScreen = {
  type: 'status',
  code: 'NO_SCREEN',
  message: 'the output goes elsewhere, so there is no screen: write a line and press Enter. /quit or Ctrl-D ends it.',
} as const;

/** As a second SIGINT does: in raw mode the terminal makes no signals of keys. */
const force = () => process.exit(exitCodeOf('SIGINT'));
/** Stops the whole job, as Ctrl-Z does, and returns when it is continued; where there is no job control, at once. */
const suspend = () => void (isWindows || process.kill(0, 'SIGTSTP'));
const isWindows = process.platform === 'win32';

async function* given(messages: string[], tell: (line: number) => void): AsyncGenerator<string> {
  for (const message of messages) yield message === '-' ? await readAll(process.stdin, maxTextBytes, tell) : message;
}

const notUtf8 = (line: number): ChatEvent => ({
  type: 'error',
  code: 'NOT_UTF8',
  message: `the input is not UTF-8, first in line ${line}: what cannot be read is sent as "\uFFFD".`,
});
