import { beforeEach, describe, expect, test } from 'vitest';
import { lateMs, maxUnanswered, maxWaiting } from '../src/core/limits.ts';
import { erasing, erasureText } from '../src/protocol/erasure.ts';
import type { Message } from '../src/protocol/frames.ts';
import { digestOf, signedText } from '../src/protocol/signed.ts';
import { fakeCrypto, fakeSalt, signature } from './support/fake-crypto.ts';
import { Chain, connected, disconnected, MemberWorld, nothing } from './support/member-world.ts';

let ann: MemberWorld;
let log: Chain;
beforeEach(() => {
  ann = new MemberWorld();
  log = ann.log;
});
/** What is sent of an own message. */
const mine = (n: number, more: Partial<Message> = {}): Message => {
  const id = { dev: 'A', n };
  const when = { lc: n, ts: ann.nowMs, in: 0, salt: fakeSalt };
  const message: Message = { kind: 'message', name: 'ann', text: `own ${n}`, id, ...when, ...more };
  return { ...message, key: 'kA', sig: signature('kA', signedText(fakeCrypto, 'server', message)) };
};

describe('what is typed', () => {
  test('is sent, waits, and is shown once when it comes back in its place', () => {
    ann.goOnline();
    ann.type('own 1');
    expect(ann.did).toEqual({ ...nothing, sent: [{ ...mine(1), first: true }] });
    expect(ann.member.waiting).toMatchObject([{ text: 'own 1', ts: ann.nowMs }]);
    ann.receive(log.own(1, 1));
    expect(ann.shown).toMatchObject([{ type: 'message', text: 'own 1', own: true, seq: 1, id: 'A.1' }]);
    expect(ann.waiting).toEqual([]);
    ann.receive(log.own(2, 1));
    expect(ann.shown).toEqual([]);
  });

  test('while offline is sent at the welcome, in order', () => {
    ann.type('own 1', 'own 2');
    expect(ann.did).toEqual(nothing);
    ann.step(connected);
    ann.type('own 3');
    expect(ann.did).toEqual(nothing);
    ann.open();
    expect(ann.sentIds).toEqual(['A1', 'A2', 'A3']);
    expect(ann.shown).toMatchObject([{ waiting: 3 }]);
  });

  test('is sent again at every welcome, until it is seen in the log', () => {
    ann.goOnline();
    ann.type('own 1', 'own 2', 'own 3');
    ann.receive(log.own(1, 1));
    ann.comeBack({ head: 2 });
    expect(ann.sentIds).toEqual(['A2', 'A3']);
    // The second had arrived before: it is in the replay, and is mine all the same.
    ann.receive(log.own(2, 2));
    expect(ann.shown).toMatchObject([{ type: 'replay', count: 1 }, { own: true, replay: true }, { type: 'replayed' }]);
    expect(ann.waiting).toEqual(['own 3']);
    ann.comeBack();
    expect(ann.sentIds).toEqual(['A3']);
  });

  test('is not taken when 10,000 wait, and that is said', () => {
    ann.type(...Array.from({ length: maxWaiting }, () => 'x'));
    expect(ann.did).toEqual(nothing);
    ann.type('one too many');
    expect(ann.shown).toEqual([expect.objectContaining({ type: 'error', code: 'TOO_MANY_WAITING' })]);
    expect(ann.waiting).toHaveLength(maxWaiting);
    expect(ann.waiting).not.toContain('one too many');
  });

  test('and refused for its length is told, and does not block what follows', () => {
    ann.goOnline();
    ann.type('own 1', 'own 2');
    ann.receive(log.own(1, 1, { text: '', void: true, words: digestOf(fakeCrypto, mine(1)) }));
    expect(ann.shown).toEqual([expect.objectContaining({ type: 'error', code: 'REFUSED' })]);
    expect(ann.waiting).toEqual(['own 2']);
  });

  test('as an action is one on the disk, on the wire and when it comes back', () => {
    ann.step({ type: 'typed', text: 'own 1', action: true });
    const ts = ann.nowMs;
    ann.tick(60_000);
    ann.start();
    expect(ann.member.waiting).toMatchObject([{ text: 'own 1', ts, type: 'action' }]);
    ann.goOnline();
    expect(ann.sent).toEqual([{ ...mine(1, { type: 'action', ts }), first: true }]);
    ann.receive(log.own(1, 1, { type: 'action' }));
    expect(ann.shown).toMatchObject([{ type: 'message', text: 'own 1', own: true, action: true }]);
    ann.receive(log.entry(2));
    expect(ann.shown).toEqual([expect.not.objectContaining({ action: true })]);
  });

  test('is marked first on each connection', () => {
    ann.goOnline();
    ann.type('own 1', 'own 2');
    const both = [{ ...mine(1), first: true }, mine(2)];
    expect(ann.sent).toEqual(both);
    ann.comeBack();
    expect(ann.sent).toEqual(both);
  });

  test('has a counter above everything seen before, also by the program that is started next', () => {
    ann.goOnline();
    ann.receive(log.entry(1, { lc: 41 }));
    ann.type('own 1');
    expect(ann.sent).toMatchObject([{ lc: 42 }]);
    ann.receive(log.entry(2, { lc: 7 }));
    ann.start();
    ann.goOnline();
    ann.type('own 2');
    expect(ann.sent).toMatchObject([{ lc: 43 }]);
  });

  test('says what its author had seen of its own in the log', () => {
    ann.goOnline();
    ann.type('own 1', 'own 2');
    expect(ann.sent).toMatchObject([{ in: 0 }, { in: 0 }]);
    ann.receive(log.own(1, 1));
    ann.type('own 3');
    expect(ann.sent).toMatchObject([{ in: 1 }]);
  });

  test('long before it is sent says how long ago that was', () => {
    ann.type('own 1');
    ann.tick(lateMs - 1);
    ann.type('own 2');
    ann.tick(2);
    ann.goOnline();
    expect(ann.sent).toMatchObject([{ ago: lateMs + 1 }, expect.not.objectContaining({ ago: expect.anything() })]);
  });

  test('before the clock was set back says nothing of that', () => {
    ann.type('own 1');
    ann.wrongMs = -900_000;
    ann.goOnline();
    expect(ann.sent).toEqual([expect.not.objectContaining({ ago: expect.anything() })]);
  });

  test('on a machine whose clock is before 1970 bears the first moment that the wire has', () => {
    ann.wrongMs = -2 * ann.nowMs;
    ann.goOnline();
    ann.type('own 1');
    expect(ann.sent).toMatchObject([{ ts: 0 }]);
  });
});

describe('what is under way and does not come back', () => {
  beforeEach(() => {
    ann.goOnline();
    ann.type('own 1');
  });
  const beat = (times: number, seq = 0) => {
    for (let i = 0; i < times; i++) ann.receive({ kind: 'heartbeat', seq });
  };

  test('for three heartbeats is sent again, after another join', () => {
    beat(maxUnanswered - 1);
    expect(ann.did).toEqual(nothing);
    beat(1);
    expect(ann.sent).toEqual([ann.joinAt(0)]);
    ann.open();
    expect(ann.sentIds).toEqual(['A1']);
  });

  test('is waited for as long as the room holds it, and that it is too fast is told once', () => {
    const held = (count: number, heldMs?: number) => {
      ann.receive({ kind: 'heartbeat', seq: 0, kept: 0, held: count, ...(heldMs !== undefined && { heldMs }) });
      return ann.did;
    };
    const message = 'you write faster than this room takes: 1 message waits there, about 3 s. Nothing is lost.';
    const told = { ...nothing, shown: [{ type: 'status', code: 'SLOWED', message }] };
    expect(held(1, 3_000)).toEqual(told);
    for (let beats = 0; beats < 2 * maxUnanswered; beats++) expect(held(1, 3_000)).toEqual(nothing);
    expect(ann.member.held).toEqual({ count: 1, ms: 3_000 });
    expect([held(1), ann.member.held]).toEqual([nothing, undefined]);
    expect(held(1, 3_000)).toEqual(told);
  });

  test('counts only as long as something is', () => {
    ann.receive(log.own(1, 1));
    beat(5, 1);
    expect(ann.did).toEqual(nothing);
  });
});

describe('the disk', () => {
  beforeEach(() => {
    ann.goOnline();
    ann.slowDisk = true;
  });

  test('has what was typed before it is sent', () => {
    ann.type('own 1');
    expect(ann.did).toEqual(nothing);
    expect(ann.waiting).toEqual(['own 1']);
    expect(ann.commits).toMatchObject([{ pending: [{ text: 'own 1' }] }]);
    ann.keepOne();
    expect(ann.sentIds).toEqual(['A1']);
  });

  test('that was too slow for a program that was killed: the number is used again, it was never sent', () => {
    ann.type('own 1');
    ann.start();
    expect(ann.waiting).toEqual([]);
    ann.slowDisk = false;
    ann.goOnline();
    ann.type('own 1');
    expect(ann.sentIds).toEqual(['A1']);
  });

  test('lets go of what was typed together with its entry: when that was shown', () => {
    ann.slowDisk = false;
    ann.isHeld = true;
    ann.type('own 1');
    ann.receive(log.own(1, 1));
    expect([ann.waiting, ann.store.head]).toEqual([[], 0]);
    expect(ann.store.pending()).toMatchObject([{ text: 'own 1' }]);
    ann.print();
    const hash = fakeCrypto.hash(signedText(fakeCrypto, 'server', log.own(1, 1)));
    expect([ann.store.head, ann.store.pending(), ann.store.mark('A')]).toEqual([1, [], { dev: 'A', n: 1, hash }]);
  });
});

describe('a program that was started again', () => {
  beforeEach(() => {
    ann.goOnline();
    ann.type('own 1', 'own 2', 'own 3');
    ann.receive(log.entry(1), log.own(2, 1));
    ann.start();
  });

  test('joins from its cursor and sends what has not come back', () => {
    expect(ann.waiting).toEqual(['own 2', 'own 3']);
    ann.step(connected);
    expect(ann.sent).toEqual([ann.joinAt(2)]);
    ann.open({ n: 1 });
    expect(ann.sent).toMatchObject([
      { id: { n: 2 }, text: 'own 2', first: true, sig: expect.any(String) },
      { id: { n: 3 } },
    ]);
    expect(ann.shown).toMatchObject([{ state: 'online', waiting: 2 }]);
    expect(ann.shown[0]).not.toHaveProperty('afterMs');
  });

  test('does not use a number again', () => {
    ann.goOnline();
    ann.type('own 4');
    expect(ann.sentIds).toEqual(['A4']);
    ann.receive(log.own(3, 2), log.own(4, 3), log.own(5, 4));
    ann.start();
    ann.goOnline();
    ann.type('own 5');
    expect(ann.sentIds).toEqual(['A5']);
  });
});

describe('what is in the log at a place that is lost here', () => {
  beforeEach(() => {
    ann.goOnline();
    ann.type('own 1', 'own 2');
    log.own(1, 1);
    ann.receive(log.lost(1), log.own(2, 2));
  });
  const kept = () => ann.store.pending().map(({ text }) => text);

  test('waits no longer, and stays on the disk until its place is whole', () => {
    expect([ann.waiting, kept()]).toEqual([[], ['own 1']]);
    ann.receive(log.own(1, 1));
    expect([ann.shown, kept()]).toMatchObject([[{ text: 'own 1', mended: true }], []]);
  });

  test('also if the program was killed meanwhile', () => {
    ann.start();
    ann.goOnline({ head: 2, n: 2 });
    expect([ann.waiting, kept()]).toEqual([[], ['own 1']]);
  });

  test('is given back when the log is lost, too', () => {
    ann.meet(new Chain('new'));
    expect(ann.sentIds).toEqual(['A1', 'A2']);
  });

  test('loses its words when they are erased', () => {
    const gone = { id: { dev: 'A', n: 1 }, words: digestOf(fakeCrypto, mine(1)) };
    const proof = signature('server', erasureText('server', gone));
    ann.receive(log.entry(3, { ...erasing({ ...gone, proof }), key: 'server', id: { dev: 'run', n: 1 } }));
    expect(kept()).toEqual(['']);
  });
});

describe('what the log had and no longer keeps', () => {
  beforeEach(() => {
    ann.goOnline();
    ann.type('own 1', 'own 2');
    ann.step(disconnected);
  });

  test('waits no longer, once what is kept was read', () => {
    ann.log = new Chain('log', 8);
    ann.goOnline({ head: 9, n: 1 });
    expect(ann.waiting).toEqual(['own 1', 'own 2']);
    ann.receive(ann.log.entry(9));
    expect(ann.waiting).toEqual(['own 2']);
    expect(ann.store.pending()).toMatchObject([{ text: 'own 2' }]);
  });

  test('is held as long as any place is lost here, and no longer', () => {
    ann.log = new Chain('log', 8);
    ann.goOnline({ head: 9, n: 1 });
    ann.receive(ann.log.lost(9));
    expect([ann.waiting, ann.store.pending().length]).toEqual([['own 2'], 2]);
    ann.receive(ann.log.entry(9));
    expect(ann.store.pending()).toMatchObject([{ text: 'own 2' }]);
  });

  test('counts as used when the program is started again: it is no copied folder', () => {
    ann.goOnline({ since: 9, n: 2 });
    expect([ann.waiting, ann.store.pending()]).toEqual([[], []]);
    ann.start();
    ann.goOnline({ since: 9, n: 2 });
    expect(ann.failed).toEqual([]);
    ann.type('own 3');
    expect(ann.sentIds).toEqual(['A3']);
  });

  test('stays on the disk until the place where that was learned was shown', () => {
    ann.isHeld = true;
    ann.log = new Chain('log', 8);
    ann.goOnline({ head: 9, n: 2 });
    ann.receive(ann.log.entry(9));
    expect([ann.waiting, ann.store.pending(), ann.store.mark('A')]).toMatchObject([[], [{}, {}], undefined]);
    ann.print();
    expect([ann.store.pending(), ann.store.mark('A')]).toMatchObject([[], { n: 2 }]);
  });
});
