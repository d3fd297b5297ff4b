import { describe, expect, test } from 'vitest';
import {
  farewell,
  greeting,
  noticeEvent,
  plainMessage,
  plainNotice,
  readGreeting,
  readSentence,
  sentence,
} from '../src/core/narrate.ts';
import type { Message, Notice } from '../src/protocol/frames.ts';

const notice = (facts: Partial<Notice>): Notice => {
  const told = { notice: 'join' as const, who: 'bo', online: 2, ...facts };
  return { kind: 'notice', name: 'server', ...told, text: sentence(told) };
};
const message = (name: string, text: string): Message => ({ kind: 'message', name, text });

describe('the dialect of the original', () => {
  test.each<[Partial<Notice>, string, string]>([
    [{ notice: 'join' }, 'bo joined the room. 2 online.', 'bo joined the room. 2 online.'],
    [{ notice: 'leave', reason: 'left' }, 'bo left the room. 2 online.', 'bo left the room. 2 online.'],
    [{ notice: 'leave', reason: 'lost' }, 'bo lost the connection. 2 online.', 'bo left the room. 2 online.'],
    [{ notice: 'rename', was: 'ann' }, 'ann is now called bo. 2 online.', 'ann is now called bo. 2 online.'],
  ])('says %j', (facts, said, plain) => {
    expect([notice(facts).text, plainNotice(notice(facts)).text]).toEqual([said, plain]);
  });

  test('leaves what is no departure as it is said', () => {
    const info: Notice = { kind: 'notice', name: 'server', text: 'bo lost the connection.', notice: 'info' };
    expect(plainNotice(info).text).toBe('bo lost the connection.');
  });

  test.each<Partial<Notice>>([{ notice: 'join' }, { notice: 'leave', reason: 'left' }])(
    'is understood as what was said: %j',
    (facts) => {
      const said = plainNotice(notice(facts));
      expect(readSentence(said, 'server')).toEqual(noticeEvent(notice(facts)));
    },
  );

  test('is understood whatever somebody is called, the last words count', () => {
    for (const who of ['Ann left the room. 9 online. B', 'a\nb', 'bo joined the room.']) {
      const told = notice({ notice: 'leave', who, reason: 'left' });
      expect(readSentence(message('server', told.text), 'server')).toMatchObject({
        type: 'leave',
        name: who,
        online: 2,
      });
    }
  });

  test('is the server’s: the same words of somebody else are a message', () => {
    expect(readSentence(message('ann', 'bo left the room. 2 online.'), 'server')).toBeUndefined();
  });

  test('of other words is information', () => {
    expect(readSentence(message('server', farewell), 'server')).toEqual({ type: 'shutdown', server: 'server' });
    for (const text of ['The room is full.', ' joined the room. 2 online.', 'bo joined the room. many online.'])
      expect(readSentence(message('server', text), 'server')).toEqual({ type: 'notice', server: 'server', text });
  });

  test('greets with the number of those online', () => {
    expect([readGreeting(greeting(12)), readGreeting('hello')]).toEqual([12, 1]);
  });

  test('knows name and text alone, and no actions', () => {
    const said: Message = { ...message('ann', 'waves'), id: { dev: 'A', n: 1 }, seq: 1, hash: 'h', key: 'k', lc: 1 };
    expect(plainMessage(said)).toEqual(message('ann', 'waves'));
    expect(plainMessage({ ...said, type: 'action' })).toEqual(message('ann', '/me waves'));
  });
});
