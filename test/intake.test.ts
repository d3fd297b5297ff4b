import { beforeEach, describe, expect, test, vi } from 'vitest';
import { defaultPace, maxChallenges } from '../src/core/limits.ts';
import { Feed } from '../src/core/log/feed.ts';
import { Ledger } from '../src/core/log/ledger.ts';
import type { Log } from '../src/core/log/log.ts';
import { Shares } from '../src/core/log/shares.ts';
import { Door } from '../src/core/room/door.ts';
import { Pacing } from '../src/core/room/pacing.ts';
import { Presence, type Session } from '../src/core/room/presence.ts';
import { Effects } from '../src/core/turn.ts';
import { decode, encode, seal } from '../src/protocol/codec.ts';
import { type Join, type Leave, type Message, maxTextBytes, type Upload } from '../src/protocol/frames.ts';
import { joinProof, sessionInfo, sessionSalt } from '../src/protocol/signed.ts';
import { fakeCrypto, fakeIdentity, signature } from './support/fake-crypto.ts';
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

const now = { ms: 0, wallMs: 5 };
const options = {
  name: 'server',
  dev: 'run',
  crypto: fakeCrypto,
  identity: fakeIdentity('server'),
  retention: { entries: 1, ageMs: 1 },
  nonce: () => 'nonce',
  salt: () => 'salt',
};
const join: Join = { kind: 'join', name: 'ann', version: 1, key: 'kA', dev: 'A', cn: 'cn' };
const sessionKey =
  fakeIdentity('kA').sessionKey('server', sessionSalt('nonce', 'cn'), sessionInfo('server', join)) ?? '';
const sealed = (frame: Leave | Upload, key = sessionKey) => seal(frame, (text) => fakeCrypto.mac(key, text));

const unpaced = (log: Log) =>
  new Pacing(undefined, new Shares(log, options.retention, defaultPace.share, 'server', (ms) => ms), () => undefined);

/** A door that has asked who is there, and let in `session`, if there is one. */
const open = (session: Session | undefined) => {
  const { log } = new Written();
  const presence = new Presence('server', new Feed(log));
  const effects = new Effects();
  const door = new Door(options, { log, ledger: new Ledger(options, log), presence, effects, pacing: unpaced(log) });
  const prove = (more: Partial<Join> = {}) => {
    const joined = { ...join, ...more };
    door.knock('a', joined, now);
    return door.knock('a', { ...joined, proof: signature('kA', joinProof('nonce', 'server', joined)) }, now);
  };
  if (session) prove();
  effects.take();
  if (session) presence.sessions.set('a', session);
  const receive = (data: string) => decode(Buffer.from(data));
  const take = (data: string) => {
    const frame = receive(data);
    if (frame.kind === 'upload') return door.take('a', frame);
    return frame.kind === 'leave' ? [door.part('a', frame)] : [frame];
  };
  return { door, effects, prove, take };
};

/** What the door proposes of a message in a frame of its own, of `session` or of nobody in the room; and what it sends. */
const hear = (message: Message, session: Session | undefined) => {
  const { door, effects } = open(session);
  return { proposal: door.hear('a', message, now), sent: effects.take() };
};
const take = (message: Message, session = member) => {
  const { proposal, sent } = hear(message, session);
  expect(sent).toEqual([]);
  return proposal;
};
/** What it proposes of a message in an upload. */
const upload = (...messages: Message[]) => open(member).take(sealed({ kind: 'upload', k: 1, messages }));
const unsealed = { type: 'ignored', reason: 'words without the seal of their session' };

describe('a message', () => {
  test('of the session’s own device and key is said by it', () => {
    expect(upload(own)).toMatchObject([{ type: 'say', by: { from: 'a' }, message: own, name: 'ann' }]);
  });

  test.each([
    ['device', { id: { dev: 'B', n: 1 } }],
    ['key', { key: 'kB' }],
    ['key, but none', { key: undefined }],
  ])('of another %s was kept for somebody', (_what, more) => {
    expect(upload({ ...own, ...more } as Message)).toMatchObject([{ type: 'giveBack', by: { from: 'a' } }]);
  });

  test('with a place is an entry for a place that was lost, and nothing else', () => {
    const placed = { ...own, seq: 3, hash: 'h' };
    expect(take(placed)).toEqual({ type: 'mend', message: placed });
  });

  test('bears nothing that only a log may say', () => {
    const claims = { seq: 9, hash: 'h', void: true, guest: true, first: true } as const;
    const taken = { ...own, first: true };
    expect(upload({ ...own, ...claims })).toMatchObject([{ message: taken }]);
    for (const from of [own, { ...own, id: { dev: 'B', n: 1 } }]) {
      const [proposal] = upload({ ...from, ...claims });
      const message = proposal && 'message' in proposal ? proposal.message : {};
      expect(Object.keys(message)).not.toContain('void');
      for (const key of ['seq', 'hash', 'void', 'guest']) expect(Object.keys(message)).not.toContain(key);
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

describe('the seal of a session', () => {
  const words = (k: number, n = k): Upload => ({ kind: 'upload', k, messages: [{ ...own, id: { dev: 'A', n } }] });
  const said = [{ type: 'say', message: { id: { dev: 'A', n: 1 } } }];
  const leave: Leave = { kind: 'leave', name: 'ann' };

  test('is needed: by the door that the words come in, whatever they say of themselves', () => {
    const { take } = open(member);
    expect(take(encode(words(1)))).toEqual([unsealed]);
    expect(take(encode(leave))).toEqual([unsealed]);
    expect(hear(own, member).proposal).toEqual(unsealed);
    expect(take(sealed(leave))).toEqual([{ type: 'leave', from: 'a' }]);
    expect(take(sealed(words(1)))).toMatchObject(said);
  });

  test('is not needed to leave by a client of the original', () => {
    expect(open(guest()).take(encode(leave))).toEqual([{ type: 'leave', from: 'a' }]);
  });

  test.each<[string, (data: string) => string]>([
    ['cut short', (data) => data.replace('hi', 'h')],
    ['longer', (data) => data.replace('"m":[', '"more":1,"m":[')],
    ['with another count', (data) => data.replace('"up":1', '"up":01'.replace('01', '2'))],
    ['with a space in it', (data) => data.replace('"up":1', '"up": 1')],
    ['with a byte order mark', (data) => `\ufeff${data}`],
    ['with something behind the seal', (data) => data.replace(/}$/, ',"x":1}')],
    ['with a second seal', (data) => data.replace(/}$/, `,"mac":"${'-'.repeat(22)}"}`)],
    ['with the seal of a leave', () => `${encode(words(1)).slice(0, -1)}${sealed(leave).slice(-32)}`],
    ['with a seal of half the length', (data) => data.replace(/"mac":"(.{11}).*"}$/, '"mac":"$1"}')],
  ])('does not fit a frame %s', (_what, change) => {
    const { take } = open(member);
    const [outcome] = take(change(sealed(words(1))));
    expect(['ignored', 'malformed']).toContain(
      outcome && ('type' in outcome ? outcome.type : 'kind' in outcome && outcome.kind),
    );
    expect(take(sealed(words(1)))).toMatchObject(said);
  });

  test('is good for one frame: again, too early and out of order nothing is taken', () => {
    const { take } = open(member);
    take(sealed(words(1)));
    expect(take(sealed(words(1)))).toMatchObject([{ type: 'ignored' }]);
    expect(take(sealed(words(3)))).toMatchObject([{ type: 'rejoin' }]);
    expect(take(sealed(words(2)))).toEqual([]);
    expect(take(sealed(words(3)))).toEqual([]);
  });

  test('is good until the next proof, which counts anew', () => {
    const { take, prove, door, effects } = open(member);
    const later = { ...join, cn: 'cn2' };
    const key = fakeIdentity('kA').sessionKey('server', sessionSalt('nonce', 'cn2'), sessionInfo('server', later));
    take(sealed(words(1)));
    prove({ cn: 'cn2' });
    expect(take(sealed(words(2)))).toEqual([unsealed]);
    expect(take(sealed(words(1), key))).toMatchObject(said);
    // A name that is refused makes no difference.
    prove({ cn: 'cn3', name: 'server' });
    expect(take(sealed(words(2), key))).toEqual([unsealed]);
    door.forget('a');
    expect(take(sealed(words(1), key))).toEqual([unsealed]);
    effects.take();
  });

  test('needs a key, which is made once, and only when there is something to seal', () => {
    const made = vi.spyOn(options.identity, 'sessionKey');
    const { take, prove } = open(member);
    expect(made).not.toHaveBeenCalled();
    for (const n of [1, 2]) expect(take(sealed(words(n)))).toMatchObject([{ type: 'say' }]);
    expect(made).toHaveBeenCalledTimes(1);
    prove({ cn: 'cn2' });
    expect(take(sealed(words(1)))).toEqual([unsealed]);
    expect(made).toHaveBeenCalledTimes(2);
    made.mockRestore();
  });

  test('is that of one connection and of who is there: nobody else’s words are taken over it', () => {
    const { door, take } = open({ ...member, who: 'kB', dev: 'B' });
    expect(take(sealed(words(1)))).toEqual([unsealed]);
    expect(door.take('b', decode(Buffer.from(sealed(words(1)))) as Upload)).toEqual([]);
    expect(open({ ...member, dev: 'A2' }).take(sealed(words(1)))).toEqual([unsealed]);
  });
});

describe('a question', () => {
  const proofOf = (nonce: string, cn = 'cn'): Join => ({
    ...join,
    cn,
    proof: signature('kA', joinProof(nonce, 'server', join)),
  });
  let count = 0;
  const counting = () => {
    const { log } = new Written();
    const presence = new Presence('server', new Feed(log));
    const effects = new Effects();
    const parts = { log, ledger: new Ledger(options, log), presence, effects, pacing: unpaced(log) };
    const door = new Door({ ...options, nonce: () => `n${++count}` }, parts);
    const answer = (from: string, frame: Join) => {
      const proposal = door.knock(from, frame, now);
      const [sent] = effects.take().flatMap((effect) => (effect.type === 'send' ? JSON.parse(effect.data) : []));
      return proposal?.type ?? sent;
    };
    return { door, answer };
  };
  beforeEach(() => (count = 0));

  test('is another one for each connection and each join, and the same for the same', () => {
    const { answer } = counting();
    expect(['a', 'b', 'a'].map((from) => answer(from, join).nonce)).toEqual(['n1', 'n2', 'n1']);
    expect(answer('a', { ...join, cn: 'cn2' })).toMatchObject({ nonce: 'n3', cn: 'cn2' });
  });

  test('is answered once: the same proof does not open a second session', () => {
    const { answer, door } = counting();
    answer('a', join);
    expect(answer('a', proofOf('n1'))).toBe('enter');
    expect(answer('a', proofOf('n1'))).toBeUndefined();
    door.forget('a');
    expect(answer('a', proofOf('n1'))).toBeUndefined();
    answer('a', join);
    expect(answer('a', proofOf('n1'))).toMatchObject({ refused: 'PROOF_REFUSED' });
  });

  test('is of one connection, and gone with it', () => {
    const { answer, door } = counting();
    answer('a', join);
    answer('b', join);
    expect(answer('b', proofOf('n1'))).toMatchObject({ refused: 'PROOF_REFUSED' });
    door.forget('a');
    expect(answer('a', proofOf('n1'))).toEqual({ rejoin: 0 });
  });

  test('is void when there are too many: the oldest are asked again', () => {
    const { answer } = counting();
    answer('a', join);
    for (let i = 0; i < maxChallenges; i++) answer(`x${i}`, join);
    expect(answer('a', proofOf('n1'))).toEqual({ rejoin: 0 });
    expect(answer(`x${maxChallenges - 1}`, proofOf(`n${maxChallenges + 1}`))).toBe('enter');
  });

  test('is not asked of another version: it is told which one is spoken here', () => {
    const { answer } = counting();
    expect(answer('a', { ...join, version: 2 })).toMatchObject({ refused: 'VERSION_REFUSED', v: 1, cn: 'cn' });
  });
});
