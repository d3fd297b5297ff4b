type Environment = Readonly<Record<string, string | undefined>>;

/** Always the same words: nothing that somebody wrote is ever part of an escape sequence. */
const [title, words] = ['0mq-chat', 'Somebody wrote to you.'];
const forms = {
  osc9: `\x1b]9;${title}: ${words}\x07`,
  osc777: `\x1b]777;notify;${title};${words}\x07`,
  osc99: `\x1b]99;;${title}: ${words}\x1b\\`,
};

/** By TERM, which ssh takes along, and by what a terminal says of itself besides. */
const known: [variable: string, pattern: RegExp, form: keyof typeof forms][] = [
  ['TERM', /kitty/, 'osc99'],
  ['KITTY_WINDOW_ID', /./, 'osc99'],
  ['TERM', /^(foot|rxvt-unicode|contour)/, 'osc777'],
  ['TERM', /ghostty|wezterm/, 'osc9'],
  ['TERM_PROGRAM', /^(iTerm\.app|WezTerm|ghostty|WarpTerminal)$/, 'osc9'],
  ['LC_TERMINAL', /^iTerm2$/, 'osc9'],
  // Which terminal is around it nobody can tell: this is the form that most know.
  ['TMUX', /./, 'osc9'],
];

/**
 * What makes this terminal notify its desktop, also over ssh; undefined if no form is known that it understands. tmux hands
 * it on if its `allow-passthrough` is on.
 */
export function notificationOf(env: Environment): string | undefined {
  const form = known.find(([variable, pattern]) => pattern.test(env[variable] ?? ''))?.[2];
  if (!form) return undefined;
  return env.TMUX ? `\x1bPtmux;${forms[form].replaceAll('\x1b', '\x1b\x1b')}\x1b\\` : forms[form];
}
