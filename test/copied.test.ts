import { beforeEach, describe, expect, test } from 'vitest';
import { erasing, erasureText } from '../src/protocol/erasure.ts';
import type { Message } from '../src/protocol/frames.ts';
import { digestOf, signedHash } from '../src/protocol/signed.ts';
import { fakeCrypto, signature } from './support/fake-crypto.ts';
import { Chain, challenge, connected, greeting, MemberWorld } from './support/member-world.ts';

let ann: MemberWorld;
let log: Chain;
beforeEach(() => {
  ann = new MemberWorld();
  log = ann.log;
});
const line = expect.objectContaining({ type: 'status', code: 'NEW_DEVICE' });
const hashOf = (message: Message) => signedHash(fakeCrypto, 'server', message);
const own = (n: number) => log.own(n, n);
/** The room's entry that says of a message that its words are erased. */
const telling = (of: Message): Partial<Message> => {
  const id = of.id as NonNullable<Message['id']>;
  const gone = { id, words: digestOf(fakeCrypto, of) };
  const proof = signature('server', erasureText('server', gone));
  return { ...erasing({ ...gone, proof }), id: { dev: 'run', n: 1 }, key: 'server' };
};
const answer = (wish: 'resend' | 'discard' | 'keep') => ann.step({ type: 'left', wish });
const pending = () => ann.store.pending().map(({ id, text }) => `${id?.dev}${id?.n} ${text}`);
/** The program starts in what is a copy of the folder of before. */
const startCopied = () => {
  const { dev, former } = ann.store;
  ann.start({ dev: dev || 'A', former, isCopied: true });
};
/** The program starts again in the same folder. */
const startAgain = () => ann.start({ dev: ann.store.dev, former: ann.store.former });

describe('a folder that was copied or restored is noticed', () => {
  test('by its inode, before anything is typed or sent', () => {
    startCopied();
    ann.type('one');
    expect([ann.shown, pending()]).toEqual([[line], ['A21 one']]);
    ann.goOnline();
    expect(ann.sent).toContainEqual(expect.objectContaining({ kind: 'message', id: { dev: 'A2', n: 1 } }));
    expect(ann.store.dev).toBe('A2');
  });

  test('by a number that was never used here', () => {
    ann.goOnline({ n: 5 });
    expect(ann.shown).toEqual([line]);
    ann.open();
    expect(ann.shown).toMatchObject([{ type: 'state', state: 'online' }]);
  });

  test('by a number under which something was typed, and not sent yet', () => {
    ann.type('one', 'two');
    ann.goOnline({ n: 1, head: 1 });
    expect(ann.shown).toEqual([line]);
    expect(ann.member.courier.left.messages.map(({ text }) => text)).toEqual(['one', 'two']);
  });

  test('by other words under its newest number, waiting or seen', () => {
    ann.goOnline();
    ann.type('one');
    const other = { ...own(1), text: 'of the other place' };
    ann.comeBack({ n: 1, nHash: hashOf(own(1)), head: 1 });
    expect(ann.shown).not.toContainEqual(line);
    ann.receive(own(1));
    ann.comeBack({ n: 1, nHash: hashOf(own(1)) });
    expect(ann.shown).not.toContainEqual(line);
    ann.comeBack({ n: 1, nHash: hashOf(other) });
    expect(ann.shown).toContainEqual(line);
    ann = new MemberWorld();
    ann.goOnline();
    ann.type('one');
    ann.comeBack({ n: 1, nHash: hashOf(other), head: 1 });
    expect(ann.shown).toContainEqual(line);
  });

  test('by any number of what was never signed here, and so has gone to nobody', () => {
    ann.type('one', 'two');
    ann.goOnline({ n: 1, head: 1 });
    expect(ann.shown).toContainEqual(line);
  });

  test('by other words, or a number never used, in an entry that comes', () => {
    ann.goOnline();
    ann.type('one');
    ann.receive(log.own(1, 1, { text: 'of the other place' }));
    expect(ann.shown).toContainEqual(line);
    expect(ann.sent).toMatchObject([{ kind: 'join', dev: 'A2', since: 1 }]);
    ann = new MemberWorld();
    ann.goOnline();
    ann.receive(ann.log.own(1, 7));
    expect(ann.shown).toContainEqual(line);
  });

  test('by a session that it has not begun, which took the place of its own', () => {
    // Whose that was before she came first, nobody can tell: it may have been this program, before it was started anew.
    ann.goOnline({ ended: 'of before' });
    ann.comeBack({ ended: 'cn' });
    expect(ann.shown).not.toContainEqual(line);
    ann.comeBack({ ended: 'of another place' });
    expect(ann.shown).toContainEqual(line);
    expect(ann.sent).toMatchObject([{ kind: 'join', dev: 'A2' }]);
  });

  test('not by a lower number, nor by what the room refused: there other words stand by right', () => {
    ann.goOnline();
    ann.type('one', 'two');
    ann.comeBack({ n: 1, head: 1 });
    expect(ann.shown).not.toContainEqual(line);
    ann = new MemberWorld();
    ann.goOnline();
    ann.type('own 1');
    const typed = Chain.typed.get(1) as Message;
    ann.receive(ann.log.own(1, 1, { text: '', void: true, words: digestOf(fakeCrypto, typed) }));
    expect(ann.shown).not.toContainEqual(line);
    // What she had signed was another text than what stands there.
    ann.comeBack({ n: 1, nHash: hashOf(typed) });
    expect(ann.shown).not.toContainEqual(line);
  });

  test('by what the room refused of the other place under a number of this one: what was typed here is asked about', () => {
    ann.goOnline();
    ann.type('own 1');
    const other = { ...(Chain.typed.get(1) as Message), text: 'too long' };
    ann.receive(ann.log.own(1, 1, { text: '', void: true, words: digestOf(fakeCrypto, other) }));
    expect(ann.shown).toContainEqual(line);
    expect(ann.member.courier.left.messages).toMatchObject([{ text: 'own 1' }]);
  });

  test('not by an entry that a stranger says is of her device: it counts for nobody', () => {
    ann.goOnline();
    ann.type('one');
    ann.receive(log.own(1, 1, { text: 'stolen', key: 'kE' }), log.own(2, 9, { key: 'kE' }));
    expect([ann.shown, ann.waiting]).toEqual([[], ['one']]);
    expect([ann.store.head, ann.store.mark('A')]).toEqual([2, undefined]);
  });

  test('and so is an identity that is not the one of before', () => {
    ann.start({ dev: 'X' });
    ann.type('one');
    expect(ann.shown).toEqual([line]);
    ann.goOnline();
    expect(ann.sentIds).toEqual(['A21']);
  });
});

describe('what waits in a folder that was copied', () => {
  beforeEach(() => {
    ann.goOnline();
    ann.type('one', 'two', 'three');
    startCopied();
  });

  test('is asked about when the log was read, without what is in it', () => {
    ann.goOnline({ n: 0, head: 2 });
    expect(ann.failed).toEqual([]);
    ann.receive(own(1), log.entry(2));
    expect(ann.failed).toEqual(['DATA_COPIED']);
    expect(ann.failure).toContain('from elsewhere: "two", "three".');
    expect(pending()).toEqual(['A2 two', 'A3 three']);
  });

  test('is no matter when all of it is in the log', () => {
    ann.goOnline({ head: 3 });
    ann.receive(own(1), own(2), own(3));
    expect([ann.failed, pending(), ann.store.former]).toEqual([[], [], []]);
  });

  test('is no matter either when another copy has signed it under another name', () => {
    ann.goOnline({ head: 3 });
    ann.receive(...[1, 2, 3].map((n) => log.own(n, n, { name: 'anna', sig: 'of the other copy' })));
    expect([ann.failed, pending()]).toEqual([[], []]);
  });

  test('is not taken for what the log has under the same number', () => {
    ann.goOnline({ head: 1 });
    ann.receive(log.own(1, 1, { text: 'of the other place' }));
    expect(ann.failure).toContain('"one", "two", "three".');
  });

  test('keeps its words when other ones under the same number are erased', () => {
    ann.goOnline({ head: 2 });
    ann.receive(log.own(1, 1, { text: 'of the other place' }));
    ann.receive(log.entry(2, telling(log.entry(1))));
    expect([ann.failure, pending()]).toEqual([
      expect.stringContaining('"one", "two", "three".'),
      ['A1 one', 'A2 two', 'A3 three'],
    ]);
    startAgain();
    ann.goOnline();
    expect(ann.failure).toContain('"one", "two", "three".');
  });

  test('is not asked about when the room has erased it: it was said', () => {
    ann.goOnline({ head: 2 });
    const [one] = ann.store.pending();
    ann.receive(log.entry(1), log.entry(2, telling(one as Message)));
    expect([ann.failure, pending()]).toEqual([expect.stringContaining('"two", "three".'), ['A2 two', 'A3 three']]);
  });

  test('holds back what is typed now until that is decided', () => {
    ann.goOnline({ head: 1 });
    ann.type('new');
    expect(ann.sentIds).toEqual([]);
    ann.receive(log.entry(1));
    expect(ann.sentIds).toEqual([]);
    answer('keep');
    expect(ann.sentIds).toEqual(['A21']);
    ann.comeBack();
    expect([ann.failed, pending().length]).toEqual([[], 4]);
  });

  test('goes out as the new device, each line once, at the time when it was typed', () => {
    const [{ ts } = {}] = ann.store.pending();
    ann.tick(60_000);
    ann.goOnline();
    answer('resend');
    expect(ann.sentIds).toEqual(['A21', 'A22', 'A23']);
    expect(ann.sent).toMatchObject([{ text: 'one', ts }, { text: 'two' }, { text: 'three' }]);
    expect(pending()).toEqual(['A21 one', 'A22 two', 'A23 three']);
    startAgain();
    ann.goOnline();
    expect([ann.failed, ann.waiting]).toEqual([[], ['one', 'two', 'three']]);
  });

  test('is dropped if nobody wants it', () => {
    ann.goOnline();
    answer('discard');
    expect([ann.sentIds, pending(), ann.store.former]).toEqual([[], [], []]);
  });

  test('is asked about again by the next program, until it is decided', () => {
    ann.goOnline();
    answer('keep');
    for (let run = 0; run < 2; run++) {
      startAgain();
      ann.goOnline();
      expect([ann.failed, ann.store.dev, pending().length]).toEqual([['DATA_COPIED'], 'A2', 3]);
    }
  });

  test('is given back by nobody, whatever becomes of the log', () => {
    ann.goOnline();
    answer('keep');
    ann.meet(new Chain('new'));
    ann.tick(60_000);
    expect([ann.sentIds, pending().length]).toEqual([[], 3]);
  });

  test('is asked about in a room of the original, too', () => {
    ann = new MemberWorld();
    ann.type('one');
    startCopied();
    ann.goLegacy();
    ann.receive(greeting);
    expect(ann.failed.length + ann.sent.filter(({ kind }) => kind === 'message').length).toBeLessThanOrEqual(1);
    answer('resend');
    expect(ann.sent).toMatchObject([{ kind: 'message', text: 'one' }]);
  });

  test('and was typed before the room was met is found under the name that it got', () => {
    ann = new MemberWorld();
    log = ann.log;
    ann.type('one');
    const [typed] = ann.store.pending();
    startCopied();
    ann.goOnline({ head: 1 });
    ann.receive(log.entry(1, { ...typed, name: 'ann b', key: 'kA' }));
    expect([ann.failed, pending()]).toEqual([[], []]);
  });
});

describe('what was typed for a room under another address', () => {
  const typed = (text: string, ts: number): Message => ({
    kind: 'message',
    name: 'ann',
    text,
    id: { dev: 'A7', n: 1 },
    ts,
  });

  test('is said in its own folder, once, however often it is carried there', () => {
    ann.goOnline();
    ann.receive(log.entry(1));
    for (let run = 0; run < 2; run++) {
      ann.start({ room: 'server', carried: [typed('one', 1), typed('two', 2)] });
      ann.goOnline();
      expect(ann.waiting).toEqual(['one', 'two']);
    }
    expect(ann.sent).toMatchObject([
      { id: { dev: 'A', n: 1 }, ts: 1, lc: 2, sig: expect.any(String) },
      { ts: 2, lc: 3 },
    ]);
    ann.receive(log.own(2, 1), log.own(3, 2));
    ann.start({ room: 'server', carried: [typed('one', 1), typed('two', 2)] });
    expect(ann.waiting).toEqual([]);
  });

  test('is so as soon as the key says that the room is known', () => {
    const meets = (known: string) => {
      ann.start({ keeps: (room) => room === known });
      ann.step(connected);
      ann.receive(challenge);
      return [ann.failed, ann.sent.length];
    };
    expect([meets('server'), meets('another')]).toEqual([
      [['OTHER_ROOM'], 0],
      [[], 1],
    ]);
  });
});
