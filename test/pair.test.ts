import { beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { legacyMs, maxWaiting, silentMs } from '../src/core/limits.ts';
import { Pair } from '../src/core/pair/pair.ts';
import { type Input, theLink } from '../src/core/turn.ts';
import { decode, encode } from '../src/protocol/codec.ts';
import type { Frame, Join, Message, Received } from '../src/protocol/frames.ts';

/** Ann is on device `A`; the other side is Bo on device `B`, or the original program. */
let pair: Pair;
let nowMs: number;
/** The clock of the machine is another one. */
const wallMs = () => nowMs + 1_700_000_000_000;
/** What the last step did. */
let sent: Frame[];
let shown: ChatEvent[];
let places: number[];
let failed: string[];
const start = (binds: boolean) => {
  pair = new Pair({ name: 'ann', dev: 'A', binds });
  nowMs = 1_000_000;
  [sent, shown, places, failed] = [[], [], [], []];
};

const step = (input: Input) => {
  [sent, shown, places, failed] = [[], [], [], []];
  for (const effect of pair.turn([input], { ms: nowMs, wallMs: wallMs() })) {
    if (effect.type === 'send') sent.push(frameOf(effect.data));
    else if (effect.type === 'show') {
      shown.push(effect.event);
      if (effect.place !== undefined) places.push(effect.place);
    } else if (effect.type === 'fail') failed.push(effect.error.code);
    else throw new Error(`a pair does not ${effect.type}`);
  }
};
const frameOf = (data: string) => decode(Buffer.from(data)) as Frame;
const receive = (frame: Received) => step({ type: 'frame', from: theLink, frame });
const connect = () => step({ type: 'connected', from: theLink });
const disconnect = () => step({ type: 'disconnected', from: theLink });
/** Receives a message, and its text leaves the program. */
const show = (frame: Message) => {
  receive(frame);
  for (const place of places) step({ type: 'shown', place });
};
const type = (text: string) => step({ type: 'typed', text });
const tick = (ms = 0) => {
  nowMs += ms;
  step({ type: 'tick' });
};
const nothing = () => expect({ sent, shown, failed }).toEqual({ sent: [], shown: [], failed: [] });
const waitingTexts = () => pair.waiting.map(({ text }) => text);
const sentNumbers = () => sent.flatMap((frame) => (frame.kind === 'message' ? [frame.id?.n] : []));

const myHello = { kind: 'join', name: 'ann', version: 1, dev: 'A', text: 'ann is here.' };
const myReply = { ...myHello, reply: true };
/** A later hello: its words are for the original program only. */
const anyHello = { ...myHello, text: expect.stringMatching(/^ann is .+\.$/) };
const anyReply = { ...anyHello, reply: true };
const hello: Join = { kind: 'join', name: 'bo', version: 1, dev: 'B', text: 'bo is here.' };
const reply: Join = { ...hello, reply: true };
const message = (n: number, dev = 'B'): Message => ({
  kind: 'message',
  name: 'bo',
  text: `text ${n}`,
  id: { dev, n },
  ts: 5,
});
const plain = (text: string, name = 'bo'): Message => ({ kind: 'message', name, text });
const goodbye: Frame = { kind: 'leave', name: 'bo', text: 'bo left the chat.' };
const bothHere = [
  { type: 'state', state: 'online', online: 2, legacy: false },
  { type: 'join', name: 'bo', online: 2 },
];
const boGone = (reason: 'left' | 'lost') => [
  { type: 'leave', name: 'bo', online: 1, reason },
  { type: 'state', state: 'offline', reason, peer: 'bo' },
];
const meet = () => {
  connect();
  receive(reply);
};

describe('two meet', () => {
  test('the connecting side says hello, and the answer brings them together', () => {
    start(false);
    connect();
    expect(sent).toEqual([myHello]);
    expect(shown).toEqual([]);
    receive(reply);
    expect(sent).toEqual([]);
    expect(shown).toEqual(bothHere);
    expect(pair.online).toBe(true);
  });

  test('the connecting side says hello a second time after half a second, and then no more', () => {
    start(false);
    connect();
    tick(499);
    nothing();
    tick(1);
    expect(sent).toEqual([{ ...myHello, text: 'ann is waiting for an answer.' }]);
    tick(500);
    nothing();
  });

  test('the binding side says nothing until it is asked', () => {
    start(true);
    connect();
    tick(legacyMs - 1);
    nothing();
  });

  test('the binding side waits for a hello and answers it', () => {
    start(true);
    connect();
    nothing();
    receive(hello);
    expect(sent).toEqual([myReply]);
    expect(shown).toEqual(bothHere);
  });

  test('a hello before the news of the connection is answered too', () => {
    start(true);
    receive(hello);
    expect(sent).toEqual([myReply]);
    connect();
    nothing();
    expect(pair.online).toBe(true);
  });

  test('both sides of this program understand each other', () => {
    start(true);
    const binder = pair;
    start(false);
    const queue: [Pair, Input][] = [
      [binder, { type: 'connected', from: theLink }],
      [pair, { type: 'connected', from: theLink }],
    ];
    let steps = 0;
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [who, input] = next;
      const other = who === pair ? binder : pair;
      for (const effect of who.turn([input], { ms: nowMs, wallMs: wallMs() }))
        if (effect.type === 'send') queue.push([other, { type: 'frame', from: theLink, frame: frameOf(effect.data) }]);
      expect(++steps).toBeLessThan(10);
    }
    expect([pair.online, binder.online]).toEqual([true, true]);
  });
});

describe.each([
  ['connecting', false],
  ['binding', true],
])('together, on the %s side', (_side, binds) => {
  beforeEach(() => {
    start(binds);
    meet();
  });

  test('a typed message waits until the peer has it, then it is shown', () => {
    type('hi');
    expect(sent).toEqual([{ kind: 'message', name: 'ann', text: 'hi', id: { dev: 'A', n: 1 }, ts: wallMs() }]);
    expect(shown).toEqual([]);
    expect(waitingTexts()).toEqual(['hi']);
    receive({ kind: 'ack', seq: 1 });
    expect(shown).toEqual([
      {
        type: 'message',
        id: 'A.1',
        from: { name: 'ann' },
        text: 'hi',
        own: true,
        replay: false,
        sentMs: wallMs(),
      },
    ]);
    expect(pair.waiting).toEqual([]);
    receive({ kind: 'ack', seq: 1 });
    nothing();
  });

  test('another name is refused in words', () => {
    step({ type: 'named', name: 'anna' });
    expect([sent, failed]).toEqual([[], []]);
    expect(shown).toEqual([expect.objectContaining({ type: 'error', code: 'NAME_REFUSED' })]);
    type('hi');
    expect(sent).toMatchObject([{ name: 'ann' }]);
  });

  test('the other one is there, as long as they are together', () => {
    expect([pair.present, pair.others]).toEqual([2, ['bo']]);
    disconnect();
    expect([pair.present, pair.others]).toEqual([0, []]);
  });

  test.each([
    ['my own name', 'ANN', 'ANN (peer)'],
    ['no name', '', 'somebody'],
    ['one that forges lines', 'a] hello   03:03 [b', 'a hello 03:03 b'],
    ['one that is a command', '/quit', 'quit'],
  ])('who has %s is shown under a safe one', (_what, name, safe) => {
    receive({ ...hello, name, dev: 'C' });
    expect([pair.present, pair.others]).toEqual([2, [safe]]);
    receive({ ...message(1), name });
    expect(shown).toMatchObject([{ type: 'message', from: { name: safe } }]);
  });

  test('a message that names me is marked', () => {
    receive({ ...message(1), text: 'Ann?' });
    expect(shown).toMatchObject([{ mention: true }]);
    receive({ ...message(2), text: 'annoying' });
    type('I am ann');
    receive({ kind: 'ack', seq: 1 });
    expect(shown).toEqual([expect.not.objectContaining({ mention: true })]);
  });

  test('an action is sent and shown as one', () => {
    step({ type: 'typed', text: 'waves', action: true });
    expect(pair.waiting).toMatchObject([{ text: 'waves', ts: wallMs(), type: 'action' }]);
    expect(sent).toMatchObject([{ kind: 'message', text: 'waves', type: 'action' }]);
    receive({ kind: 'ack', seq: 1 });
    expect(shown).toMatchObject([{ text: 'waves', action: true, own: true }]);
    receive({ ...message(1), type: 'action' });
    expect(shown).toMatchObject([{ text: 'text 1', action: true, own: false }]);
  });

  test('what only a later version understands is acknowledged with what was shown before it, and is not shown', () => {
    receive({ ...message(1), type: 'later' });
    expect([shown, sent]).toEqual([[], [{ kind: 'ack', seq: 1 }]]);
    receive(message(2));
    const [place = 0] = places;
    receive({ ...message(3), type: 'nothing' });
    nothing();
    step({ type: 'shown', place });
    expect(sent).toEqual([{ kind: 'ack', seq: 3 }]);
  });

  test('a message is shown, and acknowledged when its text has left the program', () => {
    receive(message(1));
    expect(shown).toEqual([
      {
        type: 'message',
        id: 'B.1',
        from: { name: 'bo' },
        text: 'text 1',
        own: false,
        replay: false,
        sentMs: 5,
      },
    ]);
    expect(sent).toEqual([]);
    const [place = 0] = places;
    step({ type: 'shown', place });
    expect(sent).toEqual([{ kind: 'ack', seq: 1 }]);
  });

  test('messages that leave the program together are acknowledged together', () => {
    const all = [1, 2, 3].map((n) => {
      receive(message(n));
      return places[0] ?? 0;
    });
    step({ type: 'shown', place: all[1] ?? 0 });
    expect(sent).toEqual([{ kind: 'ack', seq: 2 }]);
    step({ type: 'shown', place: all[1] ?? 0 });
    nothing();
    step({ type: 'shown', place: all[2] ?? 0 });
    expect(sent).toEqual([{ kind: 'ack', seq: 3 }]);
  });

  test('a message that comes twice is shown once and acknowledged twice', () => {
    show(message(1));
    show(message(2));
    receive(message(1));
    expect(shown).toEqual([]);
    expect(sent).toEqual([{ kind: 'ack', seq: 1 }]);
  });

  test('a message that comes again while its text is still inside is acknowledged once that is out', () => {
    receive(message(1));
    const [place = 0] = places;
    receive(hello);
    receive(message(1));
    nothing();
    step({ type: 'shown', place });
    expect(sent).toEqual([{ kind: 'ack', seq: 1 }]);
  });

  test('what leaves the program after the connection is gone is acknowledged when it comes again', () => {
    receive(message(1));
    const [place = 0] = places;
    disconnect();
    step({ type: 'shown', place });
    nothing();
    meet();
    receive(message(1));
    expect([shown, sent]).toEqual([[], [{ kind: 'ack', seq: 1 }]]);
  });

  test('whoever came in the place of an author gets no receipt for it', () => {
    receive(message(1));
    const [place = 0] = places;
    receive({ ...hello, dev: 'C' });
    step({ type: 'shown', place });
    nothing();
  });

  test('what leaves the program before a new connection has said what it is, is not acknowledged to it', () => {
    receive(message(1));
    const [place = 0] = places;
    disconnect();
    connect();
    step({ type: 'shown', place });
    nothing();
  });

  test('whoever is leaving still acknowledges what comes out', () => {
    receive(message(1));
    const [place = 0] = places;
    step({ type: 'leave' });
    step({ type: 'shown', place });
    expect(sent).toEqual([{ kind: 'ack', seq: 1 }]);
  });

  test('a goodbye ends it', () => {
    receive(goodbye);
    expect(shown).toEqual(boGone('left'));
    expect(sent).toEqual([{ kind: 'leave', name: 'ann', text: 'ann left the chat.' }]);
    expect(pair.online).toBe(false);
    receive(goodbye);
    nothing();
    disconnect();
    nothing();
  });

  test('a lost connection ends it', () => {
    disconnect();
    expect(shown).toEqual(boGone('lost'));
    expect(pair.online).toBe(false);
  });

  test('silence ends it, and a heartbeat asks again', () => {
    tick(silentMs - 1);
    expect(pair.online).toBe(true);
    tick(1);
    expect(shown).toEqual(boGone('lost'));
    tick(60_000);
    nothing();
    receive({ kind: 'heartbeat', seq: 0 });
    expect(sent).toEqual([anyHello]);
    receive(reply);
    expect(shown).toEqual(bothHere);
  });

  test('a sign of life is sent every 2.5 s, and any frame is one', () => {
    tick();
    expect(sent).toEqual([{ kind: 'heartbeat', seq: 0 }]);
    tick(2_499);
    nothing();
    receive({ kind: 'heartbeat', seq: 0 });
    nothing();
    tick(1);
    expect(sent).toEqual([{ kind: 'heartbeat', seq: 0 }]);
    tick(silentMs - 2);
    expect(pair.online).toBe(true);
  });

  test.each<[string, Received]>([
    ['an unknown object', { kind: 'unknown' }],
    ['garbage', { kind: 'malformed', reason: 'x' }],
    ['a batch', { kind: 'batch', frames: [message(1)] }],
    [
      'a welcome',
      {
        kind: 'welcome',
        name: 's',
        text: 't',
        log: 'l',
        since: 0,
        head: 0,
        run: 'r',
        sig: 's',
        online: 1,
        members: [],
      },
    ],
    ['a rejoin', { kind: 'rejoin', delayMs: 0 }],
    ['gone', { kind: 'gone' }],
  ])('%s is not for a peer', (_name, frame) => {
    receive(frame);
    nothing();
    expect(pair.online).toBe(true);
  });

  test('leaving says goodbye, with words the original program can show', () => {
    step({ type: 'leave' });
    expect(sent).toEqual([{ kind: 'leave', name: 'ann', text: 'ann left the chat.' }]);
    expect(pair.online).toBe(false);
    step({ type: 'leave' });
    nothing();
  });

  test('leaving is over when the goodbye is answered, and until then meets nobody', () => {
    type('one');
    step({ type: 'leave' });
    expect(pair.hasLeft).toBe(false);
    for (const frame of [message(1), plain('hi'), hello, { kind: 'heartbeat', seq: 0 } as const]) {
      receive(frame);
      nothing();
    }
    receive({ kind: 'ack', seq: 1 });
    expect(shown).toMatchObject([{ text: 'one', own: true }]);
    expect([pair.hasLeft, pair.online]).toEqual([false, false]);
    receive(goodbye);
    nothing();
    expect(pair.hasLeft).toBe(true);
  });

  test('leaving is over when the connection is', () => {
    step({ type: 'leave' });
    disconnect();
    nothing();
    expect(pair.hasLeft).toBe(true);
  });

  test('a peer that was started again is another one: old gone, new here, and what it had not got is sent again', () => {
    type('one');
    type('two');
    receive({ kind: 'ack', seq: 1 });
    receive({ ...hello, dev: 'C' });
    expect(shown).toEqual([...boGone('lost'), ...bothHere]);
    expect(sent[0]).toEqual(anyReply);
    expect(sentNumbers()).toEqual([2]);
    receive(message(1, 'C'));
    expect(shown).toMatchObject([{ type: 'message', id: 'C.1' }]);
  });

  test('a hello of the same peer again changes nothing to see, and sends again what it may not have', () => {
    type('one');
    receive(hello);
    expect(shown).toEqual([]);
    expect(sent[0]).toEqual(anyReply);
    expect(sentNumbers()).toEqual([1]);
  });
});

describe('typed while apart', () => {
  test('is kept and sent at the meeting, in order', () => {
    start(false);
    type('one');
    connect();
    type('two');
    expect(sent).toEqual([]);
    receive(reply);
    expect(sentNumbers()).toEqual([1, 2]);
    expect(waitingTexts()).toEqual(['one', 'two']);
  });

  test('after a loss is kept, together with what was not acknowledged', () => {
    start(false);
    meet();
    type('one');
    disconnect();
    type('two');
    nothing();
    meet();
    expect(sentNumbers()).toEqual([1, 2]);
  });

  test('is at most 256 under way, and the rest follows', () => {
    start(false);
    for (let n = 1; n <= 300; n++) type(`text ${n}`);
    meet();
    expect(sentNumbers()).toHaveLength(256);
    receive({ kind: 'ack', seq: 10 });
    expect(sentNumbers()).toEqual(Array.from({ length: 10 }, (_, i) => 257 + i));
  });

  test('is not taken when 10,000 wait, and that is said', () => {
    start(false);
    for (let n = 1; n <= maxWaiting; n++) type('x');
    nothing();
    type('one too many');
    expect(shown).toEqual([expect.objectContaining({ type: 'error', code: 'TOO_MANY_WAITING' })]);
    expect(pair.waiting).toHaveLength(maxWaiting);
  });
});

describe('a side that is taken', () => {
  const unheard = () => {
    connect();
    disconnect();
  };

  test('ends the connection twice without a word', () => {
    start(false);
    unheard();
    nothing();
    unheard();
    expect(failed).toEqual(['PEER_TAKEN']);
  });

  test('is not one that said something in between', () => {
    start(false);
    unheard();
    meet();
    disconnect();
    unheard();
    expect(failed).toEqual([]);
    unheard();
    expect(failed).toEqual(['PEER_TAKEN']);
  });

  test('is never met by the side that listens', () => {
    start(true);
    for (let i = 0; i < 5; i++) {
      unheard();
      nothing();
    }
  });
});

describe.each([
  ['connecting', false],
  ['binding', true],
])('the original program, on the %s side', (_side, binds) => {
  beforeEach(() => start(binds));
  const toLegacy = () => {
    connect();
    tick(legacyMs / 2);
    tick(legacyMs / 2);
  };

  test('is known by four seconds without a hello', () => {
    connect();
    tick(legacyMs - 1);
    expect(pair.online).toBe(false);
    tick(1);
    expect(shown).toEqual([
      { type: 'state', state: 'online', online: 2, legacy: true },
      { type: 'join', name: 'The other side', online: 2 },
    ]);
    expect(sent).toEqual([]);
  });

  test('has no name before its first message', () => {
    toLegacy();
    expect([pair.present, pair.others]).toEqual([2, []]);
    receive(plain('hi'));
    expect([pair.present, pair.others]).toEqual([2, ['bo']]);
  });

  test('is known by a message without an id', () => {
    connect();
    receive(plain('hi'));
    expect(shown).toMatchObject([
      { state: 'online', legacy: true },
      { type: 'join', name: 'bo' },
      { type: 'message', text: 'hi', own: false },
    ]);
    expect(sent).toEqual([]);
  });

  test('gets name and text only, and that is shown when it is sent', () => {
    toLegacy();
    type('hi');
    expect(sent).toEqual([plain('hi', 'ann')]);
    expect(shown).toMatchObject([{ type: 'message', text: 'hi', own: true }]);
    expect(pair.waiting).toEqual([]);
  });

  test('gets no line end and no control character', () => {
    toLegacy();
    type('hi\n[bo] bye\u001b[2J');
    expect(sent).toEqual([plain('hi␊[bo] bye␛[2J', 'ann')]);
    expect(shown).toMatchObject([{ text: 'hi\n[bo] bye\u001b[2J', own: true }]);
  });

  test('sends empty messages when its input has ended: said once in a talk, and never shown', () => {
    toLegacy();
    receive(plain(''));
    const message = 'bo sends empty messages; they are not shown.';
    expect(shown).toEqual([{ type: 'status', code: 'EMPTY', message }]);
    for (let i = 0; i < 2_000; i++) receive(plain(' '));
    nothing();
    expect(pair.isFull).toBe(false);
    disconnect();
    toLegacy();
    receive(plain(''));
    expect(shown).toMatchObject([{ code: 'EMPTY' }]);
  });

  test('gets the words of an action, which is shown as one', () => {
    toLegacy();
    step({ type: 'typed', text: 'waves', action: true });
    expect(sent).toEqual([plain('/me waves', 'ann')]);
    expect(shown).toMatchObject([{ text: 'waves', action: true, own: true }]);
  });

  test('gets what was typed before', () => {
    for (const text of ['one', 'two']) type(text);
    toLegacy();
    expect(sent).toEqual([plain('one', 'ann'), plain('two', 'ann')]);
  });

  test('is sent no heartbeats, and may be silent', () => {
    toLegacy();
    for (let i = 0; i < 20; i++) {
      tick(silentMs);
      nothing();
    }
    expect(pair.online).toBe(true);
  });

  test('is sent only frames that have a name and a text, from the first to the last', () => {
    const all: Frame[] = [];
    const inputs: Input[] = [
      { type: 'typed', text: 'a' },
      { type: 'connected', from: theLink },
      { type: 'frame', from: theLink, frame: plain('hi') },
      { type: 'frame', from: theLink, frame: plain('again') },
      { type: 'typed', text: 'b' },
      { type: 'frame', from: theLink, frame: { kind: 'unknown' } },
      { type: 'disconnected', from: theLink },
      { type: 'connected', from: theLink },
      { type: 'frame', from: theLink, frame: plain('back') },
      { type: 'leave' },
    ];
    for (const input of inputs) {
      step(input);
      all.push(...sent);
      if (pair.online) tick(3_000);
      all.push(...sent);
    }
    expect(all.map(({ kind }) => kind)).toContain('leave');
    for (const frame of all)
      expect(JSON.parse(encode(frame))).toMatchObject({ name: 'ann', text: expect.stringMatching(/\n$/) });
  });

  test('tells its name with its first message, which is the name that is lost', () => {
    toLegacy();
    receive(plain('hi'));
    disconnect();
    expect(shown).toEqual(boGone('lost'));
  });

  test('may be replaced by version 1', () => {
    toLegacy();
    disconnect();
    type('one');
    connect();
    receive(hello);
    expect(shown).toEqual(bothHere);
    expect(sentNumbers()).toEqual([1]);
  });
});

describe('down', () => {
  test('another name is refused in words', () => {
    start(false);
    step({ type: 'named', name: 'anna' });
    expect([sent, failed]).toEqual([[], []]);
    expect(shown).toEqual([expect.objectContaining({ type: 'error', code: 'NAME_REFUSED' })]);
  });

  test.each<[string, Input]>([
    ['a tick', { type: 'tick' }],
    ['a disconnect', { type: 'disconnected', from: theLink }],
    ['a goodbye', { type: 'frame', from: theLink, frame: goodbye }],
    ['an ack', { type: 'frame', from: theLink, frame: { kind: 'ack', seq: 5 } }],
    ['garbage', { type: 'frame', from: theLink, frame: { kind: 'malformed', reason: 'x' } }],
    ['leaving', { type: 'leave' }],
  ])('%s does nothing', (_name, input) => {
    start(false);
    step(input);
    nothing();
    expect(pair.online).toBe(false);
  });
});
