import type { Options } from 'yargs';

/** One option: yargs' own description, and what help, completion and messages have to know. */
export type Option = Omit<Options, 'coerce'> & {
  /** Checks the text and turns it into its value; `name` is the option's. */
  // biome-ignore lint/suspicious/noExplicitAny: yargs infers the type of the value from it.
  coerce?: (raw: any, name?: string) => unknown;
  /** What stands for the value in the help: `NAME`. */
  value?: string;
  /** The value is a folder. */
  folder?: boolean;
  /** Each time counts; of all others the last one. */
  repeatable?: boolean;
};
/** The options of one command. */
export type OptionTable = Record<string, Option>;
/** What comes before the options: `usage` is what may follow it, `words` the values it takes. */
export type Subcommand = { usage: string; describe: string; options?: OptionTable; words?: readonly string[] };
export type Subcommands = Record<string, Subcommand>;
export type Program = { command: string; options: OptionTable; subcommands: Subcommands };

/** An option as it is typed: all its spellings mean the same. */
export type Flag = { long: string; short: string | undefined; option: Option };

export const isSwitch = ({ type }: Option): boolean => type === 'boolean';

/** What is worth offering: a switch that is on has only its `--no-`, one that is neither on nor off has both. */
export function flagsOf(table: OptionTable): Flag[] {
  return Object.entries(table).flatMap(([name, option]) => {
    const yes = { long: `--${name}`, short: shortOf(option), option };
    const no = { long: `--no-${name}`, short: undefined, option };
    if (!isSwitch(option) || option.default === false) return [yes];
    return option.default === true ? [no] : [yes, no];
  });
}

/** Every spelling that is understood. */
export function spellingsOf(table: OptionTable): Map<string, Option> {
  const spellings = Object.entries(table).flatMap(([name, option]): [string, Option][] => {
    const short = shortOf(option);
    return [
      [`--${name}`, option],
      ...(isSwitch(option) ? [[`--no-${name}`, option] as [string, Option]] : []),
      ...(short ? [[short, option] as [string, Option]] : []),
    ];
  });
  return new Map(spellings);
}

export const choicesOf = ({ choices = [] }: Option): string[] => choices.map(String);

const shortOf = ({ alias }: Option): string | undefined => (alias ? `-${alias}` : undefined);
