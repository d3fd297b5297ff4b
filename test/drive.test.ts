import { expect, test } from 'vitest';
import type { Change } from '../src/core/log/store.ts';
import type { Core, Effect, Input } from '../src/core/turn.ts';
import { ChatError } from '../src/errors.ts';
import { MemoryStore } from '../src/history/memory.ts';
import { Driver, type Untaken } from '../src/loop/drive.ts';

const now = () => ({ ms: 0, wallMs: 0 });
const taken: Untaken = { full: [], gone: [] };
const tick: Input = { type: 'tick' };

/** A driver whose core says these effects, one list for each turn, and what the core was given in each. */
function drive(turns: Effect[][], send: (to: readonly string[], data: string) => Untaken = () => taken) {
  const given: Input[][] = [];
  const core: Core = {
    turn: (inputs) => {
      given.push([...inputs]);
      return turns.shift() ?? [];
    },
  };
  const store = new MemoryStore('log');
  return { given, store, driver: new Driver({ core, links: { send }, store, show: () => {}, now }) };
}
const frame = (data: string, ...to: string[]): Effect => ({ type: 'send', to, data });

test('what came of the effects is the next turn, until nothing more comes', async () => {
  const change: Change = { ranMs: 5 };
  const { given, driver, store } = drive([[{ type: 'commit', change }]]);
  await driver.turn([tick]);
  expect([given, store.ranMs]).toEqual([[[tick], [{ type: 'committed', change }]], 5]);
});

test('what is behind a frame that was not taken is not sent, and counts as not taken', async () => {
  const sent: string[] = [];
  const effects = [frame('one', 'a', 'b'), frame('two', 'a', 'b')];
  const { given, driver } = drive([effects], (to, data) => {
    sent.push(`${data} to ${to}`);
    return data === 'one' ? { full: ['a'], gone: [] } : taken;
  });
  await driver.turn([tick]);
  expect(sent).toEqual(['one to a,b', 'two to b']);
  expect(given[1]).toEqual(effects.map((effect) => ({ type: 'full', from: 'a', sent: effect })));
});

test('what was put waits until it has its turn, together and first', async () => {
  const { given, driver } = drive([]);
  const typed = (text: string): Input => ({ type: 'typed', text });
  driver.put(typed('one'));
  driver.put(typed('two'));
  await new Promise((turned) => setImmediate(turned));
  expect(driver.waiting).toEqual([typed('one'), typed('two')]);
  await driver.turn([{ type: 'leave' }]);
  expect([given, driver.waiting]).toEqual([[[typed('one'), typed('two'), { type: 'leave' }]], []]);
});

test('a core that fails is obeyed in all else, and hears of it in its next turn', async () => {
  const change: Change = { ranMs: 5 };
  const error = new ChatError('NAME_REFUSED', 'no');
  const { given, driver } = drive([
    [
      { type: 'fail', error },
      { type: 'commit', change },
    ],
  ]);
  await expect(driver.turn([tick])).rejects.toBe(error);
  await driver.turn([]);
  expect(given[1]).toEqual([{ type: 'committed', change }]);
});

test('a change that cannot be kept ends the turn', async () => {
  const { driver, store } = drive([[{ type: 'commit', change: { ranMs: 5 } }, frame('after', 'a')]], () => {
    throw new Error('it was sent');
  });
  store.commit = () => Promise.reject(new Error('full'));
  await expect(driver.turn([tick])).rejects.toThrow('full');
  expect(driver.unkept).toEqual({ ranMs: 5 });
});
