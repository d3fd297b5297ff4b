import { describe, expect, test } from 'vitest';
import { Feed } from '../src/core/log/feed.ts';
import { Ledger } from '../src/core/log/ledger.ts';
import { Door } from '../src/core/room/door.ts';
import { Presence, type Session } from '../src/core/room/presence.ts';
import { Effects } from '../src/core/turn.ts';
import { type Message, maxTextBytes } from '../src/protocol/frames.ts';
import { fakeCrypto, fakeIdentity } from './support/fake-crypto.ts';
import { Written } from './support/places.ts';

const place = { sent: { seq: 0, notice: 0 }, acked: 0, full: { pauseMs: 0, retryAtMs: 0 } };
const member: Session = {
  from: 'a',
  who: 'kA',
  name: 'ann',
  dev: 'A',
  heardAtMs: 0,
  ...place,
};
const guest = (): Session => ({ ...member, who: 'l', name: 'lea', guest: 'lea' });
const words: Message = { kind: 'message', name: 'ann', text: 'hi' };
const own: Message = { ...words, id: { dev: 'A', n: 1 }, lc: 1, ts: 1, key: 'kA', sig: 's' };

/** What the door proposes of a message of `session`, or of nobody in the room; and what it sends. */
const hear = (message: Message, session: Session | undefined) => {
  const { log } = new Written();
  const retention = { entries: 1, ageMs: 1 };
  const options = {
    name: 'server',
    dev: 'run',
    crypto: fakeCrypto,
    identity: fakeIdentity('server'),
    retention,
    nonce: () => '',
    salt: () => 'salt',
  };
  const presence = new Presence('server', new Feed(log));
  const effects = new Effects();
  const door = new Door(options, { log, ledger: new Ledger(options, log), presence, effects });
  if (session) presence.sessions.set('a', session);
  return { proposal: door.hear('a', message, { ms: 0, wallMs: 5 }), sent: effects.take() };
};
const take = (message: Message, session = member) => {
  const { proposal, sent } = hear(message, session);
  expect(sent).toEqual([]);
  return proposal;
};

describe('a message', () => {
  test('of the session’s own device and key is said by it', () => {
    expect(take(own)).toEqual({ type: 'say', from: 'a', message: own, name: 'ann' });
  });

  test.each([
    ['device', { id: { dev: 'B', n: 1 } }],
    ['key', { key: 'kB' }],
    ['key, but none', { key: undefined }],
  ])('of another %s was kept for somebody', (_what, more) => {
    expect(take({ ...own, ...more } as Message)).toMatchObject({ type: 'giveBack', from: 'a' });
  });

  test('with a place is an entry for a place that was lost, and nothing else', () => {
    const placed = { ...own, seq: 3, hash: 'h' };
    expect(take(placed)).toEqual({ type: 'mend', message: placed });
  });

  test('bears nothing that only a log may say', () => {
    const claims = { hash: 'h', void: true, guest: true, first: true } as const;
    const taken = { ...own, first: true };
    expect(take({ ...own, ...claims })).toMatchObject({ message: taken });
    for (const from of [own, { ...own, id: { dev: 'B', n: 1 } }]) {
      const { message } = take({ ...from, ...claims }) as { message: Message };
      expect(Object.keys(message)).not.toContain('void');
      for (const key of ['hash', 'void', 'guest']) expect(Object.keys(message)).not.toContain(key);
    }
  });

  test('of nobody who has joined is not taken, and answered rejoin', () => {
    expect(hear(own, undefined)).toEqual({
      proposal: undefined,
      sent: [{ type: 'send', to: ['a'], data: '{"rejoin":0}' }],
    });
  });

  test('without an id is none of a member', () => {
    expect(take(words)).toBeUndefined();
  });
});

describe('a message of a client of the original', () => {
  test('bears its name, whatever else it says', () => {
    const said = { name: 'lea', text: 'hi', salt: 'salt' };
    const claims: Message = { ...own, seq: 9, type: 'action', void: true };
    expect(take(claims, guest())).toEqual({ type: 'relay', from: 'a', words: said });
    expect(take(words, guest())).toEqual({ type: 'relay', from: 'a', words: said });
    const marked = { ...guest(), name: 'lea (guest)' };
    expect(take(words, marked)).toEqual({ type: 'relay', from: 'a', words: { ...said, guest: true } });
  });

  test('that is too long is not taken, and that is said', () => {
    const lea = guest();
    const text = `Your message was not sent: it is longer than ${maxTextBytes} bytes.\n`;
    expect(hear({ ...words, text: 'é'.repeat(maxTextBytes / 2 + 1) }, lea)).toEqual({
      proposal: undefined,
      sent: [{ type: 'send', to: ['a'], data: JSON.stringify({ name: 'server', text }) }],
    });
    expect(take({ ...words, text: 'é'.repeat(maxTextBytes / 2) }, lea)).toMatchObject({ type: 'relay' });
  });
});
