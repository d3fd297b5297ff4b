import { describe, expect, test } from 'vitest';
import type { Change } from '../src/core/log/store.ts';
import type { Core, Effect, Full, Input } from '../src/core/turn.ts';
import { ChatError } from '../src/errors.ts';
import { MemoryStore } from '../src/history/memory.ts';
import { Driver } from '../src/loop/drive.ts';

const tick: Input = { type: 'tick' };

/** A driver whose core says these effects, one list for each turn, and what the core was given in each. */
function drive(turns: Effect[][], send: (to: readonly string[], ...frames: string[]) => Full[] = () => []) {
  const given: Input[][] = [];
  const core: Core = {
    turn: (inputs) => {
      given.push([...inputs]);
      return turns.shift() ?? [];
    },
  };
  const store = new MemoryStore('log');
  const failed = (error: ChatError) => failures.push(error);
  const failures: ChatError[] = [];
  const driver = new Driver({ core, links: { send }, store, show: () => {}, failed });
  return { given, store, driver, failures };
}
const frame = (data: string, ...to: string[]): Effect => ({ type: 'send', to, data });

test('what came of the effects is the next turn, until nothing more comes', async () => {
  const change: Change = { ranMs: 5 };
  const { given, driver, store } = drive([[{ type: 'commit', change }]]);
  await driver.turn(tick);
  expect([given, store.ranMs]).toEqual([[[tick], [{ type: 'committed', change }]], 5]);
});

test('what is behind a frame that was not taken is not sent, and counts as not taken', async () => {
  const sent: string[] = [];
  const effects = [frame('one', 'a', 'b'), frame('two', 'a', 'b')];
  const { given, driver } = drive([effects], (to, data) => {
    sent.push(`${data} to ${to}`);
    return data === 'one' ? [{ id: 'a', taken: 0 }] : [];
  });
  await driver.turn(tick);
  expect(sent).toEqual(['one to a,b', 'two to b']);
  expect(given[1]).toEqual(effects.map((effect) => ({ type: 'full', from: 'a', sent: effect })));
});

test('frames in a row to one list of readers are given out together; who does not take one is given none behind it', async () => {
  const sent: string[] = [];
  const to = ['a', 'b', 'c'];
  const row = ['one', 'two', 'three'].map((data): Effect => ({ type: 'send', to, data }));
  const full = (id: string, sent?: Effect) => ({ type: 'full', from: id, sent });
  const four = frame('four', 'a', 'c');
  const { given, driver } = drive([[...row, four]], (to, ...frames) => {
    sent.push(`${frames} to ${to}`);
    return to.includes('b')
      ? [
          { id: 'b', taken: 2 },
          { id: 'c', taken: 0 },
        ]
      : [];
  });
  await driver.turn(tick);
  expect(sent).toEqual(['one,two,three to a,b,c', 'four to a']);
  expect(given[1]).toEqual([full('b', row[2]), ...row.map((effect) => full('c', effect)), full('c', four)]);
});

test('what was put waits until it has its turn, together and first', async () => {
  const { given, driver } = drive([]);
  const typed = (text: string): Input => ({ type: 'typed', text });
  driver.put(typed('one'));
  driver.put(typed('two'));
  await new Promise((turned) => setImmediate(turned));
  expect(driver.waiting).toEqual([typed('one'), typed('two')]);
  await driver.turn({ type: 'leave' });
  expect([given, driver.waiting]).toEqual([[[typed('one'), typed('two'), { type: 'leave' }]], []]);
});

test('a core that fails is obeyed in all else, and hears of it', async () => {
  const change: Change = { ranMs: 5 };
  const error = new ChatError('NAME_REFUSED', 'no');
  const { given, driver, failures } = drive([
    [
      { type: 'fail', error },
      { type: 'commit', change },
    ],
  ]);
  await driver.turn(tick);
  expect([failures, given[1]]).toEqual([[error], [{ type: 'committed', change }]]);
});

test('a change that cannot be kept ends the turn', async () => {
  const { driver, store } = drive([[{ type: 'commit', change: { ranMs: 5 } }, frame('after', 'a')]], () => {
    throw new Error('it was sent');
  });
  store.commit = () => Promise.reject(new Error('full'));
  await expect(driver.turn(tick)).rejects.toThrow('full');
  expect(driver.unkept).toEqual({ ranMs: 5 });
});

describe('turns', () => {
  const said = (text: string): Input => ({ type: 'typed', text });
  /** Lets everything run that is ready to run. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  test('come when something was put, with all that was put until then', async () => {
    const { given, driver } = drive([]);
    const turns = driver.turns(60_000);
    const first = turns.next();
    await settle();
    expect(given).toEqual([]);
    driver.put(said('one'));
    driver.put();
    driver.put(said('two'));
    expect([await first, given]).toEqual([{ done: false, value: undefined }, [[said('one'), said('two')]]]);
  });

  test('come for each thing of a source, which is asked again when it was taken', async () => {
    const { given, driver } = drive([]);
    async function* source() {
      for (const text of ['1', '2', '3']) yield said(text);
    }
    void driver.pump(
      source(),
      (input) => driver.turned(input),
      () => driver.put(said('end')),
    );
    for await (const _ of driver.turns(60_000)) if (given.length === 4) break;
    expect(given).toEqual([[said('1')], [said('2')], [said('3')], [said('end')]]);
  });

  test('go on while a source stands still, and nothing of it is lost', async () => {
    const { given, driver } = drive([]);
    let goOn = () => {};
    async function* source() {
      yield 'one';
      yield 'two';
    }
    void driver.pump(source(), (text) => {
      driver.put(said(text));
      return new Promise<void>((resolve) => (goOn = resolve));
    });
    const turns = driver.turns(60_000);
    await turns.next();
    driver.put(tick);
    await turns.next();
    goOn();
    await turns.next();
    expect(given).toEqual([[said('one')], [tick], [said('two')]]);
  });

  test.each(['source', 'taker'])('end with the error of a %s', async (who) => {
    const { driver } = drive([]);
    const fail = () => {
      throw new Error(`${who} failed`);
    };
    async function* source() {
      yield 1;
      fail();
    }
    void driver.pump(source(), who === 'taker' ? fail : () => {});
    const turns = async () => {
      for await (const _ of driver.turns(60_000));
    };
    await expect(turns()).rejects.toThrow(`${who} failed`);
  });
});

test('links between members have a port of their own: frames and wishes find it by the name of the link', async () => {
  const near: string[] = [];
  const far: string[] = [];
  const effects: Effect[] = [
    { type: 'dial', to: '~d1', key: 'key', hosts: ['192.0.2.1:1'] },
    frame('one', 'link', '~d1', '~\0ab'),
    frame('two', '~d1'),
    frame('three', '~\0ab'),
    { type: 'hangUp', to: '~d1' },
    { type: 'hangUp', to: 'link' },
    { type: 'admitPeers', keys: new Set() },
    { type: 'seek', isOn: true },
  ];
  const turns = [effects];
  const given: Input[][] = [];
  const driver = new Driver({
    core: {
      turn: (inputs) => {
        given.push([...inputs]);
        return turns.shift() ?? [];
      },
    },
    links: {
      send: (to, data) => {
        far.push(`${data} to ${to}`);
        return [];
      },
      redial: () => far.push('redial'),
    },
    peers: {
      send: (to, data) => {
        near.push(`${data} to ${to}`);
        return to.filter((id) => id === '~\0ab').map((id) => ({ id, taken: 0 }));
      },
      take: ({ type }) => near.push(type),
    },
    show: () => {},
  });
  await driver.turn(tick);
  expect(far).toEqual(['one to link', 'redial']);
  expect(near).toEqual(['dial', 'one to ~d1,~\0ab', 'two to ~d1', 'hangUp', 'admitPeers', 'seek']);
  // The queue of the one was full: it is given nothing more, and nobody else is given that.
  expect(given[1]).toMatchObject([{ from: '~\0ab' }, { from: '~\0ab', sent: { data: 'three' } }]);
});
