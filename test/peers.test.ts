import { beforeEach, describe, expect, test } from 'vitest';
import type { Message } from '../src/protocol/frames.ts';
import { signedText } from '../src/protocol/signed.ts';
import { fakeCrypto, fakeSalt, signature } from './support/fake-crypto.ts';
import { NearWorld } from './support/near-world.ts';

let world: NearWorld;
beforeEach(() => {
  world = new NearWorld('ABC');
});
const typesOf = (dev: string, type: string) => world.who(dev).shown.filter((event) => event.type === type);

describe('without the server', () => {
  test('members find each other, and each has one link to each other one', () => {
    world.startAll();
    expect(world.who('A').member?.near).toEqual(['b', 'c']);
    expect(world.ends.size).toBe(6);
  });

  test('what is said is shown by all, once, and by its author when somebody has it', () => {
    world.startAll();
    world.say('A', 'one');
    world.say('B', 'two');
    for (const { texts } of world.people) expect(texts).toEqual(['~one', '~two']);
    for (const { waits } of world.people) expect(waits.sort()).toEqual(['one', 'two']);
    expect(world.who('A').member?.waiting).toEqual([]);
  });

  test('what was said before they met comes in its order', () => {
    for (const dev of 'AB') world.start(dev);
    world.say('A', 'one', 'two');
    expect(world.who('A').texts).toEqual([]);
    world.pass(1_500);
    world.pass(500);
    expect(world.who('B').texts).toEqual(['~one', '~two']);
    world.start('C');
    world.say('B', 'three');
    world.pass(1_500);
    expect(world.who('C').texts).toEqual(['~one', '~two', '~three']);
  });

  test('who comes again shows nothing twice, and goes on', () => {
    world.startAll();
    world.say('A', 'one');
    world.stop('B');
    world.start('B');
    world.pass(1_500);
    world.pass(6_000);
    world.say('A', 'two');
    expect(world.who('B').texts).toEqual(['~two']);
  });

  test('who does not want to see what has no place keeps it all the same', () => {
    world.start('A');
    world.start('B', { finalOnly: true });
    world.pass(1_500);
    world.say('A', 'one');
    expect(world.who('B').texts).toEqual([]);
    expect(world.who('B').waits).toEqual(['one']);
  });
});

describe('what is not right', () => {
  const said = (more: Partial<Message>, key = 'kZ', sign = true): Message => {
    const words: Message = {
      kind: 'message',
      name: 'z',
      text: 'x',
      id: { dev: 'Z', n: 1 },
      lc: 1,
      salt: fakeSalt,
      key,
    };
    const message = { ...words, ...more };
    return { ...message, sig: sign ? signature(key, signedText(fakeCrypto, 'server', message)) : 'no' };
  };

  test.each([
    ['a wrong signature', said({}, 'kZ', false)],
    ['a device of another key', said({ id: { dev: 'A', n: 9 } })],
    ['a text that is too long', said({ text: 'x'.repeat(5_000) })],
  ])('%s ends the link, and is not shown', (_, message) => {
    world.startAll();
    world.inject('C', 'B', { ...message, kind: 'said', k: 1, of: 1 });
    world.settle();
    expect(world.who('B').texts).toEqual([]);
    expect(world.who('B').member?.near).toEqual(['a']);
  });

  test('a gap in a stream is no message, and what is missing comes', () => {
    world.startAll();
    world.inject('C', 'B', { ...said({}), kind: 'said', k: 7, of: 1 });
    world.settle();
    world.say('C', 'one');
    expect(world.who('B').texts).toEqual(['~one']);
    expect(world.who('B').member?.near).toEqual(['a', 'c']);
  });

  test('whoever is not in the newest signed roster is linked with nobody', () => {
    world.enroll('AB', 2, [world.who('A')]);
    world.startAll();
    expect(world.who('B').member?.near).toEqual(['a']);
    expect(world.who('C').member?.near).toEqual([]);
    expect(typesOf('C', 'near').at(-1)).not.toEqual({ type: 'near', names: ['a'] });
  });

  test('a member that speaks for two keys fills the place of one alone', () => {
    world.startAll();
    const many = Array.from({ length: 1_010 }, (_, i) => ({ dev: `Z${i}`, n: 1 }));
    for (const [i, id] of many.entries())
      world.inject('C', 'B', { ...said({ id, text: `${i}` }), kind: 'said', k: i + 1, of: 1 });
    world.settle();
    expect(world.who('B').waits.length).toBe(1_000);
    world.say('A', 'heard');
    expect(world.who('B').texts).toContain('~heard');
    expect(typesOf('B', 'status').length).toBe(1);
  });
});
