import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { duration, Renderer, type Style } from '../src/terminal/render.ts';

const esc = '\u001b';
const nowMs = new Date(2026, 10, 24, 14, 4, 5).getTime();
const pipe: Style = { colorLevel: 0, ascii: false, timestamps: 'off', multiline: false };
const terminal: Style = { colorLevel: 1, ascii: false, timestamps: 'time', multiline: true };
const render = (event: ChatEvent, style: Partial<Style> = {}) =>
  new Renderer({ ...pipe, ...style }).render(event, nowMs);

const message = (text: string, more: Partial<ChatEvent & { type: 'message' }> = {}): ChatEvent => ({
  type: 'message',
  from: { name: 'bob' },
  text,
  own: false,
  replay: false,
  ...more,
});
const online = (more: Partial<ChatEvent & { type: 'state'; state: 'online' }>): ChatEvent => ({
  type: 'state',
  state: 'online',
  online: 2,
  legacy: false,
  ...more,
});
const kept = 'What you write now is kept and sent when it is back.';
const limits = 'no receipts and nothing missed is sent again.';

/** Every kind of event as a pipe sees it: without time and colour. */
const lines: [name: string, event: ChatEvent, channel: 'chat' | 'self' | undefined, text?: string][] = [
  ['a message', message('hello'), 'chat', '[bob] hello'],
  ['an own message', message('hello', { own: true }), 'chat', '[bob] hello'],
  ['a message of several lines', message('a\n[eve] b'), 'chat', '[bob] a\\n[eve] b'],
  [
    'a join',
    { type: 'join', server: 'server', name: 'John Doe', online: 2 },
    'chat',
    '[server] John Doe joined the room. 2 online.',
  ],
  [
    'a leave',
    { type: 'leave', server: 'server', name: 'John Doe', online: 1, reason: 'left' },
    'chat',
    '[server] John Doe left the room. 1 online.',
  ],
  [
    'a member who vanished',
    { type: 'leave', server: 'server', name: 'Luis', online: 2, reason: 'lost' },
    'chat',
    '[server] Luis lost the connection. 2 online.',
  ],
  ['the end of the server', { type: 'shutdown', server: 'hall' }, 'chat', '[hall] Server is off.'],
  [
    'other words of the room',
    { type: 'notice', server: 'hall', text: 'The room is full.' },
    'chat',
    '[hall] The room is full.',
  ],
  ['a peer who comes', { type: 'join', name: 'bob', online: 2 }, 'self', '-- bob is here.'],
  ['a peer who leaves', { type: 'leave', name: 'bob', online: 1, reason: 'left' }, 'self', '-- bob left.'],
  [
    'a peer who vanished',
    { type: 'leave', name: 'bob', online: 1, reason: 'lost' },
    'self',
    `-- bob lost the connection. ${kept}`,
  ],
  [
    'the first attempt',
    { type: 'state', state: 'connecting', endpoint: 'tcp://localhost:9999' },
    'self',
    '-- connecting to tcp://localhost:9999',
  ],
  ['the first time online', online({ server: 'server', waiting: 0 }), 'chat', '[server] You are now online. 2 online.'],
  [
    'online in a room of the original program',
    online({ server: 'server', legacy: true }),
    'chat',
    '[server] You are now online. 2 online.',
  ],
  ['online with a peer', online({}), undefined],
  [
    'online with a peer of the original program',
    online({ legacy: true }),
    'self',
    `-- the other side runs the original program: ${limits}`,
  ],
  ['back online', online({ server: 's', afterMs: 42_000, waiting: 0 }), 'self', '-- back online after 42 s.'],
  [
    'back online with one message waiting',
    online({ server: 's', afterMs: 1_000, waiting: 1 }),
    'self',
    '-- back online after 1 s. 1 waiting message sent.',
  ],
  [
    'back online with two messages waiting',
    online({ server: 's', afterMs: 180_000, waiting: 2 }),
    'self',
    '-- back online after 3 min. 2 waiting messages sent.',
  ],
  ['a lost connection', { type: 'state', state: 'offline', reason: 'lost' }, 'self', `-- connection lost. ${kept}`],
  [
    'a peer that is not there, after its leave',
    { type: 'state', state: 'offline', reason: 'left', peer: 'bob' },
    undefined,
  ],
  [
    'a silent server',
    { type: 'state', state: 'offline', reason: 'silent' },
    'self',
    `-- the server does not answer. ${kept}`,
  ],
  ['the end of this program', { type: 'state', state: 'closing' }, undefined],
  [
    'a gap',
    { type: 'gap', from: 1, to: 40, firstMs: new Date(2026, 10, 23, 9, 7).getTime() },
    'self',
    '-- messages before Mon 09:07 are no longer kept by the server',
  ],
  [
    'a gap up to now',
    { type: 'gap', from: 1, to: 40 },
    'self',
    '-- messages before Tue 14:04 are no longer kept by the server',
  ],
  [
    'the beginning of one missed message',
    { type: 'replay', count: 1, total: 1, sinceMs: new Date(2026, 10, 22, 0, 0).getTime() },
    'self',
    '-- 1 missed message since Sun 00:00 ---',
  ],
  [
    'the beginning of missed messages',
    { type: 'replay', count: 17, total: 17, sinceMs: new Date(2026, 10, 24, 14, 3).getTime() },
    'self',
    '-- 17 missed messages since Tue 14:03 ---',
  ],
  [
    'the beginning of too many missed messages',
    { type: 'replay', count: 200, total: 1_240, sinceMs: new Date(2026, 10, 21, 23, 59).getTime() },
    'self',
    '-- 1240 missed messages since Sat 23:59; showing the last 200 ---',
  ],
  ['the end of missed messages', { type: 'replayed' }, 'self', '-- end of missed messages ---'],
  ['a status', { type: 'status', code: 'X', message: 'trying again' }, 'self', '-- trying again'],
  ['an error', { type: 'error', code: 'NAME_REFUSED', message: 'No.' }, 'self', '!! No.'],
  ['listening', { type: 'listening', endpoint: 'tcp://*:9999', port: 9999 }, 'self', '-- listening on tcp://*:9999'],
  [
    'a rename',
    { type: 'rename', server: 'server', from: 'bo', name: 'bob', online: 2 },
    'chat',
    '[server] bo is now called bob. 2 online.',
  ],
  ['a new name of my own', { type: 'renamed', was: 'bo', name: 'bob' }, 'self', '-- you are now called bob'],
  ['the end of a server', { type: 'closing' }, undefined],
];

describe.each(lines)('%s', (_name, event, channel, text) => {
  test('has its form', () => expect(render(event)).toEqual(channel && { channel, text }));

  test('has the same words in colour', () => {
    const coloured = render(event, { colorLevel: 3 });
    expect(coloured && stripVTControlCharacters(coloured.text)).toBe(text);
  });
});

test('every kind of event stands in the table', () => {
  const types: Record<ChatEvent['type'], true> = {
    state: true,
    message: true,
    join: true,
    leave: true,
    rename: true,
    renamed: true,
    shutdown: true,
    notice: true,
    gap: true,
    replay: true,
    replayed: true,
    status: true,
    error: true,
    listening: true,
    closing: true,
  };
  expect(new Set(lines.map(([, event]) => event.type))).toEqual(new Set(Object.keys(types)));
});

describe('a name', () => {
  const named = (name: string, own = false) =>
    render(message('x', { from: { name }, own }), { colorLevel: 1 })?.text ?? '';

  test('of my own is bold, and only mine', () => {
    expect(named('bob', true)).toContain(`${esc}[1m`);
    expect(named('bob')).not.toContain(`${esc}[1m`);
  });

  test('has the same colour every time', () => expect(named('bob')).toBe(named('bob')));

  test('has one of several colours', () => {
    const colours = new Set([...'abcdefghijklmnopqrstuvwxyz'].map((name) => named(name).split('m')[0]));
    expect(colours.size).toBeGreaterThan(4);
  });
});

describe('the time', () => {
  test('is that of the screen on a terminal', () =>
    expect(render(message('hi', { sentMs: 0 }), { timestamps: 'time' })?.text).toBe('14:04 [bob] hi'));

  test('of a message that was missed is its own', () => {
    const sentMs = new Date(2026, 10, 23, 9, 7).getTime();
    expect(render(message('hi', { sentMs, replay: true }), { timestamps: 'time' })?.text).toBe('09:07 [bob] hi');
  });

  test('of a missed message without one is now', () =>
    expect(render(message('hi', { replay: true }), { timestamps: 'time' })?.text).toBe('14:04 [bob] hi'));

  test('is written out on request', () =>
    expect(render(message('hi', { sentMs: 0, replay: true }), { timestamps: 'iso' })?.text).toBe(
      '1970-01-01T00:00:00.000Z [bob] hi',
    ));

  test('that no calendar has is no failure', () =>
    expect(render(message('hi', { sentMs: Number.MAX_SAFE_INTEGER, replay: true }), { timestamps: 'iso' })?.text).toBe(
      '+275760-09-13T00:00:00.000Z [bob] hi',
    ));

  test('that no calendar has begins no replay', () => {
    const sinceMs = Number.MAX_SAFE_INTEGER;
    expect(render({ type: 'replay', count: 1, total: 1, sinceMs })?.text).toMatch(/since Sat \d\d:\d\d ---$/);
    expect(render({ type: 'gap', from: 1, to: 2, firstMs: sinceMs })?.text).toMatch(/before Sat \d\d:\d\d are/);
  });

  test('stands before the words of the room, not before those of this program', () => {
    const joined: ChatEvent = { type: 'join', server: 's', name: 'Bo', online: 2 };
    expect(render(joined, { timestamps: 'time' })?.text).toBe('14:04 [s] Bo joined the room. 2 online.');
    expect(render({ type: 'gap', from: 1, to: 2 }, { timestamps: 'time' })?.text).toMatch(/^-- /);
  });
});

test.each([
  [0, '0 s'],
  [1_499, '1 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_140_000, '119 min'],
  [7_200_000, '2 h'],
])('%i ms is said as %s', (ms, words) => expect(duration(ms)).toBe(words));

describe('a newline cannot forge a line', () => {
  test('on a terminal, where further lines are indented behind a bar', () =>
    expect(render(message('hi\n[eve] I am eve\n\n!! x'), { multiline: true })?.text).toBe(
      '[bob] hi\n      | [eve] I am eve\n      | \n      | !! x',
    ));

  test('in a name, whoever let it through', () => {
    const name = 'bob\n[eve]\r';
    for (const event of [
      message('x', { from: { name } }),
      { type: 'join', server: name, name, online: 1 },
      { type: 'join', name, online: 1 },
      { type: 'leave', name, online: 1, reason: 'lost' },
      { type: 'shutdown', server: name },
      { type: 'status', code: 'x', message: name },
      { type: 'error', code: 'USAGE', message: name },
      { type: 'state', state: 'connecting', endpoint: name },
    ] satisfies ChatEvent[])
      expect(render(event)?.text).not.toMatch(/[\n\r]/);
  });
});

describe('whatever a peer writes', () => {
  const nasty = fc
    .array(
      fc.oneof(
        fc.constantFrom(esc, '\u009b', '\n', '\r', '[31m', ']0;x\u0007', '\u202e', '\u2028', '\ufeff', '[eve] '),
        fc.string({ unit: 'binary', maxLength: 4 }),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join(''));
  const events = fc
    .record({ name: nasty, text: nasty, own: fc.boolean() })
    .map(({ name, text, own }) => [
      message(text, { from: { name }, own }),
      { type: 'notice' as const, server: name, text },
      { type: 'leave' as const, server: name, name, online: 1, reason: 'left' as const },
      { type: 'status' as const, code: 'x', message: text },
    ]);

  test('there is not one escape byte without colour, and one line in a pipe', () => {
    fc.assert(
      fc.property(events, (all) => {
        for (const event of all) expect(render(event)?.text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
      { numRuns: 1_000 },
    );
  });

  test('on a terminal every line begins as one of ours, and colours are the only sequences', () => {
    fc.assert(
      fc.property(events, (all) => {
        for (const event of all) {
          const { text = '' } = render(event, terminal) ?? {};
          const plain = text.replaceAll(/\u001b\[\d{1,2}m/g, '');
          expect(plain).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/);
          const [first, ...rest] = plain.split('\n');
          expect(first).toMatch(/^(14:04 \[|-- )/);
          for (const line of rest) expect(line).toMatch(/^ {6}\| /);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
