export type Option = {
  describe: string;
  /** What stands for the value in the help: `NAME`. An option without it is a switch. */
  value?: string;
  /** One letter. */
  alias?: string;
  default?: string | boolean;
  /** Where the default stands, if it was chosen: `ZMQCHAT_PORT`. */
  source?: string;
  /** What the help says in place of the default. */
  defaultDescription?: string;
  choices?: readonly string[];
  /** The help leaves it out: who needs it is told. */
  isHidden?: true;
  /** The word that belongs to no option is its value: `--seq` need not be written. */
  isBare?: boolean;
  /** Each time counts; of all others the last one. */
  repeatable?: boolean;
  /** Turns the text into the value; throws a ChatError USAGE, which names where the text stands: `--port`. */
  coerce?(raw: string, source: string): unknown;
};
/** These are read from the environment, too: above the default and below the command line. */
const inEnvironment = ['name', 'port', 'ip', 'data-dir'];
export const variables = inEnvironment.map((option) => `ZMQCHAT_${option.replace('-', '_').toUpperCase()}`);

/** `ZMQCHAT_DATA_DIR` for `data-dir`, undefined for an option that has none. */
export const variableOf = (option: string): string | undefined => variables[inEnvironment.indexOf(option)];

/** Looks like one of these, and is none: whoever wrote it wants something, which must not be passed over in silence. */
export const strayVariableIn = (env: NodeJS.ProcessEnv): string | undefined =>
  Object.keys(env).find((name) => name.startsWith('ZMQCHAT_') && !variables.includes(name));

export type OptionTable = Record<string, Option>;
/** What comes before the options: it has options of its own, or takes one of these words. */
export type Subcommand = { purpose: string; options?: OptionTable; words?: readonly string[] };
export type Program<Table extends OptionTable = OptionTable> = {
  command: string;
  purpose: string;
  /** Command lines to copy. */
  example: string;
  options: Table;
  /** What it may end with, in a few words. */
  exits: Readonly<Record<string, string>>;
  subcommands: Record<string, Subcommand>;
};

/** What a command line says: a value for each option. */
export type Values<Table extends OptionTable> = {
  [Name in keyof Table]: ValueOf<Table[Name]> | (Table[Name] extends HasValue ? never : undefined);
};
type ValueOf<Of extends Option> = Of extends { repeatable: true } ? string[] : CoercedOf<Of>;
type CoercedOf<Of extends Option> = Of extends { coerce(raw: string, source: string): infer Value } ? Value : boolean;
type HasValue = { default: string | boolean } | { repeatable: true };

export type Flag = [spelling: string, option: Option];

/** Every spelling that is understood. */
export const flagsOf = (table: OptionTable): Flag[] =>
  Object.entries(table).flatMap(([name, option]) => {
    const spellings = [option.alias && `-${option.alias}`, `--${name}`, !option.value && `--no-${name}`];
    return spellings.filter((spelling) => typeof spelling === 'string').map((spelling): Flag => [spelling, option]);
  });

/** What is worth offering: a switch that is on has only its `--no-`, one that is neither on nor off has both. */
export const offeredOf = (table: OptionTable): Flag[] =>
  flagsOf(table).filter(([spelling, option]) => option.default !== !spelling.startsWith('--no-'));
