import { describe, expect, test } from 'vitest';
import { Naming } from '../src/core/member/naming.ts';

/** What is done, what the last of it returns, and what holds then; `asked for` is left out where it is the name. */
type Case = [title: string, steps: string, returned: unknown, state: string];

function done(steps: string): { returned: unknown; state: string } {
  const naming = new Naming('ann');
  let returned: unknown;
  for (const [verb, name] of steps.split(/, /).map((step) => step.split('='))) {
    if (verb === 'want') returned = naming.want(name ?? '');
    else if (verb === 'take') returned = name === undefined ? naming.take() : naming.take(name);
    else if (verb === 'ask' || verb === 'refuse' || verb === 'settle') returned = naming[verb]();
  }
  const { name, asked, isOpen, isRefused } = naming;
  const state = [name, asked !== name && `asked for ${asked}`, isOpen && 'open', isRefused && 'refused'];
  return { returned, state: state.filter(Boolean).join(', ') };
}

const cases: Record<string, Case[]> = {
  'at the start': [
    ['it goes by what it was started with', '', undefined, 'ann'],
    ['asks for that', 'ask', 'ann', 'ann'],
    ['is taken', 'ask, take', undefined, 'ann'],
    ['is taken as something else', 'ask, take=ANN', 'ann', 'ANN, asked for ann'],
    ['and joins again under that', 'ask, take=ANN, ask', 'ANN', 'ANN'],
  ],
  'a wish': [
    ['is open, and changes nothing yet', 'ask, take, want=bo', undefined, 'ann, open'],
    ['is made a name', 'ask, take, want=  bo \u00a0 bo  ', undefined, 'ann, open'],
    ['is asked for as a name', 'ask, take, want= bo   bo , ask', 'bo bo', 'ann, asked for bo bo'],
    ['is asked for', 'ask, take, want=bo, ask', 'bo', 'ann, asked for bo'],
    ['is asked for again', 'ask, take, want=bo, ask, ask', 'bo', 'ann, asked for bo'],
    ['is taken', 'ask, take, want=bo, ask, take', 'ann', 'bo'],
    ['is taken as such', 'ask, take, want=bo, ask, take=bo', 'ann', 'bo'],
    ['is taken as another', 'ask, take, want=bo, ask, take=BO', 'ann', 'BO, asked for bo'],
    ['is not taken after all', 'ask, take, want=bo, ask, take=ann', undefined, 'ann, asked for bo'],
    ['is the name for the joins to come', 'ask, take, want=bo, ask, take, ask', 'bo', 'bo'],
    ['and joins again under what was made of it', 'ask, take, want=bo, ask, take=BO, ask', 'BO', 'BO'],
    ['and under the old one if it was not', 'ask, take, want=bo, ask, take=ann, ask', 'ann', 'ann'],
    ['is no wish if it is the name', 'ask, take, want= ann ', undefined, 'ann'],
    ['is gone if the name itself is wished', 'ask, take, want=bo, want=ann', undefined, 'ann'],
    ['gives way to a newer one', 'ask, take, want=bo, want=cy, ask', 'cy', 'ann, asked for cy'],
    ['from before the first join is asked for at once', 'want=bo, ask', 'bo', 'ann, asked for bo'],
    ['is dropped', 'ask, take, want=bo, settle', undefined, 'ann'],
    ['that is dropped is not asked for', 'ask, take, want=bo, settle, ask', 'ann', 'ann'],
  ],
  'a wish while one for the name of before is under way': [
    ['is open', 'ask, want=bo', undefined, 'ann, open'],
    ['stays so when that is taken', 'ask, want=bo, take', undefined, 'ann, open'],
    ['is asked for then', 'ask, want=bo, take, ask', 'bo', 'ann, asked for bo'],
    ['is another to ask for when that is refused', 'ask, want=bo, refuse', true, 'ann, open, refused'],
  ],
  'a newer wish while one is under way': [
    ['is open', 'ask, take, want=bo, ask, want=cy', undefined, 'ann, asked for bo, open'],
    ['stays so when the older is taken', 'ask, take, want=bo, ask, want=cy, take', 'ann', 'bo, open'],
    ['stays so when the older is refused', 'ask, take, want=bo, ask, want=cy, refuse', true, 'ann, asked for bo, open'],
    ['is asked for next', 'ask, take, want=bo, ask, want=cy, refuse, ask', 'cy', 'ann, asked for cy'],
    ['and taken', 'ask, take, want=bo, ask, want=cy, take, ask, take', 'bo', 'cy'],
    ['for the same changes nothing', 'ask, take, want=bo, ask, want=bo, take', 'ann', 'bo'],
    ['for the old name is one', 'ask, take, want=bo, ask, want=ann', undefined, 'ann, asked for bo, open'],
    ['and is asked for', 'ask, take, want=bo, ask, want=ann, take, ask, take', 'bo', 'ann'],
  ],
  'a refusal': [
    ['of a wish: there is the name of before', 'ask, take, want=bo, ask, refuse', true, 'ann, asked for bo'],
    ['the wish is forgotten', 'ask, take, want=bo, ask, refuse, ask', 'ann', 'ann'],
    ['the same can be wished again', 'ask, take, want=bo, ask, refuse, ask, take, want=bo', undefined, 'ann, open'],
    ['of the first name: there is none', 'ask, refuse', false, 'ann, refused'],
    ['of the name of before: there is none', 'ask, take, ask, refuse', false, 'ann, refused'],
    ['of the first name, then a wish is asked for', 'ask, refuse, want=bo, ask', 'bo', 'ann, asked for bo, refused'],
    ['and taken', 'ask, refuse, want=bo, ask, take', 'ann', 'bo'],
    ['and refused: still there is none', 'ask, refuse, want=bo, ask, refuse', false, 'ann, asked for bo, refused'],
    [
      'and refused with a newer one',
      'ask, refuse, want=bo, ask, want=cy, refuse',
      true,
      'ann, asked for bo, open, refused',
    ],
    ['of a wish, then of the name of before', 'ask, take, want=bo, ask, refuse, ask, refuse', false, 'ann, refused'],
    ['is over when the name is taken after all', 'ask, refuse, ask, take', undefined, 'ann'],
  ],
};

for (const [title, table] of Object.entries(cases))
  describe(title, () => {
    test.each(table)('%s', (_title, steps, returned, state) => expect(done(steps)).toEqual({ returned, state }));
  });

test('the name it is started with is made a name', () => expect(new Naming('  Ana   María ').name).toBe('Ana María'));
