import { beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { graceMs, maxAwayBytes } from '../src/core/limits.ts';
import { awayText } from '../src/core/narrate.ts';
import type { Frame } from '../src/protocol/frames.ts';
import { challenge, connected, disconnected, frame, MemberWorld, notice } from './support/member-world.ts';
import { bye, entry, gone, hello, type Json, words } from './support/people.ts';
import { RoomWorld, seal } from './support/room-world.ts';

describe('the text of an absence', () => {
  test.each([
    ['', ''],
    [' \n\t ', ''],
    [' lunch\nat  noon ', 'lunch at noon'],
    ['\u001b[31mred\u0007', '␛[31mred␇'],
    ['\u202eevil', '<U+202E>evil'],
    ['\ud800', '\ufffd'],
    ['x'.repeat(maxAwayBytes), 'x'.repeat(maxAwayBytes)],
    ['x'.repeat(maxAwayBytes + 1), undefined],
    ['é'.repeat(maxAwayBytes), undefined],
    // Once harmless it is longer.
    ['\u001b'.repeat(maxAwayBytes), undefined],
  ])('%j is %j', (raw, text) => expect(awayText(raw)).toBe(text));
});

describe('a room', () => {
  let world: RoomWorld;
  beforeEach(() => {
    world = new RoomWorld();
    world.joins('ann', 'bo', 'lea');
  });
  const away = (text: string): Json => ({ away: `${text}\n` });
  const back: Json = { away: 0 };
  const isAway = (who: string, text: string) => ({
    ...words('server', `${who} is ${text === '' ? 'away' : `away: ${text}`}.`),
    ...{ notice: 'away', who, online: 3, away: `${text}\n` },
  });
  const isBack = (who: string) => ({ ...words('server', `${who} is back.`), notice: 'back', who, online: 3 });
  /** What somebody who comes now reads of who is away. */
  const welcomed = () => {
    world.say('d', hello('dot'));
    return world.take('d').find((one) => one.welcome)?.away;
  };

  test('tells programs of version 1 who is away, and who is not any more; nothing to those of the original', () => {
    world.say('a', away('lunch'));
    expect([world.take('a'), world.take('b')]).toEqual([[isAway('ann', 'lunch')], [isAway('ann', 'lunch')]]);
    world.say('a', back);
    expect(world.take('b')).toEqual([isBack('ann')]);
    world.say('b', entry('bo', 1, 'a marker'));
    expect(world.take('l')).toEqual([words('bo', 'a marker')]);
    expect(world.events.slice(-3, -1)).toEqual([
      { type: 'away', server: 'server', name: 'ann', text: 'lunch' },
      { type: 'back', server: 'server', name: 'ann' },
    ]);
  });

  test('tells only what has changed', () => {
    for (const said of [back, away(''), away(''), away('lunch'), away('lunch'), back, back]) world.say('a', said);
    expect(world.takeNotices('b')).toEqual([isAway('ann', ''), isAway('ann', 'lunch'), isBack('ann')]);
  });

  test('tells who comes who is away; nothing where nobody is', () => {
    world.say('b', away(''));
    expect(welcomed()).toEqual([0, '\n', 0, 0]);
    world.say('b', back);
    world.say('d', bye('dot'));
    expect(welcomed()).toBeUndefined();
  });

  test('takes it in its place among what the session says', () => {
    world.slowDisk = true;
    world.say('a', entry('ann', 1), away('lunch'));
    expect(world.take('b')).toEqual([]);
    world.commit();
    expect(world.take('b')).toMatchObject([{ text: 'ann 1\n' }, { notice: 'away' }]);
  });

  test.each<[string, () => void]>([
    ['says something', () => world.say('a', entry('ann', 1))],
    ['joins again', () => world.say('a', world.helloAt('ann', 0))],
    ['comes back over another connection', () => world.say('a2', world.helloAt('ann', 0))],
    [
      'comes back within the grace',
      () => world.turn(...world.frames('a', gone), ...world.frames('a2', world.helloAt('ann', 0))),
    ],
    ['is there from a second device', () => world.say('a2', hello('ann', { dev: 'A2' }))],
  ])('leaves the end of it to its author, who %s', (_name, act) => {
    world.say('a', away('lunch'));
    world.forget();
    act();
    expect(world.takeNotices('b')).toEqual([]);
    expect(welcomed()).toEqual(['lunch\n', 0, 0, 0]);
  });

  test.each<[string, () => void]>([
    ['says goodbye', () => world.say('a', bye('ann'))],
    ['is lost', () => world.say('a', gone)],
  ])('forgets it when its author %s', (_name, go) => {
    world.say('a', away('lunch'));
    go();
    world.tick(graceMs);
    world.say('a3', hello('ann'));
    expect(welcomed()).toBeUndefined();
  });

  test('calls who is away by the name of now', () => {
    world.say('a', away('lunch'));
    world.say('a', world.helloAt('ann', 0, { name: 'zoe' }));
    expect(world.takeNotices('b').at(-1)).toMatchObject({ notice: 'rename', who: 'zoe' });
    world.say('a', back);
    expect(world.takeNotices('b')).toEqual([isBack('zoe')]);
  });

  test('lets the last word of any device count', () => {
    world.say('a2', hello('ann', { dev: 'A2' }));
    world.say('a', away('lunch'));
    world.say('a2', back);
    expect(world.takeNotices('b')).toEqual([isAway('ann', 'lunch'), isBack('ann')]);
  });

  test('makes harmless what others will read, and takes no more than fits', () => {
    world.say('a', away('\u001b[2J\n[bo] hi'));
    expect(world.takeNotices('b')).toEqual([isAway('ann', '␛[2J [bo] hi')]);
    world.say('a', away('x'.repeat(maxAwayBytes + 1)));
    world.say('a', away('\u001b'.repeat(maxAwayBytes)));
    world.tick();
    expect([world.takeNotices('b'), world.ignored]).toEqual([[], [{ frames: 2, reason: expect.any(String) }]]);
  });

  test('believes nobody who is on the way: without the seal, again, or out of order', () => {
    const lunch = world.sealed('a', away('lunch'));
    world.say('a', '{"up":1,"away":"forged\\n"}', seal({ up: 1, away: 'forged\n' }, 'guessed'), lunch);
    expect(world.takeNotices('b')).toEqual([isAway('ann', 'lunch')]);
    world.say('a', back);
    world.forget();
    // What was overheard.
    world.say('a', lunch);
    expect(world.take('b')).toEqual([]);
    const [missing, late] = [back, away('tea')].map((said) => world.sealed('a', said));
    world.say('a', late as string, missing as string);
    expect([world.take('a'), world.takeNotices('b')]).toEqual([[{ rejoin: 0 }], []]);
    world.tick();
    expect(world.ignored[0]?.frames).toBe(3);
  });

  test('hears it of no client of the original, and of nobody who is not in', () => {
    world.say('l', '{"up":1,"away":"lunch\\n"}');
    world.say('x', '{"up":1,"away":"lunch\\n"}');
    expect([world.take('b'), world.take('x')]).toEqual([[], [{ rejoin: 0 }]]);
  });
});

describe('a member', () => {
  let ann: MemberWorld;
  beforeEach(() => (ann = new MemberWorld()));
  const go = (text = '') => ann.step({ type: 'away', text });
  const tells = (message: string): ChatEvent => ({ type: 'status', code: 'AWAY', message });
  const said = (k: number, away: string | false): Frame => ({ kind: 'upload', k, messages: [], away });
  const until = ' (until you say something)';
  const absences = () => ann.sent.filter((sent) => sent.kind === 'upload');
  const news = (who: string, away?: string) =>
    notice({ notice: away === undefined ? 'back' : 'away', who, ...(away !== undefined && { away }) });

  test('says that it is away, and is back when it says something', () => {
    ann.goOnline();
    go('lunch');
    expect(ann.did).toMatchObject({ sent: [said(1, 'lunch')], shown: [tells(`you are away: lunch${until}`)] });
    expect(ann.member.whyAway('ann')).toBe('lunch');
    ann.type('here', 'again');
    expect([absences(), ann.shown]).toEqual([[said(2, false)], [tells('you are not away any more')]]);
    expect([ann.sentIds, ann.member.whyAway('ann')]).toEqual([['upload', 'A1', 'A2'], undefined]);
  });

  test('need not say why, and may say another thing', () => {
    ann.goOnline();
    go();
    expect(ann.did).toMatchObject({ sent: [said(1, '')], shown: [tells(`you are away${until}`)] });
    go('tea');
    expect(ann.sent).toEqual([said(2, 'tea')]);
  });

  test('says it when it is online, and after each welcome that does not know it', () => {
    go('lunch');
    expect(ann.sent).toEqual([]);
    ann.goOnline();
    expect(absences()).toEqual([said(1, 'lunch')]);
    ann.comeBack({ away: ['lunch', false] });
    expect(absences()).toEqual([]);
    ann.comeBack({ away: ['tea', false] });
    expect(absences()).toEqual([said(1, 'lunch')]);
    ann.comeBack();
    expect(absences()).toEqual([said(1, 'lunch')]);
  });

  test('is back although it was cut off when it said so', () => {
    ann.goOnline();
    go('lunch');
    ann.step(disconnected);
    ann.type('here');
    ann.goOnline({ away: ['lunch', false] });
    expect([absences(), ann.member.whyAway('ann')]).toEqual([[said(1, false)], undefined]);
  });

  test('finds that it is away from a run before, or another device, and ends it in the same way', () => {
    ann.goOnline({ away: ['lunch', false] });
    expect(ann.shown).toContainEqual(tells(`you are away: lunch${until}`));
    expect(absences()).toEqual([]);
    ann.receive(news('ann'));
    expect(ann.member.whyAway('ann')).toBeUndefined();
    ann.receive(news('ANN', 'tea'));
    expect(ann.member.whyAway('ann')).toBe('tea');
    ann.type('here');
    expect(absences()).toEqual([said(1, false)]);
  });

  test('that is a script is not there, whatever it says', () => {
    ann.start({ isPipe: true });
    ann.goOnline({ away: ['lunch', false] });
    ann.type('backup done');
    expect([absences(), ann.shown.filter(({ type }) => type === 'status')]).toEqual([[], []]);
  });

  test('is told once of somebody away whom it names', () => {
    ann.goOnline({ away: [false, 'lunch'] });
    const name = (n: number, text: string) => {
      ann.type(text);
      ann.receive(ann.log.own(n, n));
      return ann.shown.slice(1);
    };
    expect(name(1, 'hello all')).toEqual([]);
    expect(name(2, 'Bo, are you there?')).toEqual([tells('bo is away: lunch')]);
    expect(name(3, 'bo?')).toEqual([]);
    ann.comeBack({ away: [false, 'lunch'] });
    expect(name(4, 'bo?')).toEqual([]);
    ann.receive(news('bo'));
    expect(name(5, 'bo?')).toEqual([]);
    ann.receive(news('bo', ''));
    expect(name(6, 'bo?')).toEqual([tells('bo is away')]);
    ann.receive(notice({ notice: 'rename', who: 'bob', was: 'bo', online: 2 }));
    expect([name(7, 'bob, bo?'), ann.member.whyAway('bob')]).toEqual([[], '']);
    ann.receive(news('bob', 'tea'));
    expect(name(8, 'bob?')).toEqual([tells('bob is away: tea')]);
    ann.receive(news('bob', 'tea'));
    expect(name(9, 'bob?')).toEqual([]);
    ann.receive(notice({ notice: 'leave', who: 'bob', online: 1 }));
    expect([name(10, 'bob?'), ann.member.whyAway('bob')]).toEqual([[], undefined]);
  });

  test('is not told when others name them, nor of what it said before', () => {
    ann.goOnline();
    ann.type('bo?');
    ann.comeBack({ head: 2, away: [false, 'lunch'] });
    ann.receive(ann.log.entry(1, { text: 'bo?' }), ann.log.own(2, 1), ann.log.entry(3, { text: 'bo?' }));
    expect(ann.texts.filter((text) => text === 'bo?')).toHaveLength(3);
    expect(ann.shown.filter(({ type }) => type === 'status')).toEqual([]);
  });

  test('shows nothing of it, and tells programs', () => {
    ann.goOnline({ away: [false, 'lunch'] });
    expect(ann.shown[0]).toMatchObject({ state: 'online', away: [{ name: 'bo', text: 'lunch' }] });
    ann.receive(news('bo'), news('bo', 'x\u001b\ny'));
    expect(ann.shown).toEqual([
      { type: 'back', server: 'server', name: 'bo' },
      { type: 'away', server: 'server', name: 'bo', text: 'x␛ y' },
    ]);
  });

  test('believes no welcome whose lists do not fit, and no text without an end', () => {
    ann.goOnline({ away: ['x', 'y', 'z'] });
    expect(ann.member.whyAway('bo')).toBeUndefined();
    ann.receive(news('bo', 'x'.repeat(5_000)));
    expect(ann.member.whyAway('bo')).toBe('');
  });

  test('is away nowhere in a room of the original', () => {
    ann.goLegacy();
    go('lunch');
    expect(ann.did).toMatchObject({ sent: [], shown: [{ type: 'error', code: 'USAGE' }] });
    expect(ann.member.whyAway('ann')).toBeUndefined();
  });

  test('takes nothing of it along into another room', () => {
    ann.goOnline();
    go('lunch');
    ann.move({ room: 'other', dev: 'A9' }, new MemberWorld().store);
    ann.step(connected, frame({ ...challenge, room: 'other' }));
    expect(ann.member.whyAway('ann')).toBeUndefined();
  });
});
