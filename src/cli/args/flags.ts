/** One option: what the parser, the help, the completion and the messages have to know. */
export type Option = {
  describe: string;
  /** One letter: `-m` for `--message`. */
  alias?: string;
  /** A switch: it takes no value. */
  type?: 'boolean';
  default?: string | boolean;
  /** What the help says in place of the default. */
  defaultDescription?: string;
  /** With `NAME` the variable `ZMQCHAT_NAME` is above the default and below the command line. */
  variable?: string;
  choices?: readonly string[];
  /** What stands for the value in the help: `NAME`. */
  value?: string;
  /** The value is a folder. */
  folder?: boolean;
  /** Each time counts; of all others the last one. */
  repeatable?: boolean;
  /** Checks the text, or all of a repeatable option, and turns it into its value; `name` is the option's. */
  coerce?(raw: string | string[], name: string): unknown;
};
/** The options of one command. */
export type OptionTable = Record<string, Option>;
/** What comes before the options: `usage` is what may follow it, `words` the values it takes. */
export type Subcommand = { usage: string; purpose: string; options?: OptionTable; words?: readonly string[] };
export type Subcommands = Record<string, Subcommand>;
export type Program<Table extends OptionTable = OptionTable> = {
  command: string;
  purpose: string;
  /** Command lines to copy. */
  example: string;
  options: Table;
  subcommands: Subcommands;
};

/** What a command line says: a value for each option, under its name in camel case. */
export type Values<Table extends OptionTable> = {
  [Name in keyof Table as CamelCase<Name & string>]:
    | ValueOf<Table[Name]>
    | (Table[Name] extends { default: string | boolean } ? never : undefined);
};
// biome-ignore lint/suspicious/noExplicitAny: what the function takes does not matter here.
type ValueOf<Of extends Option> = Of extends { coerce(...raw: any): infer Value } ? Value : boolean;
type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

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
  const spellings = Object.entries(table).flatMap(([name, option]) =>
    [`--${name}`, isSwitch(option) && `--no-${name}`, shortOf(option)].map((spelling) => [spelling, option] as const),
  );
  return new Map(spellings.filter((entry): entry is [string, Option] => Boolean(entry[0])));
}

const shortOf = ({ alias }: Option): string | undefined => (alias ? `-${alias}` : undefined);
