import { beforeEach, describe, expect, test } from 'vitest';
import { silentMs } from '../src/core/limits.ts';
import type { Message } from '../src/protocol/frames.ts';
import { signedText } from '../src/protocol/signed.ts';
import { fakeCrypto, signature } from './support/fake-crypto.ts';
import {
  Chain,
  challenge,
  connected,
  disconnected,
  join,
  MemberWorld,
  nothing,
  notice,
  plain,
  proofOf,
  refused,
} from './support/member-world.ts';

let ann: MemberWorld;
beforeEach(() => {
  ann = new MemberWorld();
});

describe('another name', () => {
  const names = () => ann.sent.map((sent) => (sent.kind === 'message' ? `${sent.name} ${sent.id?.n}` : sent.kind));
  const error = (message: string) => ({ type: 'error', code: 'NAME_REFUSED', message });
  const theirs = '"bo" belongs to somebody else.';
  /** Nothing is sent, and this is all that is said. */
  const says = (message: string) =>
    expect(ann.did).toEqual({ ...nothing, shown: [{ type: 'status', code: 'NAME', message }] });
  const later = (name: string) => says(`you will be called ${name} when you are online`);
  const known = { log: 'log', since: 0 };

  test('is asked for on the same connection, and is mine when the server has taken it', () => {
    ann.goOnline();
    ann.rename('anna');
    expect(ann.did).toEqual({ ...nothing, sent: [join({ name: 'anna', ...known })] });
    expect(ann.member.name).toBe('ann');
    ann.receive(challenge);
    expect(ann.sent).toEqual([join({ name: 'anna', ...known, proof: proofOf('anna') })]);
    ann.receive(ann.welcome({ who: 'anna' }));
    expect(ann.shown).toEqual([{ type: 'renamed', was: 'ann', name: 'anna' }]);
    ann.step({ type: 'leave' });
    expect(ann.sent).toEqual([{ kind: 'leave', name: 'anna' }]);
  });

  test('does not change what is typed before it is taken', () => {
    ann.goOnline();
    ann.type('own 1');
    ann.rename('anna');
    ann.type('own 2');
    ann.open({ who: 'anna' });
    expect(names()).toEqual(['ann 1', 'ann 2']);
    ann.type('own 3');
    expect(names()).toEqual(['anna 3']);
  });

  test('that is refused is said, and I am back under the old one', () => {
    ann.goOnline();
    ann.rename('bo');
    ann.receive(challenge);
    ann.type('own 1');
    ann.receive(refused(theirs), refused(theirs));
    expect(ann.did).toEqual({ ...nothing, sent: [join(known)], shown: [error(theirs)] });
    ann.open({ who: 'ann' });
    expect(ann.shown).toEqual([]);
    expect(names()).toEqual(['ann 1']);
    expect(ann.member.online).toBe(true);
  });

  test('is asked for again on the next connection when the answer is lost', () => {
    ann.goOnline();
    ann.rename('anna');
    ann.tick(silentMs);
    expect(ann.hungUp).toBe(1);
    ann.step(connected);
    expect(ann.sent).toEqual([join({ name: 'anna', ...known })]);
  });

  test('chosen offline is asked for at the next join', () => {
    ann.goOnline();
    ann.step(disconnected);
    ann.rename('anna');
    later('anna');
    ann.type('own 1');
    expect(ann.member.name).toBe('ann');
    ann.step(connected);
    expect(ann.sent).toEqual([join({ name: 'anna', ...known })]);
    ann.open({ who: 'anna' });
    expect(ann.shown).toMatchObject([{ state: 'online' }, { type: 'renamed', name: 'anna' }]);
    expect([names(), ann.member.name]).toEqual([['ann 1'], 'anna']);
  });

  test('of a program that ended stays on what was typed under it', () => {
    ann.goOnline();
    ann.rename('anna');
    ann.open({ who: 'anna' });
    ann.step(disconnected);
    ann.type('own 1');
    ann.start();
    ann.goOnline({ who: 'ann' });
    expect(names()).toEqual(['anna 1']);
  });

  test('chosen while joining is asked for after the welcome, which is for the old one', () => {
    ann.step(connected);
    ann.receive(challenge);
    expect(ann.sent).toMatchObject([{ name: 'ann', proof: expect.any(String) }]);
    ann.rename('anna');
    later('anna');
    ann.receive(challenge);
    expect(ann.sent).toEqual([]);
    ann.receive(ann.welcome({ who: 'ann' }));
    expect(ann.shown).toMatchObject([{ state: 'online' }]);
    expect(ann.sent).toEqual([join({ name: 'anna', ...known })]);
  });

  test('chosen while another is asked for is asked for next, taken or refused', () => {
    ann.goOnline();
    ann.rename('bo');
    ann.rename('anna');
    later('anna');
    ann.receive(challenge, refused(theirs));
    expect(ann.sent.at(-1)).toEqual(join({ name: 'anna', ...known }));
    ann.rename('ann');
    ann.receive(challenge);
    ann.receive(ann.welcome({ who: 'anna' }));
    expect(ann.did).toEqual({
      ...nothing,
      shown: [{ type: 'renamed', was: 'ann', name: 'anna' }],
      sent: [join(known)],
    });
    ann.open({ who: 'ann' });
    expect(ann.did).toEqual({ ...nothing, shown: [{ type: 'renamed', was: 'anna', name: 'ann' }] });
  });

  test('that is the present one is said to be that, and changes nothing', () => {
    ann.goOnline();
    ann.rename('ann');
    says('you are called ann');
    ann.rename('anna');
    ann.open({ who: 'anna' });
    ann.rename('anna');
    says('you are called anna');
  });

  test('is what the server has made of it; one that does not say, or says none, has taken it as it is', () => {
    ann.goOnline();
    ann.rename('anna');
    ann.open({ who: 'ANNA' });
    expect(ann.shown).toEqual([{ type: 'renamed', was: 'ann', name: 'ANNA' }]);
    ann.rename('anne');
    ann.open();
    expect(ann.shown).toEqual([{ type: 'renamed', was: 'ANNA', name: 'anne' }]);
    ann.rename('anni');
    ann.open({ who: '[x]\n' });
    expect(ann.member.name).toBe('anni');
  });

  test.each<[string, () => void]>([
    ['the server has never seen', () => {}],
    [
      'the server refuses',
      () => {
        ann.goOnline();
        ann.start();
      },
    ],
  ])('taken after one %s is that of what was typed before: else it would be void', (_name, arrive) => {
    arrive();
    ann.step(connected);
    ann.type('own 1');
    ann.receive(challenge, refused('"ann" belongs to somebody else.'));
    ann.rename('anna');
    ann.open({ who: 'anna' });
    expect(names()).toEqual(['anna 1']);
  });

  test('is none of what was typed before, in a log that is not the one known here neither', () => {
    ann.goOnline();
    ann.type('own 1', 'own 2');
    ann.receive(ann.log.entry(1, ann.sent[0] as Message));
    ann.rename('anna');
    ann.log = new Chain('new');
    ann.open({ who: 'anna', fork: true });
    expect(names()).toEqual(['ann 1', 'ann 2']);
    for (const { sig, first: _, key: __, ...message } of ann.sent as Message[])
      expect(sig).toBe(signature('kA', signedText(fakeCrypto, 'server', message)));
    expect(ann.store.pending().map(({ name }) => name)).toEqual(['ann', 'ann']);
  });
});

describe('who is there', () => {
  const who = () => [ann.member.present, ...ann.member.others];
  const rename = (was: string, name: string) => notice({ notice: 'rename', was, who: name, online: 3 });

  test('is nobody before the welcome, then those it names, without me', () => {
    expect(who()).toEqual([0]);
    ann.goOnline({ members: ['cy', 'ann', 'bo'], online: 3 });
    expect(who()).toEqual([3, 'cy', 'bo']);
  });

  test('is said anew by every welcome, also when a gap is read again; speakers stay first', () => {
    ann.goOnline({ members: ['ann', 'bo', 'cy'], online: 3 });
    ann.receive(ann.log.entry(1, { name: 'cy' }), ann.log.entry(3));
    ann.open({ members: ['dot', 'ann', 'cy'], online: 3 });
    expect(ann.shown).toEqual([]);
    expect(who()).toEqual([3, 'cy', 'dot']);
  });

  test.each([
    ['lost', () => ann.step(disconnected)],
    ['silent', () => ann.tick(silentMs)],
  ])('stays as it was when the connection is %s, but nobody knows how many are online', (_name, lose) => {
    ann.goOnline();
    lose();
    expect(who()).toEqual([0, 'bo']);
    ann.goOnline();
    expect(who()).toEqual([2, 'bo']);
  });

  test('is never me: not under a new name, nor at another device', () => {
    ann.goOnline({ members: ['ann', 'bo'] });
    ann.rename('anna');
    ann.open({ who: 'anna', members: ['anna', 'bo'] });
    expect(who()).toEqual([2, 'bo']);
    ann.receive(rename('anna', 'anne'));
    ann.receive(ann.log.entry(1, { name: 'annie', key: 'kA', id: { dev: 'A2', n: 1 } }));
    expect(ann.member.others).toEqual(['bo']);
  });
});

describe('a message that names me', () => {
  const marks = () => ann.shown.map((event) => event.type === 'message' && event.mention === true);

  test('is marked, also in a replay and in an original room', () => {
    ann.goOnline({ head: 1 });
    const { log } = ann;
    ann.receive(
      log.entry(1, { text: 'hello, Ann!' }),
      log.entry(2, { text: 'ANN?' }),
      log.entry(3, { text: 'annoying' }),
    );
    expect(marks()).toEqual([false, true, false, true, false]);
    ann.start();
    ann.goLegacy();
    ann.receive(plain('bo', 'ann?'), plain('server', 'ann joined the room. 4 online.'));
    expect(marks()).toEqual([true, false]);
  });

  test('is not marked when it is my own, from whatever device', () => {
    ann.goOnline();
    ann.type('I am ann');
    ann.receive(ann.log.own(1, 1));
    expect(marks()).toEqual([false]);
    ann.receive(ann.log.entry(2, { name: 'ann', text: 'I am ann', key: 'kA', id: { dev: 'A2', n: 1 } }));
    expect(marks()).toEqual([false]);
  });
});
