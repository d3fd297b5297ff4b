import { beforeEach, describe, expect, test } from 'vitest';
import {
  defaultFlow,
  givingPauseMs,
  heartbeatIntervalMs,
  holePatienceMs,
  holeRetryMs,
  maxUnanswered,
  mendPatienceMs,
} from '../src/core/limits.ts';
import { decode } from '../src/protocol/codec.ts';
import type { Message } from '../src/protocol/frames.ts';
import { Chain, connected, disconnected, frame, MemberWorld } from './support/member-world.ts';
import { entry, hello, range } from './support/people.ts';
import { RoomWorld } from './support/room-world.ts';

/* What is uploaded is answered: by its echo, by `had`, `hole` or `rejoin`, and by a receipt where the echo is late. */

describe('the room', () => {
  let world: RoomWorld;
  beforeEach(() => {
    world = new RoomWorld({ flow: { windowEntries: 4, batchEntries: 4, batchBytes: 4_000, signatures: 4 } });
    world.joins('ann', 'bo');
  });
  const bring = (n: number, more: Partial<Message> = {}) => entry('cy', n, `cy ${n}`, { in: 0, ...more });

  test('has a message of its author that it had already: also when it was trimmed', () => {
    world.talk(1);
    world.log.apply({ keep: { from: 2, hash: world.log.headHash } });
    world.forget();
    world.say('a', entry('ann', 1));
    expect(world.take('a')).toEqual([{ had: ['A.1'], head: 1 }]);
  });

  test('says of many in one upload, in one frame, which it had', () => {
    world.say('b', bring(1), bring(2));
    world.forget();
    world.say('b', world.bundle('b', bring(1), bring(2), bring(3)));
    expect(world.take('b')).toMatchObject([{ had: ['C.1', 'C.2'], head: 3 }, { id: 'C.3' }]);
  });

  test('takes nothing of somebody else that its author could not have sent yet, whoever calls it the first', () => {
    world.say('b', { ...bring(3), first: 1 });
    expect(world.take('b')).toEqual([{ hole: 'C.3' }]);
    world.say('c', hello('cy'));
    world.say('c', bring(1), bring(2), bring(3));
    expect(world.log.read(1, 9).map(({ message }) => message?.text)).toEqual(['cy 1', 'cy 2', 'cy 3']);
  });

  test('takes of somebody else, after 30 s, what follows the last that its author had seen in a log', () => {
    world.say('b', bring(3, { in: 2 }));
    expect(world.take('b')).toEqual([{ hole: 'C.3' }]);
    world.tick(mendPatienceMs);
    world.joins('bo');
    world.say('b', bring(3, { in: 1 }));
    expect(world.take('b')).toEqual([{ hole: 'C.3' }]);
    world.say('b', hello('bo'), bring(3, { in: 2 }));
    expect(world.log.read(1, 9).map(({ message }) => message?.text)).toEqual(['cy 3']);
  });

  test('takes nothing more of others behind a hole, until the next proof; but what its bearer says', () => {
    world.say('b', bring(2), entry('dan', 1), bring(1), entry('bo', 1));
    expect(world.take('b')).toMatchObject([{ hole: 'C.2' }, { id: 'B.1' }]);
    world.say('b', hello('bo'), bring(1), entry('dan', 1));
    expect(world.log.read(1, 9).map(({ message }) => message?.text)).toEqual(['bo 1', 'cy 1', 'dan 1']);
  });

  test('says that words are kept to whoever does not see them come back at once, and with each heartbeat', () => {
    world.say('a', ...range(1, 6).map((n) => entry('ann', n)));
    expect(world.take('a').filter(({ kept }) => kept !== undefined)).toEqual([{ kept: 6, held: 0 }]);
    world.tick(heartbeatIntervalMs);
    expect(world.take('a')).toMatchObject([{ hb: 4, kept: 6, held: 0 }]);
    // To each what is true of its own words, though all share one frame of whom the same is true.
    expect(world.take('b').at(-1)).toMatchObject({ hb: 4, kept: 0, held: 0 });
    world.slowDisk = true;
    world.say('a', entry('ann', 7));
    world.say('a', entry('ann', 8), entry('ann', 9));
    world.tick(heartbeatIntervalMs);
    expect(world.take('a')).toMatchObject([{ hb: 4, kept: 6, held: 3 }]);
  });
});

describe('a client', () => {
  let ann: MemberWorld;
  beforeEach(() => {
    ann = new MemberWorld();
    ann.goOnline();
  });
  const of = (dev: string, n: number): Partial<Message> => ({ id: { dev, n }, lc: n });
  /** She knows words of B and D that the room has lost. */
  const knows = () => {
    const log = new Chain();
    log.entry(1, of('D', 2));
    log.entry(2, { id: { dev: 'E', n: 1 }, lc: 9 });
    ann.log = log;
    ann.receive(log.entry(1), log.entry(2));
    ann.meet(new Chain('new'));
  };
  const wait = (ms: number) => {
    ann.nowMs += ms;
    ann.step(frame({ kind: 'unknown' }), { type: 'tick' });
    return ann.sentIds.filter((id) => id !== 'ack');
  };

  test('puts what waits into few frames, each counted and sealed', () => {
    ann.step(disconnected);
    ann.type(...range(1, 300).map((n) => `${n} ${'x'.repeat(200)}`));
    const uploads: string[] = [];
    const turn = ann.member.turn.bind(ann.member);
    ann.member.turn = (inputs, now) => {
      const effects = turn(inputs, now);
      for (const effect of effects)
        if (effect.type === 'send' && effect.data.startsWith('{"up"')) uploads.push(effect.data);
      return effects;
    };
    ann.goOnline();
    const frames = uploads.map((data) => decode(Buffer.from(data)));
    const counts = frames.map((frame) => frame.kind === 'upload' && frame.seal && frame.k);
    expect(counts).toEqual(range(1, uploads.length));
    expect(Math.max(...uploads.map((data) => data.length))).toBeLessThan(defaultFlow.batchBytes + 1_000);
    expect(uploads.length).toBeLessThan(5);
    expect(frames.flatMap((frame) => (frame.kind === 'upload' ? frame.messages : []))).toHaveLength(256);
  });

  test('moves the mark with what the log had, so that the next program counts on', () => {
    ann.type('own 1');
    ann.step(disconnected);
    ann.goOnline({ n: 1 });
    expect([ann.waiting, ann.store.mark('A')?.n]).toEqual([[], 1]);
    ann.start();
    ann.goOnline({ n: 1 });
    expect([ann.failed, ann.member.online]).toEqual([[], true]);
  });

  test('counts what the server keeps as no reason to join again, nor as unsent', () => {
    ann.type('own 1', 'own 2');
    expect(ann.member.unsent).toBe(2);
    ann.receive({ kind: 'receipt', kept: 1, held: 1 });
    expect([ann.member.unsent, ann.waiting]).toEqual([1, ['own 1', 'own 2']]);
    for (let i = 0; i < maxUnanswered; i++) ann.receive({ kind: 'heartbeat', seq: 0, kept: 2, held: 0 });
    expect([ann.sentIds, ann.member.unsent]).toEqual([[], 0]);
    ann.comeBack();
    expect(ann.member.unsent).toBe(2);
    for (let i = 0; i < maxUnanswered; i++) ann.receive({ kind: 'heartbeat', seq: 0, kept: 0, held: 0 });
    expect(ann.sentIds).toEqual(['join']);
  });

  test('gives back what others wrote after a pause, in which they may do it themselves', () => {
    knows();
    ann.comeBack();
    expect(wait(givingPauseMs.shortest - 1)).toEqual([]);
    expect(wait(1)).toEqual(['E1']);
  });

  test('tries again what did not follow, and lets what is behind it go ahead in the end', () => {
    knows();
    expect(wait(mendPatienceMs)).toContain('D2');
    const hole = { kind: 'hole' as const, id: { dev: 'D', n: 2 } };
    for (let ms = 0; ms < holePatienceMs; ms += holeRetryMs) {
      ann.receive(hole);
      ann.type('own');
      expect(ann.sentIds).toEqual([`A${ann.member.courier.lastN}`]);
      expect(wait(holeRetryMs)).toEqual(['join']);
      ann.open();
      ann.pause();
      if (ms < holePatienceMs - 2 * holeRetryMs) expect(ann.sentIds).toContain('D2');
    }
    expect(ann.sentIds).not.toContain('D2');
    expect(ann.sentIds).toContain('E1');
    expect(ann.store.pending().some(({ id }) => id?.dev === 'D')).toBe(true);
    for (let i = 0; i < 5; i++) expect(wait(holeRetryMs)).not.toContain('join');
    // It goes when what lies before it is there.
    ann.receive(new Chain('new').entry(1, of('D', 1)));
    expect(ann.sentIds).toEqual(['D2']);
  });

  test('answers the question that was asked of its newest join, and once', () => {
    ann.step(disconnected);
    ann.step(connected);
    const challenge = { kind: 'challenge' as const, nonce: 'n', room: 'server', log: 'log' };
    ann.receive({ ...challenge, cn: 'older' });
    expect(ann.sent).toEqual([]);
    ann.receive({ ...challenge, cn: 'cn' });
    expect(ann.sentIds).toEqual(['join']);
    ann.receive({ ...challenge, cn: 'cn' });
    expect(ann.sent).toEqual([]);
    const refused = { kind: 'refused' as const, name: 'server', text: 'no', code: 'PROOF_REFUSED' as const };
    ann.receive({ ...refused, cn: 'older' });
    expect(ann.failed).toEqual([]);
    ann.receive({ ...refused, cn: 'cn' });
    expect(ann.failed).toEqual(['PROOF_REFUSED']);
  });

  test('takes no uploads: what it said itself means nothing when it comes back that way', () => {
    ann.receive({ kind: 'upload', k: 1, messages: [new Chain().own(1, 1)] });
    expect(ann.did).toMatchObject({ sent: [], shown: [] });
  });
});
