import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Option, type Program, variableOf } from '../src/cli/args/flags.ts';
import { client, p2p, server, serverErase, serverExport, serverVerify } from '../src/cli/args/programs.ts';
import { exitCodeOf, exitCodes, signals } from '../src/errors.ts';

/** What the manual says in tables is what the programs do. */

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const manual = read('docs/manual.md');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => read(join('src', file)));
const programs: readonly Program[] = [p2p, server, client, serverExport, serverVerify, serverErase];

/** The cells of the rows of the first table under this heading, without its head. */
function table(heading: string): string[][] {
  const [, section = ''] = manual.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const rows = /(?:^\|.*\n)+/m.exec(section)?.[0].trimEnd().split('\n').slice(2) ?? [];
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const shared = new Set(['color', 'verbose', 'help', 'version']);
const rowOf = ([name, option]: [string, Option]): [spelled: string, fallback: string] => {
  const { alias, value, default: standard, defaultDescription } = option;
  const long = value ? [`--${name} ${value}`] : standard === false ? [`--${name}`] : [`--no-${name}`];
  if (!value && standard === undefined) long.unshift(`--${name}`);
  const spelled = [...(alias ? [`-${alias}`] : []), ...long].map((each) => `\`${each}\``).join(', ');
  // Whoever it is that runs this.
  const isLogin = name === 'name' && standard === client.options.name.default;
  return [spelled, isLogin ? 'your login name' : ((value && standard) || defaultDescription || '').toString()];
};
const rowsOf = ({ options }: Program, wanted: (name: string) => boolean) =>
  Object.entries<Option>(options)
    .filter(([name]) => wanted(name))
    .map(rowOf);

describe('options', () => {
  for (const program of programs) {
    const documented = table(program.command);
    test(`of ${program.command}`, () => {
      const own = rowsOf(program, (name) => !shared.has(name));
      expect(documented.map(([spelled, fallback]) => [spelled, fallback])).toEqual(own);
    });

    test(`of ${program.command}: what may be chosen`, () => {
      for (const { describe, choices = [] } of Object.values<Option>(program.options))
        for (const choice of choices) expect(JSON.stringify(documented), describe).toContain(`\`${choice}\``);
    });
  }

  test('of all programs', () => {
    const documented = table('All programs').map(([spelled, fallback]) => [spelled, fallback]);
    for (const program of programs) expect(documented).toEqual(rowsOf(program, (name) => shared.has(name)));
  });
});

describe('exit codes', () => {
  const documented = table('Exit codes');

  test('are those that there are, with the codes of errors', () => {
    const named = (exit: number) => Object.entries(exitCodes).filter(([, each]) => each === exit);
    const rows = [...new Set(Object.values(exitCodes))].map((exit) => [
      String(exit),
      named(exit)
        .map(([code]) => `\`${code}\``)
        .join(', '),
    ]);
    const bySignal = signals.map(exitCodeOf).join(', ');
    expect(documented.map(([exit, , codes]) => [exit, codes])).toEqual([['0', ''], ...rows, [bySignal, '']]);
  });

  test('of each program are named in its help', () => {
    const named = new Set(programs.flatMap(({ exits }) => Object.keys(exits)));
    expect([...named].toSorted()).toEqual(
      [...new Set(['0', '128+N', ...Object.values(exitCodes).map(String)])].toSorted(),
    );
  });
});

test('the variables of the environment', () => {
  const documented = [
    ...table('Environment')
      .map(([names]) => names)
      .join()
      .matchAll(/`(\w+)`/g),
  ].map(([, name]) => name);
  const own = programs.flatMap(({ options }) => Object.keys(options).flatMap((name) => variableOf(name) ?? []));
  const code = sources.join('\n');
  const plain = [...code.matchAll(/\benv\.([A-Z][A-Z_]+)/g)].map(([, name]) => name);
  const unpacked = [...code.matchAll(/\{ ([A-Z_]+\b[^{}]*) \}(?:: Environment| = [\w.]*env;)/g)];
  const inBraces = unpacked.flatMap(([, names = '']) => names.match(/\b[A-Z][A-Z_]+\b/g) ?? []);
  // Node's own name for NO_COLOR, and what libraries and Node read.
  const others = ['XDG_DATA_HOME', 'LOCALAPPDATA', 'TZ'];
  const read = new Set([...own, ...plain, ...inBraces, ...others]);
  read.delete('NODE_DISABLE_COLORS');
  expect(documented.toSorted()).toEqual([...read].toSorted());
});

test('every event of JSON', () => {
  const events = read('src/core/events.ts').matchAll(/\btype: '(\w+)'/g);
  const documented = table('JSON lines').flatMap(([types = '']) =>
    [...types.matchAll(/`(\w+)`/g)].map(([, type]) => type),
  );
  expect(documented.toSorted()).toEqual([...new Set([...events].map(([, type]) => type))].toSorted());
});

describe('README and manual', () => {
  test('a newcomer reads the README in a minute or two', () =>
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150));

  test.each(['README.md', 'docs/manual.md'])('the links of %s lead somewhere', (file) => {
    const links = [...read(file).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)|srcset="([^"]*)"|src="([^"]*)"/g)];
    expect(links.length).toBeGreaterThan(5);
    for (const [, path = '', anchor, ...pictures] of links) {
      const target = resolve(root, dirname(file), pictures.find(Boolean) ?? path);
      const text = readFileSync(path === '' && !pictures.some(Boolean) ? join(root, file) : target, 'utf8');
      if (anchor) expect(anchors(text)).toContain(anchor);
    }
  });
});

/** As GitHub makes them of headings. */
const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
