import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import type { Program } from '../src/cli/args/flags.ts';
import { helpText } from '../src/cli/args/help.ts';

const help: Program = {
  command: 'tool',
  purpose: 'does it all',
  example: 'tool --name "John Doe" --and-more to-copy',
  options: {
    name: { value: 'NAME', default: 'ana', describe: 'the name that everybody else will see' },
    when: { choices: ['now', 'later'], value: 'WHEN', default: 'now', describe: 'moment' },
    how: { choices: ['a', 'b'], value: 'HOW', default: 'a', describe: 'like a or like b' },
    text: { alias: 'm', value: 'VALUE', describe: 'what to say', defaultDescription: 'nothing' },
    log: { default: true, describe: 'keep nothing' },
    quiet: { default: false, describe: 'say less' },
    color: { describe: 'colours' },
  },
  exits: { 0: 'all well', 9: 'the moon is full' },
  subcommands: { print: { purpose: 'prints all that there is to be printed' } },
};

test('as a person reads it', () => {
  expect(helpText(help, 200)).toBe(`tool --name "John Doe" --and-more to-copy
Usage: tool [options]        does it all
       tool print [options]  prints all that there is to be printed
Options [default]:
      --name NAME   the name that everybody else will see [ana]
      --when WHEN   moment: now, later [now]
      --how HOW     like a or like b [a]
  -m, --text VALUE  what to say [nothing]
      --no-log      keep nothing
      --quiet       say less
      --[no-]color  colours
Exit codes: 0 all well, 9 the moon is full
In the environment: ZMQCHAT_NAME
`);
});

describe('a narrow terminal', () => {
  test.each([79, 60, 52, 50, 40, 30])('of %s columns', (columns) => {
    const [, ...lines] = helpText(help, columns).split('\n');
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
  });

  test('texts stand beside their option as long as there is room for them', () => {
    expect(helpText(help, 52)).toContain(
      `      --name NAME   the name that everybody else
                    will see [ana]
      --when`,
    );
    expect(helpText(help, 40)).toContain(
      `      --name NAME
        the name that everybody else
        will see [ana]
      --when`,
    );
  });

  test('what is there to be copied stays in one line', () => expect(helpText(help, 30)).toContain(`${help.example}\n`));
});

test('a default from the environment cannot reach the terminal', () => {
  const name = { value: 'NAME', default: 'a\u001b[31mb', describe: 'name' };
  expect(helpText({ ...help, options: { name } }, 80)).toContain('name [a␛[31mb]');
});
