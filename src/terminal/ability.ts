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

/** The policy for colours and signs, all of it; for stdout and stderr separately. */
export const abilityOf = (output: Output): Ability => ({
  colorLevel: colorLevelOf(output),
  ascii: output.isTerminal && (output.env.TERM === 'dumb' || !isUtf8(output.env)),
});

/** What a terminal does with rows that are too long when it has become narrower. */
export type Rewrap = 'all' | 'all but the cursor line' | 'none';

/**
 * Most terminals wrap everything anew; xterm, screen, rxvt, st and the Linux console wrap nothing, that of VS Code all
 * but the line of the cursor. Far from the terminal (ssh) not all of them can be told.
 */
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

/** A number is that level, `0` and `false` none; `true`, nothing and every other word: `some`. */
function forcedLevel(value: string | undefined, some: ColorSupportLevel): ColorSupportLevel | undefined {
  if (value === undefined) return undefined;
  if (value === 'false') return 0;
  return /^\d+$/.test(value) ? (Math.min(3, Number(value)) as ColorSupportLevel) : some;
}

/**
 * `C`, `POSIX` and a locale without an encoding say that they are not of UTF-8. Nothing said counts as UTF-8: so it is
 * in containers, over ssh and in services, while the terminal in front of the person is nearly always one of UTF-8.
 */
function isUtf8({ LC_ALL, LC_CTYPE, LANG }: Environment): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG;
  return !locale || /utf-?8/i.test(locale);
}
