import { describe, expect, test } from 'vitest';
import { whyNone } from './ground.ts';
import { play } from './run.ts';
import { scenarios } from './scenarios.ts';

const cutMs = 4_000;
const short = ['3 \\| 2 and the server, silent', '3 \\| 2, the server killed', 'new addresses', 'stands still'];
const played = scenarios.filter(({ name }) => short.some((part) => name.includes(part)));
/** Where networks must be there, their lack is a fault. */
const isSkipped = whyNone !== undefined && process.env.PARTITION !== 'must';

/** What takes how long is measured by `npm run partition`: a machine that does something else is slow. */
describe
  .skipIf(isSkipped)
  .concurrent(`a real network that is cut${whyNone ? ` (${whyNone})` : ''}`, { timeout: 180_000 }, () => {
    test.for(played)(
      '$name: nothing is lost, shown twice, in two orders or left without its place',
      async (scenario) => {
        const { faults, folder } = await play(scenario, cutMs);
        expect(faults, folder).toEqual([]);
      },
    );
  });
