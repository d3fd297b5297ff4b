import { beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { silentMs } from '../src/core/limits.ts';
import type { Message, Received } from '../src/protocol/frames.ts';
import {
  Chain,
  challenge,
  connected,
  disconnected,
  greeting,
  join,
  MemberWorld,
  nothing,
  notice,
  plain,
} from './support/member-world.ts';

let ann: MemberWorld;
beforeEach(() => {
  ann = new MemberWorld();
  ann.goLegacy();
});
const comeBack = () => {
  ann.step(disconnected);
  ann.goLegacy();
};

describe('a room of the original', () => {
  test('is known by its greeting, and what it lacks is said once', () => {
    expect(ann.member.online).toBe(true);
    const online = { type: 'state', state: 'online', server: 'server', online: 3, legacy: true };
    expect(ann.shown).toEqual([
      { ...online, waiting: 0 },
      { type: 'status', code: 'LEGACY_SERVER', message: expect.stringContaining('original program') },
    ]);
    ann.step(disconnected);
    expect(ann.shown).toEqual([{ type: 'state', state: 'offline', reason: 'lost' }]);
    ann.nowMs += 5_000;
    ann.goLegacy();
    expect(ann.shown).toEqual([{ ...online, afterMs: 5_000, waiting: 0 }]);
  });

  test('gets what is typed without extras, and that is shown at once', () => {
    ann.type('hi');
    expect(ann.sent).toEqual([plain('ann', 'hi')]);
    expect(ann.shown).toEqual([
      { type: 'message', id: 'A.1', from: { name: 'ann' }, text: 'hi', own: true, replay: false, sentMs: ann.nowMs },
    ]);
    expect([ann.waiting, ann.store.pending()]).toEqual([[], []]);
  });

  test('gets the words of an action, and it is shown as one', () => {
    ann.step({ type: 'typed', text: 'waves', action: true });
    expect(ann.sent).toEqual([plain('ann', '/me waves')]);
    expect(ann.shown).toMatchObject([{ text: 'waves', action: true, own: true }]);
  });

  test('gets what was typed before, once, and its numbers count as used', () => {
    ann.step(disconnected);
    ann.type('a', 'b');
    ann.step(connected);
    expect(ann.sent).toEqual([join()]);
    ann.receive(greeting);
    expect(ann.sent).toEqual([plain('ann', 'a'), plain('ann', 'b')]);
    ann.start();
    ann.goLegacy();
    expect(ann.sent).toEqual([]);
    ann.type('c');
    expect(ann.shown).toMatchObject([{ id: 'A.3' }]);
  });

  test('is sent nothing but join, leave and messages, whatever comes', () => {
    const { log } = ann;
    const frames: Received[] = [
      plain('bo', 'hi'),
      log.entry(1),
      log.lost(1),
      { kind: 'heartbeat', seq: 99 },
      { kind: 'rejoin', delayMs: 0 },
      challenge,
      ann.welcome({ log: 'other' }),
      { kind: 'refused', name: 's', text: 't', code: 'ROOM_FULL' },
      { kind: 'had', ids: [{ dev: 'B', n: 1 }], head: 0 },
      { kind: 'unknown' },
      { kind: 'malformed', reason: 'x' },
      notice({}),
    ];
    for (const received of [...frames, ...frames]) {
      ann.receive(received);
      ann.tick(silentMs);
      expect(ann.did).toEqual(nothing);
    }
    expect(ann.member.online).toBe(true);
    ann.step({ type: 'leave' });
    expect(ann.sent).toEqual([{ kind: 'leave', name: 'ann' }]);
  });

  test('where a room with a key is meant is another one: it is told nothing', () => {
    ann = new MemberWorld();
    ann.goOnline();
    ann.type('own 1');
    ann.receive(ann.log.own(1, 1), ann.log.entry(2));
    ann.meet(new Chain('new'));
    ann.step(disconnected);
    ann.type('own 2');
    ann.goLegacy();
    expect([ann.sent, ann.failed]).toEqual([[], ['OTHER_ROOM']]);
    expect(ann.store.pending()).toHaveLength(3);
  });

  test('gets no line end and no control character, and its members’ empty messages are said once', () => {
    ann.type('hi\n [room] Server is off.\u001b[2J');
    expect(ann.sent).toEqual([plain('ann', 'hi␊ [room] Server is off.␛[2J')]);
    expect(ann.shown).toMatchObject([{ text: 'hi\n [room] Server is off.\u001b[2J', own: true }]);
    for (let i = 0; i < 100; i++) ann.receive(plain('', ' '));
    expect(ann.did).toEqual(nothing);
    comeBack();
    ann.receive(plain('', ''));
    const message = 'somebody sends empty messages; they are not shown.';
    expect(ann.shown).toEqual([{ type: 'status', code: 'EMPTY', message }]);
    ann.receive(plain('[bo]\u202e', 'hi'));
    expect(ann.shown).toMatchObject([{ type: 'message', from: { name: 'bo' }, text: 'hi' }]);
  });

  const room = { server: 'server', name: 'John Doe' };
  const message = { type: 'message' as const, from: { name: 'bo' }, own: false, replay: false };
  test.each<[string, Message, ChatEvent]>([
    ['a message', plain('bo', 'hi'), { ...message, text: 'hi' }],
    ['a join', plain('server', 'John Doe joined the room. 4 online.'), { type: 'join', ...room, online: 4 }],
    [
      'a leave',
      plain('server', 'John Doe left the room. 2 online.'),
      { type: 'leave', ...room, online: 2, reason: 'left' },
    ],
    ['its end', plain('server', 'Server is off.'), { type: 'shutdown', server: 'server' }],
    ['other words', plain('server', 'Hello.'), { type: 'notice', server: 'server', text: 'Hello.' }],
    [
      'a member’s words about the room',
      plain('bo', 'eve left the room. 2 online.'),
      {
        ...message,
        text: 'eve left the room. 2 online.',
      },
    ],
  ])('says %s', (_name, received, event) => {
    ann.receive(received);
    expect(ann.shown).toEqual([event]);
  });

  test('tells who is there by who comes and who speaks, and forgets it with the connection', () => {
    const who = () => [ann.member.present, ...ann.member.others];
    ann.receive(plain('server', 'lea joined the room. 4 online.'), plain('max', 'hi'));
    expect(who()).toEqual([4, 'max', 'lea']);
    ann.receive(plain('server', 'lea left the room. 3 online.'));
    expect(who()).toEqual([3, 'max']);
    comeBack();
    expect(who()).toEqual([3]);
  });

  test('knows no renames: said at once, and asked for with the next connection', () => {
    const fixed = {
      type: 'error',
      code: 'NAME_REFUSED',
      message: 'This server cannot rename; leave and come back with --name.',
    };
    ann.rename('anna');
    expect(ann.did).toEqual({ ...nothing, shown: [fixed] });
    ann.step(disconnected);
    ann.step(connected);
    expect(ann.sent).toEqual([join()]);
    ann.rename('anna');
    ann.receive(greeting);
    expect(ann.sent).toEqual([]);
    expect(ann.shown).toMatchObject([{ state: 'online' }, fixed]);
    ann.step(disconnected);
    ann.rename('anna');
    ann.step(connected);
    expect(ann.sent).toEqual([join({ name: 'anna' })]);
    ann.receive(greeting);
    expect(ann.shown).toMatchObject([{ state: 'online' }, { type: 'renamed', was: 'ann', name: 'anna' }]);
    ann.type('hi');
    expect(ann.sent).toEqual([plain('anna', 'hi')]);
  });

  test('that was replaced by one of version 1 is welcomed as such, and the other way round is another room', () => {
    ann.step(disconnected);
    ann.type('own 1');
    ann.goOnline();
    expect(ann.shown).toMatchObject([{ state: 'online', legacy: false }]);
    expect(ann.sentIds).toEqual(['A1']);
    expect(ann.waiting).toEqual(['own 1']);
    comeBack();
    expect(ann.failed).toEqual(['OTHER_ROOM']);
  });
});
