import { beforeEach, describe, expect, test } from 'vitest';
import { type Message, maxTextBytes } from '../src/protocol/frames.ts';
import { signedText } from '../src/protocol/signed.ts';
import { fakeCrypto } from './support/fake-crypto.ts';
import { bye, entry, gone, greeting, hello, type Json, range, words } from './support/people.ts';
import { RoomWorld } from './support/room-world.ts';

/* Clients of the original program in the room. */

let world: RoomWorld;
beforeEach(() => {
  world = new RoomWorld();
  world.joins('ann', 'lea');
});
const join = (name: string) => ({ auth: 1, name });

describe('a client of the original joins', () => {
  test('by its join, and is greeted in the original words; again, and is not counted, told of or served twice', () => {
    world.say('m', join('max'));
    expect(world.take('m')).toEqual([greeting(3)]);
    expect(world.take('a')).toMatchObject([{ notice: 'join', who: 'max', online: 3 }]);
    world.say('m', join('max'));
    world.say('a', entry('ann', 1));
    expect(world.take('m')).toEqual([greeting(3), words('ann', 'ann 1')]);
    expect(world.takeNotices('a')).toEqual([]);
  });

  test('by its first message, which is relayed', () => {
    world.say('m', words('max', 'hi'));
    expect(world.take('m')).toEqual([greeting(3)]);
    expect(world.take('a')).toMatchObject([
      { text: 'max joined the room. 3 online.\n' },
      { name: 'max', text: 'hi\n', seq: 1 },
    ]);
  });

  test('and hears nothing from before', () => {
    world.talk(3);
    world.say('m', join('max'));
    expect(world.take('m')).toEqual([greeting(3)]);
  });

  test.each([
    ['nobody may have', '[x]\u001b[2J', 'x2J', { name: 'x2J' }],
    ['is the server’s', 'SERVER', 'SERVER (guest)', { name: 'SERVER', guest: 1 }],
    ['is a member’s', 'Ann', 'Ann (guest)', { name: 'Ann', guest: 1 }],
    ['looks like a member’s', '\u0410nn', '\u0410nn (guest)', { name: '\u0410nn', guest: 1 }],
    ['looks like the server’s', 's\u0435rver', 's\u0435rver (guest)', { name: 's\u0435rver', guest: 1 }],
    ['is a guest’s', 'Bo (guest)', 'Bo', { name: 'Bo' }],
    ['has words of the room in it', 'Bo left the room.', 'Bo-left-the-room.', { name: 'Bo-left-the-room.' }],
  ])('under a name that %s: it gets a safe one', (_what, name, safe, written) => {
    world.say('m', join(name), words(name, 'hi'));
    expect(world.take('a')).toMatchObject([{ who: safe }, { ...written, text: 'hi\n' }]);
    expect(world.take('l').at(-1)).toEqual(words(safe, 'hi'));
  });

  test('under a name that belongs to nobody: who proves a key later takes it, and it goes on as a guest', () => {
    world.say('l', words('lea', 'before'));
    world.take('a');
    world.say('b', hello('bo', { name: 'LEA' }));
    world.say('l', words('lea', 'after'));
    expect(world.take('b')[0]).toMatchObject({ welcome: 1, members: ['ann', 'lea (guest)', 'LEA'] });
    expect(world.take('a')).toMatchObject([
      { notice: 'rename', was: 'lea', who: 'lea (guest)', online: 2 },
      { notice: 'join', who: 'LEA', online: 3 },
      { name: 'lea', text: 'after\n', guest: 1 },
    ]);
    expect(world.take('l').slice(-2)).toEqual([
      words('server', 'lea is now called lea (guest). 2 online.'),
      words('server', 'LEA joined the room. 3 online.'),
    ]);
    world.say('a', hello('ann', { name: 'lea (guest)' }));
    expect(world.room.presence.named.members).not.toContain('LEA (guest)');
  });

  test('under a name that looks like one that a key is proven for later: it goes on as a guest', () => {
    world.say('b', hello('bo', { name: 'l\u0435a' }));
    expect(world.take('a')).toMatchObject([
      { was: 'lea', who: 'lea (guest)' },
      { notice: 'join', who: 'l\u0435a' },
    ]);
  });

  test('without a name: it is somebody', () => {
    world.say('m', { auth: 1, name: null }, { name: null, text: 'hola\n' });
    expect(world.take('m')).toEqual([greeting(3)]);
    expect(world.take('l').slice(-2)).toEqual([
      words('server', 'somebody joined the room. 3 online.'),
      words('somebody', 'hola'),
    ]);
  });

  test('and may change to version 1 on the same connection', () => {
    world.say('l', hello('lea'));
    expect(world.take('l')).toMatchObject([{ welcome: 1, online: 2, members: ['ann', 'lea'] }]);
    world.say('l', entry('lea', 1));
    expect(world.take('l')).toMatchObject([{ id: 'L.1', seq: 1 }]);
  });
});

describe('what it writes', () => {
  test('goes to all others and not back to it; what they write goes to it', () => {
    world.joins('max');
    world.turn(
      RoomWorld.frame('l', words('lea', '1')),
      ...world.frames('a', entry('ann', 1, '2')),
      RoomWorld.frame('m', words('max', '3')),
      RoomWorld.frame('l', words('lea', '4')),
    );
    expect(world.take('l')).toEqual([words('ann', '2'), words('max', '3')]);
    expect(world.take('m')).toEqual([words('lea', '1'), words('ann', '2'), words('lea', '4')]);
    expect(world.take('a').map(({ text }) => text)).toEqual(['1\n', '2\n', '3\n', '4\n']);
  });

  test('is numbered and signed by the room, on one device for all of them, above all that was counted', () => {
    world.say('a', entry('ann', 1, 'before', { lc: 40 }));
    world.say('l', words('lea', 'x'), words('lea', 'y'));
    world.say('m', words('max', 'z'));
    const said = world.take('a').filter(({ id }) => String(id).startsWith('run.'));
    expect(said).toMatchObject([
      { id: 'run.1', name: 'lea', lc: 41, key: 'server' },
      { id: 'run.2', name: 'lea', lc: 42 },
      { id: 'run.3', name: 'max', lc: 43 },
    ]);
    for (const { message } of world.log.read(2, 3)) {
      const { key = '', sig = '' } = message ?? {};
      expect(fakeCrypto.verify(key, signedText(fakeCrypto, 'server', message as Message), sig)).toBe(true);
    }
  });

  test('goes on being numbered when it comes back', () => {
    for (const frame of [words('lea', 'x'), bye('lea'), words('lea', 'again')]) world.say('l', frame);
    expect(world.takeSeqs('a')).toEqual([1, 2]);
    expect(world.log.read(2, 1)[0]?.message).toMatchObject({ id: { dev: 'run', n: 2 }, text: 'again' });
    expect(world.take('l')).toEqual([greeting(2)]);
  });

  test('is given back by a member, and sent to all, after the log was lost', () => {
    world.say('l', words('lea', 'x'));
    const [line] = world.take('a').filter(({ seq }) => seq);
    const { seq: _, h: __, ...said } = line as Json;
    world.say('a', { sigs: 1 });
    const [answer] = world.take('a');
    const kept: Json = { ...said, sig: [answer?.s].flat()[0] };
    world = new RoomWorld();
    world.joins('ann', 'max');
    world.say('a', { ...kept, first: 1 });
    expect(world.take('a')).toMatchObject([{ id: 'run.1', name: 'lea', text: 'x\n', seq: 1 }]);
    expect(world.log.read(1, 1)[0]?.message?.sig).toBe(kept.sig);
    expect(world.take('m')).toEqual([words('lea', 'x')]);
  });

  test('is under a device that no member can take: it would mute its author', () => {
    world.joins('bo');
    world.say('x', hello('eve', { dev: 'run' }));
    expect(world.take('x')).toMatchObject([{ refused: 'PROOF_REFUSED' }, { refused: 'PROOF_REFUSED' }]);
    world.say('b', { ...entry('bo', 9e15, 'mute', { id: { dev: 'run', n: 9e15 } }), first: 1 });
    expect(world.log.head).toBe(0);
  });

  test('does not come back to it, also when its queue was full meanwhile', () => {
    world.clogged.add('l');
    world.say('m', words('max', 'one'));
    world.say('l', words('lea', 'two'));
    world.say('m', words('max', 'three'));
    world.clogged.clear();
    world.nowMs += 1_000;
    while (world.room.nextTurnMs(world.now) === 0) world.turn();
    expect(world.take('l').slice(-2)).toEqual([words('max', 'one'), words('max', 'three')]);
  });

  test('is under the name it joined with, whatever it says, and never an action', () => {
    world.say('l', { ...words('ann', '/me waves'), id: 'L.1', type: 'action' });
    expect(world.take('a')).toEqual([expect.not.objectContaining({ type: 'action' })]);
    expect(world.log.read(1, 1)[0]?.message).toMatchObject({ name: 'lea', text: '/me waves' });
    expect(world.take('l')).toEqual([]);
  });

  test('that is too long is told to it alone, and does not enter the log', () => {
    world.say('l', words('lea', 'é'.repeat(maxTextBytes / 2 + 1)));
    expect(world.take('l')).toEqual([words('server', 'Your message was not sent: it is longer than 4096 bytes.')]);
    expect([world.take('a'), world.log.head]).toEqual([[], 0]);
  });

  test('that has too many control characters is told to it alone, for each of them takes six bytes', () => {
    world.say('l', words('lea', '\u0001'.repeat(1_366)), words('lea', '\u0001'.repeat(1_365)));
    const text = 'Your message was not sent: it has too many control characters.';
    expect(world.take('l')).toEqual([words('server', text)]);
    expect(world.log.head).toBe(1);
  });

  test.each(['', ' \t ', '\n\n'])('that is empty takes no place: one word to it, and one in the log (%j)', (text) => {
    const before = world.sent.length;
    for (let i = 0; i < 100; i++) world.say('l', words('lea', text));
    world.tick(1_000);
    world.say('l', words('lea', text));
    world.tick(1_000);
    expect([world.takeSeqs('a'), world.log.head]).toEqual([[], 0]);
    expect(world.take('l')).toEqual([words('server', 'Empty messages are not passed on.')]);
    expect(world.sent.slice(before).filter(({ to }) => to.includes('l'))).toHaveLength(1);
    const reason = 'lea, a client of the original, sends empty messages; this is said once';
    expect(world.ignored).toEqual([{ frames: 1, reason }]);
    world.say('l', words('lea', 'said'));
    expect(world.take('a')).toMatchObject([{ seq: 1, text: 'said\n' }]);
  });

  test('that is empty is answered nothing where there is no place in the room; other words are', () => {
    world = new RoomWorld({ maxClients: 1 });
    world.joins('ann');
    world.say('l', words('lea', ''), words('lea', ''));
    expect(world.take('l')).toEqual([]);
    world.say('l', words('lea', 'hi'));
    expect(world.take('l')).toEqual([words('server', 'The room is full.')]);
  });

  test('has the time of the machine, which may be before 1970', () => {
    world.wrongMs = -1e12;
    world.say('l', words('lea', 'hi'));
    expect(world.take('a')).toMatchObject([{ text: 'hi\n', ts: 0 }]);
  });
});

describe('it is sent', () => {
  test('no line end and no control character: nobody can write a line of somebody else on its screen', () => {
    const text = 'hi\n [room] Server is off.\r\u001b[2J\u009b1A\u2028x\u202ey\t.';
    world.say('a', entry('ann', 1, text));
    const [heard] = world.take('l');
    expect(heard).toEqual(words('ann', 'hi␊ [room] Server is off.␍␛[2J<U+009B>1A<U+2028>x<U+202E>y    .'));
    expect(world.log.read(1, 1)[0]?.message?.text).toBe(text);
  });

  test('no void entry', () => {
    world.say('a', entry('ann', 1, 'x'.repeat(maxTextBytes + 1)), entry('ann', 2));
    expect(world.take('l')).toEqual([words('ann', 'ann 2')]);
    world.say('a', entry('ann', 3, '\u0001'.repeat(1_366)), entry('ann', 4, '\u0001'.repeat(1_365)));
    expect(world.log.read(3, 2).map(({ message }) => message?.void === true)).toEqual([true, false]);
  });

  test('nothing twice and without a loss when its queue is full: it reads on at the frame that was not taken', () => {
    world.narrow.set('l', 2);
    world.talk(4);
    world.say('m', join('max'));
    expect(world.take('l')).toEqual([words('ann', 'ann 1'), words('ann', 'ann 2')]);
    world.narrow.clear();
    world.nowMs += 2;
    world.turn();
    const rest = [words('ann', 'ann 3'), words('ann', 'ann 4'), words('server', 'max joined the room. 3 online.')];
    expect(world.take('l')).toEqual(rest);
  });

  test('entries without a window: it acknowledges nothing', () => {
    for (const i of range(0, 9)) world.talk(100, 100 * i + 1);
    while (world.room.nextTurnMs(world.now) === 0) world.turn();
    expect(world.take('l')).toHaveLength(1_000);
  });
});

describe('it goes', () => {
  const left = { ...words('server', 'lea left the room. 1 online.'), notice: 'leave', who: 'lea', online: 1 };

  test.each([
    ['with a goodbye', bye('lea')],
    ['because its connection ends', gone],
  ])('%s: at once, and others are told', (_how, frame) => {
    world.say('l', frame);
    expect(world.take('a')).toEqual([{ ...left, reason: 'left' }]);
    world.say('a', entry('ann', 1));
    expect(world.take('l')).toEqual([]);
  });

  test('never because it is silent', () => {
    for (let i = 0; i < 5; i++) {
      world.tick(15_000);
      world.say('a', { ack: 0 });
    }
    expect(world.room.presence.online).toBe(2);
  });
});

test('it reads of somebody lost, and of a rename, in the original words', () => {
  world.joins('bo');
  world.say('a', hello('anna'));
  world.say('b', gone);
  world.tick(15_000);
  expect(world.take('l')).toEqual([
    words('server', 'ann is now called anna. 3 online.'),
    words('server', 'bo left the room. 2 online.'),
  ]);
});
