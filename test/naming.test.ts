import { describe, expect, test } from 'vitest';
import { Naming } from '../src/core/member/naming.ts';

/** What is done, and what is returned by the last of it. */
type Step = ['want', string] | ['ask'] | ['take', string?] | ['refuse'] | ['settle'];
type State = { name: string; asked: string; isOpen: boolean; isRefused: boolean };

const done = (steps: Step[]) => {
  const naming = new Naming('ann');
  let returned: unknown;
  for (const [verb, name] of steps) {
    if (verb === 'want') returned = naming.want(name ?? '');
    else if (verb === 'take') returned = name === undefined ? naming.take() : naming.take(name);
    else returned = naming[verb]();
  }
  const { name, asked, isOpen, isRefused } = naming;
  return { returned, state: { name, asked, isOpen, isRefused } };
};
const settled = (name: string): State => ({ name, asked: name, isOpen: false, isRefused: false });
const online: Step[] = [['ask'], ['take']];

type Case = [title: string, steps: Step[], returned: unknown, state: State];
const cases: Record<string, Case[]> = {
  'at the start': [
    ['it goes by what it was started with', [], undefined, settled('ann')],
    ['asks for that', [['ask']], 'ann', settled('ann')],
    ['is taken', online, undefined, settled('ann')],
    ['is taken as something else', [['ask'], ['take', 'ANN']], 'ann', { ...settled('ANN'), asked: 'ann' }],
    ['and joins again under that', [['ask'], ['take', 'ANN'], ['ask']], 'ANN', settled('ANN')],
  ],
  'a wish': [
    ['is open, and changes nothing yet', [...online, ['want', 'bo']], undefined, { ...settled('ann'), isOpen: true }],
    ['is made a name', [...online, ['want', '  bo \u00a0 bo  ']], undefined, { ...settled('ann'), isOpen: true }],
    [
      'is asked for as a name',
      [...online, ['want', ' bo   bo '], ['ask']],
      'bo bo',
      { ...settled('ann'), asked: 'bo bo' },
    ],
    ['is asked for', [...online, ['want', 'bo'], ['ask']], 'bo', { ...settled('ann'), asked: 'bo' }],
    ['is asked for again', [...online, ['want', 'bo'], ['ask'], ['ask']], 'bo', { ...settled('ann'), asked: 'bo' }],
    ['is taken', [...online, ['want', 'bo'], ['ask'], ['take']], 'ann', settled('bo')],
    ['is taken as such', [...online, ['want', 'bo'], ['ask'], ['take', 'bo']], 'ann', settled('bo')],
    [
      'is taken as another',
      [...online, ['want', 'bo'], ['ask'], ['take', 'BO']],
      'ann',
      { ...settled('BO'), asked: 'bo' },
    ],
    [
      'is not taken after all',
      [...online, ['want', 'bo'], ['ask'], ['take', 'ann']],
      undefined,
      { ...settled('ann'), asked: 'bo' },
    ],
    ['is the name for the joins to come', [...online, ['want', 'bo'], ['ask'], ['take'], ['ask']], 'bo', settled('bo')],
    [
      'and joins again under what was made of it',
      [...online, ['want', 'bo'], ['ask'], ['take', 'BO'], ['ask']],
      'BO',
      settled('BO'),
    ],
    [
      'and under the old one if it was not',
      [...online, ['want', 'bo'], ['ask'], ['take', 'ann'], ['ask']],
      'ann',
      settled('ann'),
    ],
    ['is no wish if it is the name', [...online, ['want', ' ann ']], undefined, settled('ann')],
    ['is gone if the name itself is wished', [...online, ['want', 'bo'], ['want', 'ann']], undefined, settled('ann')],
    [
      'gives way to a newer one',
      [...online, ['want', 'bo'], ['want', 'cy'], ['ask']],
      'cy',
      { ...settled('ann'), asked: 'cy' },
    ],
    [
      'from before the first join is asked for at once',
      [['want', 'bo'], ['ask']],
      'bo',
      { ...settled('ann'), asked: 'bo' },
    ],
    ['is dropped', [...online, ['want', 'bo'], ['settle']], undefined, settled('ann')],
    ['that is dropped is not asked for', [...online, ['want', 'bo'], ['settle'], ['ask']], 'ann', settled('ann')],
  ],
  'a wish while one for the name of before is under way': [
    ['is open', [['ask'], ['want', 'bo']], undefined, { ...settled('ann'), isOpen: true }],
    [
      'stays so when that is taken',
      [['ask'], ['want', 'bo'], ['take']],
      undefined,
      { ...settled('ann'), isOpen: true },
    ],
    ['is asked for then', [['ask'], ['want', 'bo'], ['take'], ['ask']], 'bo', { ...settled('ann'), asked: 'bo' }],
    [
      'is another to ask for when that is refused',
      [['ask'], ['want', 'bo'], ['refuse']],
      true,
      { ...settled('ann'), isOpen: true, isRefused: true },
    ],
  ],
  'a newer wish while one is under way': [
    [
      'is open',
      [...online, ['want', 'bo'], ['ask'], ['want', 'cy']],
      undefined,
      { ...settled('ann'), asked: 'bo', isOpen: true },
    ],
    [
      'stays so when the older is taken',
      [...online, ['want', 'bo'], ['ask'], ['want', 'cy'], ['take']],
      'ann',
      { ...settled('bo'), isOpen: true },
    ],
    [
      'stays so when the older is refused',
      [...online, ['want', 'bo'], ['ask'], ['want', 'cy'], ['refuse']],
      true,
      { ...settled('ann'), asked: 'bo', isOpen: true },
    ],
    [
      'is asked for next',
      [...online, ['want', 'bo'], ['ask'], ['want', 'cy'], ['refuse'], ['ask']],
      'cy',
      { ...settled('ann'), asked: 'cy' },
    ],
    [
      'and taken',
      [...online, ['want', 'bo'], ['ask'], ['want', 'cy'], ['take'], ['ask'], ['take']],
      'bo',
      settled('cy'),
    ],
    [
      'for the same changes nothing',
      [...online, ['want', 'bo'], ['ask'], ['want', 'bo'], ['take']],
      'ann',
      settled('bo'),
    ],
    [
      'for the old name is one',
      [...online, ['want', 'bo'], ['ask'], ['want', 'ann']],
      undefined,
      { ...settled('ann'), asked: 'bo', isOpen: true },
    ],
    [
      'and is asked for',
      [...online, ['want', 'bo'], ['ask'], ['want', 'ann'], ['take'], ['ask'], ['take']],
      'bo',
      settled('ann'),
    ],
  ],
  'a refusal': [
    [
      'of a wish: there is the name of before',
      [...online, ['want', 'bo'], ['ask'], ['refuse']],
      true,
      { ...settled('ann'), asked: 'bo' },
    ],
    ['the wish is forgotten', [...online, ['want', 'bo'], ['ask'], ['refuse'], ['ask']], 'ann', settled('ann')],
    [
      'the same can be wished again',
      [...online, ['want', 'bo'], ['ask'], ['refuse'], ['ask'], ['take'], ['want', 'bo']],
      undefined,
      { ...settled('ann'), isOpen: true },
    ],
    ['of the first name: there is none', [['ask'], ['refuse']], false, { ...settled('ann'), isRefused: true }],
    [
      'of the name of before: there is none',
      [...online, ['ask'], ['refuse']],
      false,
      { ...settled('ann'), isRefused: true },
    ],
    [
      'of the first name, then a wish is asked for',
      [['ask'], ['refuse'], ['want', 'bo'], ['ask']],
      'bo',
      { ...settled('ann'), asked: 'bo', isRefused: true },
    ],
    ['and taken', [['ask'], ['refuse'], ['want', 'bo'], ['ask'], ['take']], 'ann', settled('bo')],
    [
      'and refused: still there is none',
      [['ask'], ['refuse'], ['want', 'bo'], ['ask'], ['refuse']],
      false,
      { ...settled('ann'), asked: 'bo', isRefused: true },
    ],
    [
      'and refused with a newer one',
      [['ask'], ['refuse'], ['want', 'bo'], ['ask'], ['want', 'cy'], ['refuse']],
      true,
      { ...settled('ann'), asked: 'bo', isOpen: true, isRefused: true },
    ],
    [
      'of a wish, then of the name of before',
      [...online, ['want', 'bo'], ['ask'], ['refuse'], ['ask'], ['refuse']],
      false,
      { ...settled('ann'), isRefused: true },
    ],
    ['is over when the name is taken after all', [['ask'], ['refuse'], ['ask'], ['take']], undefined, settled('ann')],
  ],
};

for (const [title, table] of Object.entries(cases))
  describe(title, () => {
    test.each(table)('%s', (_title, steps, returned, state) => expect(done(steps)).toEqual({ returned, state }));
  });

test('the name it is started with is made a name', () => expect(new Naming('  Ana   María ').name).toBe('Ana María'));
