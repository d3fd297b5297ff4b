import { beforeEach, describe, expect, test } from 'vitest';
import { graceMs, maxInGrace, noticePause, noticeRate, sessionTimeoutMs } from '../src/core/limits.ts';
import { bye, entry, gone, hello, words } from './support/people.ts';
import { RoomWorld } from './support/room-world.ts';

let world: RoomWorld;
beforeEach(() => {
  world = new RoomWorld();
});

describe('a version-1 client goes', () => {
  test('with a goodbye: told at once, and answered once, as the last it is sent', () => {
    world.joins('ann', 'bo');
    world.say('a', bye('ann'));
    const left = { notice: 'leave', who: 'ann', online: 1, reason: 'left' };
    expect(world.take('b')).toEqual([{ ...words('server', 'ann left the room. 1 online.'), ...left }]);
    expect(world.events.at(-1)).toEqual({ type: 'leave', server: 'server', name: 'ann', online: 1, reason: 'left' });
    world.say('b', entry('bo', 1));
    world.say('a', bye('ann'));
    expect(world.take('a')).toEqual([{ auth: 0, name: 'server' }]);
  });

  test('with a goodbye behind its last words: answered when they are on disk', () => {
    world.joins('ann', 'bo');
    world.slowDisk = true;
    world.say('a', entry('ann', 1), bye('ann'));
    expect(world.take('a')).toEqual([]);
    world.commit();
    expect(world.take('a')).toEqual([{ auth: 0, name: 'server' }]);
    expect(world.take('b')).toMatchObject([{ id: 'A.1' }, { notice: 'leave' }]);
  });

  test('with others at the same moment: each is told with the count after it', () => {
    world.joins('ann', 'bo', 'lea');
    world.say('a', gone);
    world.say('b', gone);
    world.tick(graceMs);
    expect(world.take('l')).toEqual([
      words('server', 'ann left the room. 2 online.'),
      words('server', 'bo left the room. 1 online.'),
    ]);
  });

  test.each([
    ['because its connection ends', () => world.say('a', gone)],
    ['without a word', () => (world.nowMs += sessionTimeoutMs + 1)],
  ])('%s: counted for a grace, then lost', (_name, go) => {
    world.joins('ann', 'bo');
    go();
    world.say('b', { ack: 0 });
    world.tick();
    world.tick(graceMs - 1);
    expect([world.room.presence.online, world.takeNotices('b')]).toEqual([2, []]);
    world.say('b', { ack: 0 });
    world.tick(1);
    const lost = { notice: 'leave', who: 'ann', reason: 'lost', online: 1 };
    expect(world.takeNotices('b')).toEqual([{ ...words('server', 'ann lost the connection. 1 online.'), ...lost }]);
  });

  test('and comes back within the grace: nobody is told', () => {
    world.joins('ann', 'bo');
    world.say('a', gone);
    world.tick(graceMs - 1);
    world.say('x', hello('ann'));
    world.say('b', { ack: 0 });
    world.tick(1);
    expect(world.takeNotices('b')).toEqual([]);
    expect(world.take('x')).toMatchObject([{ welcome: 1, online: 2 }]);
  });

  test.each([
    ['an ack', { ack: 0 }],
    ['a message', entry('ann', 1)],
    ['a join', hello('ann')],
    ['a frame of a later version', { zzz: 1 }],
  ])('not as long as there is %s now and then', (_what, sign) => {
    world.joins('ann');
    for (let i = 0; i < 3; i++) {
      world.tick(sessionTimeoutMs);
      world.say('a', sign);
    }
    world.tick(sessionTimeoutMs);
    world.say('a', { ...entry('ann', 9), first: 1 });
    expect(world.take('a').at(-1)).toMatchObject({ id: 'A.9' });
  });
});

describe('a member takes another name', () => {
  const renamed = (was: string, who: string, online: number) => ({
    ...words('server', `${was} is now called ${who}. ${online} online.`),
    ...{ notice: 'rename', who, was, online },
  });
  beforeEach(() => world.joins('ann', 'bo'));

  test('and the room is told once, in words and in keys', () => {
    world.say('a', hello('anna'));
    expect(world.take('b')).toEqual([renamed('ann', 'anna', 2)]);
    expect(world.take('a')).toMatchObject([{ welcome: 1, who: 'anna', online: 2, members: ['anna', 'bo'] }]);
    const told = { type: 'rename', server: 'server', from: 'ann', name: 'anna', online: 2 };
    expect(world.events.at(-1)).toEqual(told);
    world.say('a', hello('ann'));
    expect(world.takeNotices('b')).toEqual([renamed('anna', 'ann', 2)]);
  });

  test('and both names are its own: what it wrote under the first is no void', () => {
    world.say('a', hello('anna'));
    world.forget();
    world.say('a', entry('ann', 1), entry('anna', 2));
    expect(world.take('b')).toEqual([world.placed(entry('ann', 1), 1), world.placed(entry('anna', 2), 2)]);
    world.say('x', hello('eve', { name: 'ann' }), hello('eve', { name: 'anna' }));
    expect(world.take('x')).toMatchObject([{ refused: 'NAME_REFUSED' }, { refused: 'NAME_REFUSED' }]);
  });

  test('that is refused: it is there under the old one, and nobody is told', () => {
    world.say('a', hello('ann', { name: 'bo' }));
    expect(world.take('a')).toMatchObject([{ refused: 'NAME_REFUSED', text: '"bo" belongs to somebody else.\n' }]);
    world.say('a', entry('ann', 1));
    expect(world.take('b')).toEqual([world.placed(entry('ann', 1), 1)]);
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ seq: 1 }, { welcome: 1, who: 'ann' }]);
    expect(world.take('b')).toEqual([]);
  });

  test.each([
    ['after its connection was lost', () => world.say('a', gone)],
    ['on a new connection while the old one lingers', () => {}],
  ])('%s: that is a rename', (_name, go) => {
    go();
    world.say('x', hello('anna'));
    expect(world.takeNotices('b')).toEqual([renamed('ann', 'anna', 2)]);
    world.tick(graceMs);
    expect([world.takeNotices('b'), world.room.presence.online]).toEqual([[], 2]);
  });

  test('after it has left: that is a join', () => {
    world.say('a', bye('ann'));
    world.say('x', hello('anna'));
    expect(world.takeNotices('b')).toMatchObject([{ notice: 'leave' }, { notice: 'join', who: 'anna' }]);
  });

  test('at one of two terminals: the last name chosen counts, and whoever only joins again chooses none', () => {
    world.say('x', hello('ann', { dev: 'A2' }));
    world.say('a', hello('anna'));
    expect(world.takeNotices('b')).toEqual([renamed('ann', 'anna', 2)]);
    world.forget();
    world.say('x', hello('ann', { dev: 'A2' }));
    world.say('a', hello('anna'));
    world.say('m', hello('ann', { dev: 'A2' }));
    expect(world.takeNotices('b')).toEqual([]);
    expect(world.take('x')).toMatchObject([{ who: 'ann', members: ['anna', 'bo'] }]);
    world.say('a', bye('anna'));
    world.say('m', bye('ann'));
    expect(world.takeNotices('b')).toMatchObject([{ notice: 'leave', who: 'anna', online: 1 }]);
  });

  test('with a new key on the same connection: that is somebody else', () => {
    world.say('a', hello('eve'));
    expect(world.takeNotices('b')).toMatchObject([
      { notice: 'leave', who: 'ann' },
      { notice: 'join', who: 'eve' },
    ]);
  });

  test('that somebody else went by on its connection before: that is its own choice, and told', () => {
    // Eve is in already, under another name; on this connection ann was called what she now wants to be.
    world = new RoomWorld({ ageMs: 1_000 });
    world.joins('bo');
    world.say('y', hello('eve', { dev: 'E2' }));
    world.say('a', hello('ann', { name: 'nan' }));
    world.nowMs += 1_001;
    world.forget();
    world.say('a', hello('eve', { name: 'nan' }));
    expect(world.takeNotices('b')).toMatchObject([
      { notice: 'leave', who: 'nan' },
      { notice: 'rename', was: 'eve', who: 'nan' },
    ]);
  });
});

describe('one person at two terminals', () => {
  const entryOfSecond = (n: number) => entry('ann', n, `second ${n}`, { id: { dev: 'A2', n } });
  beforeEach(() => {
    world.joins('ann', 'bo');
    world.say('x', hello('ann', { dev: 'A2' }));
  });

  test('is one member, announced once, and gets everything at both, its own messages too', () => {
    expect(world.take('x')).toMatchObject([{ welcome: 1, online: 2, members: ['ann', 'bo'] }]);
    expect([world.take('b'), world.room.presence.online]).toEqual([[], 2]);
    world.talk(1);
    world.say('x', entryOfSecond(1));
    world.say('b', entry('bo', 1));
    for (const to of ['a', 'x', 'b']) expect(world.takeSeqs(to)).toEqual([1, 2, 3]);
  });

  test.each([
    ['leaves', bye('ann'), 'left the room'],
    ['is gone', gone, 'lost the connection'],
  ])('is there until the last one %s', (_name, end, text) => {
    world.say('a', end);
    world.tick(graceMs);
    expect([world.room.presence.online, world.takeNotices('b')]).toEqual([2, []]);
    world.say('b', { ack: 0 });
    world.say('x', end);
    world.tick(graceMs);
    expect(world.takeNotices('b')).toMatchObject([{ text: `ann ${text}. 1 online.\n` }]);
  });
});

describe('many who come and go at once', () => {
  // No two of them look alike.
  const letters = (no: number) => String(no).replace(/\d/g, (digit) => 'qabefghksx'.charAt(Number(digit)));
  const come = (no: number) => {
    const dev = `P${letters(no)}`;
    world.say(`p${no}`, hello(`p ${letters(no)}`, { key: `k${dev}`, dev }));
  };

  test('are told of by name only so often; the rest is a number, when there is time for it', () => {
    world.joins('ann');
    world.tick();
    for (let no = 1; no <= noticeRate.atOnce + 30; no++) come(no);
    // More than a frame holds: they come one after the other.
    const notices = [1, 2, 3].flatMap(() => {
      world.nowMs += 100;
      world.turn();
      return world.takeNotices('a');
    });
    expect(notices).toHaveLength(noticeRate.atOnce);
    expect(notices.every(({ notice }) => notice === 'join')).toBe(true);
    world.tick(1_000);
    const text = `30 more came, went or changed their names. ${noticeRate.atOnce + 31} online.`;
    expect(world.takeNotices('a')).toMatchObject([{ notice: 'info', ...words('server', text) }]);
    world.tick(1_000);
    expect(world.takeNotices('a')).toEqual([]);
  });

  test('are told together, a moment apart, but never behind what is said after them', () => {
    const { crowd, leastMs } = noticePause;
    world.joins('ann', 'bo');
    for (let no = 3; no <= crowd; no++) come(no);
    expect(world.takeNotices('a')).toHaveLength(crowd - 2);
    come(crowd + 1);
    expect(world.takeNotices('a')).toHaveLength(1);
    come(crowd + 2);
    come(crowd + 3);
    expect(world.takeNotices('a')).toEqual([]);
    expect(world.room.nextTurnMs(world.now)).toBe(leastMs);
    world.say('b', entry('bo', 1));
    expect(world.take('a')).toMatchObject([{ notice: 'join' }, { notice: 'join' }, { seq: 1 }]);
    come(crowd + 4);
    expect(world.takeNotices('a')).toEqual([]);
    world.nowMs += leastMs;
    world.turn();
    expect(world.takeNotices('a')).toHaveLength(1);
    come(crowd + 5);
    world.turn({ type: 'leave' });
    expect(world.take('a')).toMatchObject([{ notice: 'join' }, { notice: 'shutdown' }]);
  });

  test('are told to who takes it in several frames without a pause between these', () => {
    world.joins('ann');
    world.say('l', words('lea', ''), { auth: 1, name: 'lea' });
    for (let no = 3; no <= noticePause.crowd + 1; no++) come(no);
    world.forget();
    for (let no = 200; no < 260; no++) come(no);
    expect(world.take('l')).toEqual([]);
    world.nowMs += noticePause.leastMs;
    world.turn();
    for (let turns = 0; turns < 3; turns++) {
      if (world.room.nextTurnMs(world.now) === 0) world.turn();
    }
    expect(world.take('l')).toHaveLength(60);
  });

  test('and are gone without a word: so many may come back, and who is gone for longest has left', () => {
    world.joins('ann');
    for (let no = 0; no <= maxInGrace; no++) {
      come(no);
      world.say(`p${no}`, gone);
    }
    expect(world.room.presence.online).toBe(1 + maxInGrace);
    expect(world.room.presence.nameOf('kPq')).toBeUndefined();
    expect(world.room.presence.nameOf(`kP${letters(maxInGrace)}`)).toBeDefined();
  });
});
