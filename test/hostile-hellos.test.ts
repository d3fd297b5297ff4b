import { beforeEach, describe, expect, test } from 'vitest';
import { helloMs } from '../src/core/limits.ts';
import { decode } from '../src/protocol/codec.ts';
import type { Frame, Hello } from '../src/protocol/frames.ts';
import { HealingWorld } from './support/healing-world.ts';
import { logOf, read, words } from './support/near-words.ts';

/** A member that lies about what it has. */
const log = logOf(...[1, 2, 3].map((n) => words('Z', n)));
let world: HealingWorld;
beforeEach(() => {
  world = new HealingWorld('ABCD');
  world.log.apply({ entries: log });
  for (const dev of 'ABD') world.who(dev).store.apply(read(log));
});
/** Cy says only what the test says from now on. */
const startWithLiar = () => {
  world.startAll();
  world.who('C').member = undefined;
  world.who('A').effects = [];
};
const hello = (r: number, more: Partial<Hello> = {}): Frame => ({ kind: 'hello', r, waits: [], ...more });
const says = (r: number, more: Partial<Hello>) => {
  world.inject('C', 'A', hello(r, more));
  world.settle();
};
/** What Ann has given to Cy of the log and of what was said, since the last look. */
const given = (): string[] => {
  const { effects, dev } = world.who('A');
  const to = [...world.ends.values()].find(({ who, other }) => who.dev === dev && other.who.dev === 'C')?.id ?? '';
  return effects.splice(0).flatMap((effect) => {
    if (effect.type !== 'send' || !effect.to.includes(to)) return [];
    const frame = decode(Buffer.from(effect.data));
    if (frame.kind === 'said') return frame.text;
    return frame.kind === 'relayed' ? frame.rows.map((row) => (row.kind === 'message' ? row.text : '')) : [];
  });
};

const true2 = { log: 'log', cursor: 2, hash: log[1]?.hash ?? '' };
describe.each<[string, Partial<Hello>, string[]]>([
  ['has words that it lacks', { ...true2, waits: [{ dev: 'A', from: 1, to: 2 ** 50 }] }, ['Z3', 'two']],
  [
    'has words that nobody has said',
    { ...true2, waits: [...'ABCDZ'].map((dev) => ({ dev, from: 7, to: 2 ** 50 })) },
    ['Z3', 'one', 'two'],
  ],
  ['lacks what it has', { log: 'log' }, ['Z1', 'Z2', 'Z3', 'one', 'two']],
  ['has read more than there is', { ...true2, cursor: 2 ** 50 }, ['one', 'two']],
  ['has read what it has not', { ...true2, cursor: 3, hash: log[2]?.hash ?? '' }, ['one', 'two']],
  ['has come to another hash', { ...true2, hash: 'false' }, ['one', 'two']],
  ['has another log', { ...true2, log: 'false' }, ['one', 'two']],
  ['has no log', {}, ['one', 'two']],
  ['is in the room', { ...true2, live: true }, ['Z3', 'one', 'two']],
  ['has a newer list than there is', { ...true2, version: 2 ** 50 }, ['Z3', 'one', 'two']],
])('a peer that says that it %s', (_, lie, believed) => {
  test('hinders nobody else, and loses nothing of anybody', () => {
    startWithLiar();
    for (const dev of 'ABD') world.inject('C', dev, hello(2, lie));
    world.say('A', 'one');
    world.say('B', 'two');
    world.say('D', 'three');
    for (const dev of 'ABD') expect(world.who(dev).texts).toEqual(['~one', '~two', '~three']);
    world.heal('B', 'A', 'D');
    expect(world.log.read(4, 9).map(({ message }) => message?.text)).toEqual(['one', 'two', 'three']);
    for (const dev of 'ABD') expect(world.who(dev).store.headHash).toBe(world.log.headHash);
  });

  test('is given what it lacks by that, and all that it lacks when it says what is so', () => {
    startWithLiar();
    given();
    says(2, lie);
    world.say('A', 'one');
    world.say('B', 'two');
    expect(given()).toEqual(believed);
    says(3, true2);
    expect(given()).toEqual(['Z3', 'one', 'two']);
  });
});

describe('a peer that was said to have what it lacks', () => {
  const logged = ['Z1', 'Z2', 'Z3'];
  const all: Partial<Hello> = { waits: [...'ABD'].map((dev) => ({ dev, from: 1, to: 2 ** 50 })) };

  test('is given that by somebody else', () => {
    world.startAll();
    says(2, all);
    world.who('A').effects = [];
    world.say('A', 'one');
    expect([given(), world.who('C').texts]).toEqual([[], [...logged, '~one']]);
  });

  test('is given that when it says another hello, if nobody else is near', () => {
    for (const dev of 'BD') world.who(dev).isAway = true;
    for (const dev of 'AC') world.start(dev);
    world.pass(1_500);
    says(2, all);
    world.say('A', 'one');
    expect(world.who('C').texts).toEqual(logged);
    for (let ms = 0; ms < 2 * helloMs; ms += 1_000) world.pass(1_000);
    expect(world.who('C').texts).toEqual([...logged, '~one']);
  });
});

test('what a peer keeps to itself, and says that it has, comes from somebody else', () => {
  startWithLiar();
  for (const dev of 'BD') world.stop(dev);
  world.say('A', 'one');
  world.stop('A');
  world.start('B');
  world.pass(1_500);
  world.inject('C', 'B', hello(2, { waits: [{ dev: 'A', from: 1, to: 1 }] }));
  world.pass(500);
  expect(world.who('B').texts).toEqual([]);
  world.start('A');
  for (let i = 0; i < 4; i++) world.pass(500);
  expect(world.who('B').texts).toEqual(['~one']);
});
