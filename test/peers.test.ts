import { beforeEach, describe, expect, test, vi } from 'vitest';
import { crossedMs } from '../src/core/limits.ts';
import { decode } from '../src/protocol/codec.ts';
import type { Frame, Message } from '../src/protocol/frames.ts';
import { type LinkEnd, linkProof, signedText } from '../src/protocol/signed.ts';
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

  test('who has no room for something is given it later, though it has what was said behind it', () => {
    for (const dev of 'AB') world.start(dev);
    world.pass(1_500);
    world.say('A', 'one', 'two', 'three');
    for (const dev of 'AB') world.stop(dev);
    const kept = world.who('B').store.pending();
    world.who('C').store.apply({ pending: kept.filter(({ text }) => text !== 'two') });
    for (const dev of 'BC') world.start(dev);
    world.pass(1_500);
    world.pass(500);
    expect(world.who('C').waits.sort()).toEqual(['one', 'three', 'two']);
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

  test('who has lost its links, and comes anew, is linked with at once, though the others have noticed nothing', () => {
    world.startAll();
    world.pass(crossedMs);
    world.lose('C');
    expect([world.who('A').member?.near, world.who('C').member?.near]).toEqual([['b', 'c'], []]);
    world.pass(500);
    world.say('C', 'one');
    for (const dev of 'AB') expect(world.who(dev).texts).toEqual(['~one']);
    expect(world.ends.size).toBe(6);
  });

  test('who is elsewhere does not wait to dial those who could not be reached from there', () => {
    for (const dev of 'AB') world.start(dev);
    world.who('A').isAway = true;
    world.pass(1_500);
    world.pass(500);
    world.who('A').isAway = false;
    world.dialed.length = 0;
    world.pass(500);
    expect(world.dialed).toEqual([]);
    world.input(world.who('A'), { type: 'reachable', hosts: ['10.1.0.1:7000'] });
    world.pass(500);
    expect(world.dialed).toContain('AB');
  });

  test('the list of all addresses is read when it has changed, however long nobody is found', () => {
    for (const dev of 'BC') world.who(dev).isAway = true;
    const { store } = world.who('A');
    const read = vi.spyOn(store, 'addresses');
    world.start('A');
    for (let i = 0; i < 100; i++) world.pass(250);
    expect(world.dialed.length).toBeGreaterThan(4);
    expect(read).toHaveBeenCalledTimes(1);
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

test('what a full link does not take comes all the same, in its order, and without another hello', () => {
  for (const dev of 'AB') world.start(dev);
  const texts = Array.from({ length: 300 }, (_, i) => `${i}`);
  world.say('A', ...texts);
  world.mostFrames = 5;
  world.pass(1_500);
  for (let i = 0; i < 100; i++) world.pass(5);
  expect(world.who('B').texts).toEqual(texts.map((text) => `~${text}`));
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

  /** Cy dials Bo, and says this where its greeting would be. */
  const greets = (...frames: Frame[]) => {
    world.enroll('ABC', 1);
    world.start('B');
    const [bo] = [world.who('B')];
    for (const frame of frames) world.input(bo, { type: 'frame', from: '~x', frame });
    const said = bo.effects.flatMap((one) =>
      one.type === 'send' && one.to[0] === '~x' ? decode(Buffer.from(one.data)) : [],
    );
    const isEnded = bo.effects.some((one) => one.type === 'hangUp' && one.to === '~x');
    return { said, isEnded, near: bo.member?.near };
  };
  const end = (more: object = {}) => ({ nonce: 'nonceC', key: 'kC', dev: 'C', ...more });
  const greet = (more: object = {}): Frame => ({ kind: 'greet', ...end(more) }) as Frame;
  /** As its owner would sign it, for this nonce of the other end. */
  const proven = (theirs: object, more: object = {}, by = 'kC', room = 'server'): Frame =>
    greet({ ...more, proof: signature(by, linkProof(room, end(more), theirs as LinkEnd)) });
  const bo = { nonce: 'nonce1', key: 'kB', dev: 'B' };

  test('who proves its key is near, and hears who this is', () => {
    const { said, isEnded, near } = greets(greet(), proven(bo));
    expect(said[0]).toMatchObject({ kind: 'greet', ...bo, proof: signature('kB', linkProof('server', bo, end())) });
    expect([isEnded, near]).toEqual([false, ['c']]);
  });

  test.each<[string, Frame[]]>([
    ['nothing of its key', [greet(), { kind: 'got', k: 1, of: 1 }]],
    ['a proof by another key', [greet(), proven(bo, {}, 'kA')]],
    ['a proof for another end', [greet(), proven({ ...bo, nonce: 'nonce9' })]],
    ['a proof for another room', [greet(), proven(bo, {}, 'kC', 'elsewhere')]],
    ['a proof that it was told', [greet(), greet({ proof: signature('kB', linkProof('server', bo, end())) })]],
    ['another end than before', [greet(), proven(bo, { nonce: 'nonceD' })]],
    ['a key that is no member’s', [greet({ key: 'kZ', dev: 'Z' })]],
    ['a device of another key', [greet({ dev: 'A' })]],
    ['something before its name', [{ kind: 'hello', r: 1, waits: [] }]],
  ])('who proves %s is hung up on', (_, frames) => {
    const { isEnded, near } = greets(...frames);
    expect([isEnded, near]).toEqual([true, []]);
  });

  test('who is not in the list is told that only the server can help, once, and only while that is away', () => {
    world.enroll('BC', 1);
    const { member } = world.start('A');
    const heard = { type: 'heard', host: '10.0.0.9:1' } as const;
    world.input(world.who('A'), heard);
    expect(typesOf('A', 'status')).toEqual([]);
    world.pass(1_500);
    for (let i = 0; i < 3; i++) world.input(world.who('A'), heard);
    expect(typesOf('A', 'status')).toMatchObject([{ code: 'ONLY_SERVER' }]);
    expect(member?.near).toEqual([]);
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
