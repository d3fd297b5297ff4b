import type { ColorSupportLevel } from 'chalk';

type Environment = Readonly<Record<string, string | undefined>>;
/** What one output stream can show. Level 0: not one escape byte; 1: 16 colours, 2: 256, 3: all. */
export type Ability = { colorLevel: ColorSupportLevel; ascii: boolean };
export type Output = {
  /** `--color` or `--no-color`, if given. */
  wanted: boolean | undefined;
  env: Environment;
  isTerminal: boolean;
  /** What `WriteStream.getColorDepth` makes of `withoutColorWishes(env)`. */
  depth: number;
};

/**
 * The policy for colours and signs. `C`, `POSIX` and a locale without an encoding say that they are not of UTF-8; no
 * locale at all says nothing: so it is in containers, over ssh and in services, where nearly every terminal is of UTF-8.
 */
export function abilityOf(output: Output): Ability {
  const { TERM, LC_ALL, LC_CTYPE, LANG } = output.env;
  const isUtf8 = /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || 'UTF-8');
  return { colorLevel: colorLevelOf(output), ascii: output.isTerminal && (TERM === 'dumb' || !isUtf8) };
}

/**
 * For so long after a resize the terminal may have been resized again without a word, in ms: tmux changes the window at
 * once, and tells it at most every 250 ms.
 */
export const resizeMsOf = ({ TMUX }: Environment): number => (TMUX ? 500 : 0);

/** What a terminal does with rows that are too long when it has become narrower. */
export type Rewrap = 'all' | 'all but the cursor line' | 'none';

/** Far from the terminal (ssh) not all can be told; most wrap all rows anew. */
export function rewrapOf({ TMUX, STY, XTERM_VERSION, TERM_PROGRAM, TERM = '' }: Environment): Rewrap {
  if (TMUX) return 'all';
  if (STY || XTERM_VERSION || /^(linux|screen|rxvt|st)\b/.test(TERM)) return 'none';
  return TERM_PROGRAM === 'vscode' ? 'all but the cursor line' : 'all';
}

/** What a terminal can do does not depend on wishes; Node would mix them in, and warn of contradictory ones. */
export function withoutColorWishes(env: Environment): Environment {
  const { FORCE_COLOR: _, NO_COLOR: __, NODE_DISABLE_COLORS: ___, ...rest } = env;
  return rest;
}

/** The option, then FORCE_COLOR, then NO_COLOR (no-color.org), then what the stream is. */
function colorLevelOf({ wanted, env, isTerminal, depth }: Output): ColorSupportLevel {
  const able = depth >= 24 ? 3 : depth >= 8 ? 2 : depth >= 4 ? 1 : 0;
  const forced = forcedLevel(env.FORCE_COLOR, able || 1);
  if (wanted === false) return 0;
  if (wanted) return forced || able || 1;
  return forced ?? (env.NO_COLOR || !isTerminal || env.TERM === 'dumb' ? 0 : able);
}

/** A number is that level, `false` none; `true`, nothing and every other word: `some`. */
function forcedLevel(value: string | undefined, some: ColorSupportLevel): ColorSupportLevel | undefined {
  if (value === undefined) return undefined;
  if (value === 'false') return 0;
  return /^\d+$/.test(value) ? (Math.min(3, Number(value)) as ColorSupportLevel) : some;
}
