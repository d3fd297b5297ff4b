import { describe, expect, test } from 'vitest';
import { Trouble, words } from '../src/loop/trouble.ts';
import type { LinkEvent } from '../src/transport/link.ts';

const nobody = { code: 'NOBODY_LISTENING', message: 'nobody is listening on localhost:9999' };
const notChat = { code: 'NOT_A_CHAT', message: 'something answers on port 9999, but it is not a chat server.' };
const own = { host: 'localhost', port: 9999, meant: () => 'abcd ef01', line: 'this line: KEY ana', isPair: false };

/** A trouble that noted these events at these times. */
const troubleAfter = (...events: Noted[]) => noted(false, events);
const secretly = (...events: Noted[]) => noted(true, events);
type Noted = [type: Exclude<LinkEvent['type'], 'frame'>, atMs: number];

function noted(isSecure: boolean, events: readonly Noted[]): Trouble {
  const trouble = new Trouble({ ...own, isSecure: () => isSecure });
  for (const [type, atMs] of events) trouble.note({ type }, atMs);
  return trouble;
}

test('nothing happened, nothing is said', () => {
  const trouble = troubleAfter();
  expect(trouble.diagnose(60_000)).toBeUndefined();
  expect(trouble.reason).toBeUndefined();
});

describe('nobody listens', () => {
  test('is said a second after the first refusal, however many follow', () => {
    const trouble = troubleAfter(['refused', 100], ['refused', 300], ['refused', 700]);
    expect(trouble.diagnose(1_099)).toBeUndefined();
    expect(trouble.diagnose(1_100)).toMatchObject(nobody);
  });

  test('is said once, and stays the reason', () => {
    const trouble = troubleAfter(['refused', 0]);
    trouble.diagnose(1_000);
    expect(trouble.diagnose(2_000)).toBeUndefined();
    expect(trouble.tooLate(2_000)).toMatchObject({ code: 'TIMEOUT', hint: 'nobody is listening on localhost:9999.' });
  });

  test('is not said while a connection is open', () =>
    expect(troubleAfter(['refused', 0], ['opened', 500]).diagnose(2_000)).toBeUndefined());
});

describe('no chat', () => {
  test('is said when a connection stays open for four seconds', () => {
    const trouble = troubleAfter(['opened', 0]);
    expect(trouble.diagnose(3_999)).toBeUndefined();
    expect(trouble.diagnose(4_000)).toMatchObject(notChat);
    expect(trouble.reason).toMatchObject(notChat);
  });

  test('is counted from the first opening', () =>
    expect(troubleAfter(['opened', 0], ['opened', 3_900]).diagnose(4_000)).toMatchObject(notChat));

  test('is not said when the connection was refused in between', () => {
    const trouble = troubleAfter(['opened', 0], ['refused', 4_000]);
    expect(trouble.diagnose(5_000)).toMatchObject(nobody);
    trouble.note({ type: 'opened' }, 6_000);
    expect(trouble.diagnose(9_999)).toBeUndefined();
    expect(trouble.diagnose(10_000)).toMatchObject(notChat);
  });

  test('is not said of whoever shook hands', () =>
    expect(troubleAfter(['opened', 0], ['connected', 10]).diagnose(60_000)).toBeUndefined());

  test('is said at once when the other side does not speak ZeroMQ, and once', () => {
    const trouble = troubleAfter(['opened', 0], ['mismatch', 10]);
    expect(trouble.diagnose(10)).toMatchObject(notChat);
    expect(trouble.diagnose(20)).toBeUndefined();
  });
});

describe('closed doors', () => {
  test.each([
    ['encrypted', troubleAfter(['opened', 0], ['otherMechanism', 1]), 'ENCRYPTED', false],
    ['not encrypted', secretly(['opened', 0], ['otherMechanism', 1]), 'NOT_ENCRYPTED', false],
    ['not on its list', secretly(['opened', 0], ['notAdmitted', 1]), 'KEY_REFUSED', true],
    ['too many from one network', troubleAfter(['opened', 0], ['crowded', 1]), 'ROOM_FULL', true],
    ['of another key', secretly(['otherKey', 0], ['otherKey', 500]), 'OTHER_KEY', false],
  ] as const)('%s: said at once, and final', (_, trouble, code, isAnswer) =>
    expect(trouble.diagnose(500)).toMatchObject({ code, isFinal: true, isAnswer }),
  );

  test('whoever hangs up once may be a server that ends', () => {
    expect(secretly(['opened', 0], ['otherKey', 1]).diagnose(600)).toBeUndefined();
    expect(secretly(['otherKey', 0], ['refused', 1], ['otherKey', 2]).diagnose(600)).toBeUndefined();
  });

  test.each([
    ['mute', 'NOT_A_CHAT', 'something answers on port 9999, but says nothing: it is no chat server, or stands still.'],
    ['busy', 'BUSY', 'this server is too busy to let anybody in.'],
  ] as const)('%s: a pipe goes on trying', (type, code, message) =>
    expect(secretly(['opened', 0], [type, 3_000]).diagnose(3_000)).toMatchObject({ code, message, isFinal: false }),
  );

  test('each is told once, and anew after somebody has answered', () => {
    const trouble = secretly(['notAdmitted', 0]);
    trouble.diagnose(0);
    trouble.note({ type: 'notAdmitted' }, 5_000);
    expect(trouble.diagnose(5_000)).toBeUndefined();
    trouble.note({ type: 'connected' }, 10_000);
    expect(trouble.diagnose(10_000)).toBeUndefined();
    trouble.note({ type: 'notAdmitted' }, 20_000);
    expect(trouble.diagnose(20_000)).toMatchObject({ code: 'KEY_REFUSED' });
  });

  const causes = [
    'nobody',
    'noChat',
    'mute',
    'busy',
    'encrypted',
    'notEncrypted',
    'notAdmitted',
    'crowded',
    'otherKey',
  ] as const;
  test.each(causes)('%s: words for a room and for two people, with what to do', (cause) => {
    const [room, pair] = [false, true].map((isPair) => words(cause, { ...own, isPair, isSecure: () => true }));
    expect(room?.message).toMatch(/^[a-z]/);
    if (room?.isFinal) expect([room.hint, pair?.hint, pair?.message].join('\n')).not.toBe('');
    expect(`${pair?.message} ${pair?.hint}`).not.toMatch(/this server|its owner|--server-key/);
  });
});

test('a program that has waited long enough ends with what it has found', () => {
  const trouble = troubleAfter(['opened', 0], ['mismatch', 10]);
  expect(trouble.tooLate(7_000)).toMatchObject({ code: 'TIMEOUT', hint: 'Is the address right?' });
  trouble.diagnose(10);
  expect(trouble.tooLate(7_000)).toMatchObject({
    code: 'NOT_A_CHAT',
    message: 'not online after 7 s.',
    hint: notChat.message,
  });
});

test('each reason is told once, and the newest is the reason', () => {
  const trouble = troubleAfter(['refused', 0]);
  expect(trouble.diagnose(1_000)).toMatchObject(nobody);
  trouble.note({ type: 'mismatch' }, 1_500);
  expect(trouble.diagnose(2_000)).toMatchObject(notChat);
  expect(trouble.reason).toMatchObject(notChat);
});

test('connections that work are no trouble', () =>
  expect(troubleAfter(['connected', 0], ['disconnected', 10]).diagnose(60_000)).toBeUndefined());
