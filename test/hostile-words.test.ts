import { beforeEach, describe, expect, test } from 'vitest';
import type { Message } from '../src/protocol/frames.ts';
import { formatId } from '../src/protocol/signed.ts';
import { HealingWorld } from './support/healing-world.ts';
import { asSaid, logOf, read, words } from './support/near-words.ts';

/** Other words under an id that has words, or will have them. */
const log = logOf(words('Z', 1));
let world: HealingWorld;
beforeEach(() => {
  world = new HealingWorld('ABCD');
});
/** He says only what the test says from now on. */
const isMute = (dev: string) => {
  world.who(dev).member = undefined;
};
const gives = (from: string, to: string, ...messages: Message[]) => {
  for (const [i, message] of messages.entries()) world.inject(from, to, asSaid(message, i + 1));
  world.settle();
};
const other: Partial<Message> = { text: 'other', lc: 7 };
const forged = (dev: string, n: number) => words(dev, n, other, 'kC');

describe('other words that their author has not signed', () => {
  const start = () => {
    for (const dev of 'ABD') world.who(dev).store.apply(read(log));
    world.startAll();
    isMute('C');
    world.say('A', 'one');
    world.say('B', 'two');
  };
  const known = ['~one', '~two'];

  test.each<[string, Message]>([
    ['the reader’s own id', forged('B', 1)],
    ['an own id that the reader has not used', forged('B', 9)],
    ['the id of a third member', forged('A', 1)],
    ['an id before its true words have come', forged('A', 2)],
    ['the id of another key', words('A', 2, { ...other, key: 'kC' }, 'kC')],
  ])('under %s end the link, and change nothing', (_, message) => {
    start();
    gives('C', 'B', message);
    expect([world.who('B').texts, world.who('B').waits.sort()]).toEqual([known, ['one', 'two']]);
    expect(world.who('B').member?.near).toEqual(['a', 'd']);
    world.say('A', 'three');
    for (const dev of 'ABD') expect(world.who(dev).texts).toEqual([...known, '~three']);
  });

  test.each<[string, (said: Message) => Message]>([
    ['the text', (said) => ({ ...said, text: 'other' })],
    ['the name', (said) => ({ ...said, name: 'other' })],
    ['the counter', (said) => ({ ...said, lc: 9 })],
    ['the type', (said) => ({ ...said, type: 'action' })],
    ['the signature', (said) => ({ ...said, sig: 'no' })],
  ])('that are those which wait here, but for %s, end the link', (_, change) => {
    start();
    const [said] = world.who('A').store.pending();
    if (said) gives('C', 'B', change(said));
    expect([world.who('B').texts, world.who('B').member?.near]).toEqual([known, ['a', 'd']]);
  });

  test('under an id that is in the log are not looked at, and change nothing', () => {
    start();
    gives('C', 'B', forged('Z', 1), words('Z', 1, other));
    const { texts, waits, store, member } = world.who('B');
    expect([texts, waits.sort(), store.headHash]).toEqual([known, ['one', 'two'], log[0]?.hash]);
    expect(member?.near).toEqual(['a', 'c', 'd']);
  });
});

describe('a member that has signed two texts under one number', () => {
  const [one, two] = [words('A', 1, { text: 'one' }), words('A', 1, { text: 'two', lc: 3 })];
  /** It says one of them to Bo, the other one to Cy, and one line more to both. */
  const start = () => {
    world.startAll();
    isMute('A');
    for (const [to, said] of [
      ['B', one],
      ['C', two],
    ] as const)
      for (const [i, message] of [said, words('A', 2, { lc: 4 })].entries())
        world.inject('A', to, asSaid(message, i + 1));
    world.settle();
  };
  /** What stands in a log under each id. */
  const idsOf = (dev: string) =>
    world
      .who(dev)
      .store.read(1, 99)
      .flatMap(({ message: { id } = {} }) => (id ? formatId(id) : []));

  test('is read with the one that has come first, and no link ends', () => {
    start();
    for (const [dev, text] of [
      ['B', 'one'],
      ['C', 'two'],
    ] as const) {
      expect(world.who(dev).texts).toEqual([`~${text}`, '~A2']);
      expect(world.who(dev).waits.sort()).toEqual(['A2', text]);
    }
    expect(world.who('B').member?.near).toEqual(['a', 'c', 'd']);
    expect(world.who('D').texts).toHaveLength(2);
  });

  test('and says the other one to the same reader, too, is read with the first', () => {
    world.startAll();
    isMute('A');
    gives('A', 'B', two, one, words('A', 2, { lc: 4 }));
    for (const dev of 'BCD') expect(world.who(dev).texts).toEqual(['~two', '~A2']);
    expect(world.who('B').member?.near).toEqual(['a', 'c', 'd']);
  });

  test.each([[['B', 'C', 'D']], [['C', 'B', 'D']], [['D', 'C', 'B']], [['BCD']], [['CB', 'D']]])(
    'has one text after the heal, the same for all, whoever comes back first: %s',
    (order) => {
      start();
      for (const devices of order) world.heal(...devices);
      const texts = world.log.read(1, 99).map(({ message }) => message?.text);
      expect([texts, world.log.head]).toEqual([[expect.stringMatching(/^(one|two)$/), 'A2'], 2]);
      for (const dev of 'BCD') {
        const { store, waits, shown, texts: seen } = world.who(dev);
        expect([store.headHash, idsOf(dev), waits]).toEqual([world.log.headHash, ['A.1', 'A.2'], []]);
        const isOther = seen[0] !== `~${texts[0]}`;
        expect(seen).toEqual(
          isOther ? [expect.stringMatching(/^~(one|two)$/), '~A2', texts[0]] : [`~${texts[0]}`, '~A2'],
        );
        const withdrawn = shown.flatMap((event) => (event.type === 'withdrawn' ? [event.id, event.reason] : []));
        expect(withdrawn).toEqual(isOther ? ['A.1', 'replaced'] : []);
      }
    },
  );

  test('of which one is in the log has no line for the other one', () => {
    world.startAll();
    for (const dev of 'AC') isMute(dev);
    gives('A', 'B', one);
    world.heal('B', 'D');
    world.who('C').store.apply({ pending: [two] });
    world.start('C');
    world.heal('C');
    expect(world.log.read(1, 99).map(({ message }) => message?.text)).toEqual(['one']);
    for (const dev of 'BCD') expect([world.who(dev).store.headHash, idsOf(dev)]).toEqual([world.log.headHash, ['A.1']]);
    expect(world.who('C').waits).toEqual([]);
  });
});
