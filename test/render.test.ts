import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { duration, Renderer, type Style } from '../src/terminal/render.ts';

const esc = '\u001b';
const nowMs = new Date(2026, 10, 24, 14, 4, 5).getTime();
const at = (day: number, hour: number, minute: number) => new Date(2026, 10, day, hour, minute).getTime();
const pipe: Style = { colorLevel: 0, timestamps: 'off', multiline: false, ascii: false };
const terminal: Style = { colorLevel: 1, timestamps: 'time', multiline: true, ascii: false };
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

const contradiction = { type: 'contradiction' as const, room: 'r', seq: 8, heads: [] };

/** Every kind of event as a pipe sees it: without time and colour. */
const lines: [name: string, event: ChatEvent, channel: 'chat' | 'self' | undefined, text?: string][] = [
  ['a message', message('hello'), 'chat', '[bob] hello'],
  ['an own message', message('hello', { own: true }), 'chat', '[bob] hello'],
  ['a message of several lines', message('a\n[eve] b'), 'chat', '[bob] a\\n[eve] b'],
  ['a message that names me', message('hello, ana', { mention: true }), 'chat', '[bob] hello, ana'],
  ['an action', message('waves', { action: true }), 'chat', '* bob waves'],
  ['an own action', message('waves', { action: true, own: true }), 'chat', '* bob waves'],
  [
    'a signature that is not its author’s',
    { type: 'unverified', seq: 7, from: { name: 'b\x1bob', id: 'kB' } },
    'self',
    '-- what b␛ob says is not signed with the key it stands under',
  ],
  [
    'a step of the room’s clock',
    { type: 'clock', setBackMs: 7_200_000 },
    'self',
    "-- the room's clock was set back by 2 h",
  ],
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
  [
    'another name',
    { type: 'rename', server: 'hall', from: 'Luis', name: 'Lu', online: 2 },
    'chat',
    '[hall] Luis is now called Lu. 2 online.',
  ],
  ['another name of mine', { type: 'renamed', was: 'Luis', name: 'Lu' }, 'self', '-- you are now called Lu'],
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
    { type: 'gap', from: 1, to: 40, firstMs: at(23, 9, 7) },
    'self',
    '-- messages before Mon 09:07 are no longer kept by the server',
  ],
  [
    'a gap up to now',
    { type: 'gap', from: 1, to: 40 },
    'self',
    '-- messages before 14:04 are no longer kept by the server',
  ],
  [
    'a damaged message',
    { type: 'lost', seq: 12 },
    'self',
    '-- message 12 of the room is damaged; it is shown when somebody has it',
  ],
  [
    'the beginning of one missed message',
    { type: 'replay', count: 1, total: 1, sinceMs: at(22, 0, 0) },
    'self',
    '-- 1 missed message since Sun 00:00 ---',
  ],
  [
    'the beginning of missed messages',
    { type: 'replay', count: 17, total: 17, sinceMs: at(24, 14, 3) },
    'self',
    '-- 17 missed messages since 14:03 ---',
  ],
  [
    'the beginning of too many missed messages',
    { type: 'replay', count: 200, total: 1_240, sinceMs: at(21, 23, 59) },
    'self',
    '-- 1240 missed messages since Sat 23:59; showing the last 200; /history 1240 for all ---',
  ],
  ['the end of missed messages', { type: 'replayed' }, 'self', '-- end of missed messages ---'],
  [
    'the last message, for who is new',
    { type: 'replay', count: 1, total: 1, sinceMs: at(24, 14, 3), first: true },
    'self',
    '-- the last message ---',
  ],
  [
    'the last messages, for who is new',
    { type: 'replay', count: 20, total: 900, sinceMs: at(24, 14, 3), first: true },
    'self',
    '-- the last 20 messages ---',
  ],
  ['the end of the last messages', { type: 'replayed', first: true }, 'self', '-- now ---'],
  [
    'two pasts',
    { ...contradiction, reason: 'signed', file: '/home/ana/contradiction-r.json' },
    'self',
    '!! the room has signed two different pasts at message 8: its server tells its members different things. The proof is in /home/ana/contradiction-r.json',
  ],
  [
    'a past that gets shorter',
    { ...contradiction, reason: 'back' },
    'self',
    '!! the room has signed more than the 8 messages that it now signs: its server takes back what it said.',
  ],
  [
    'another past than the one that was read',
    { ...contradiction, reason: 'read' },
    'self',
    '!! what was read here up to message 8 is not what the room has signed: its server tells its members different things, or somebody on the way changes them.',
  ],
  ['a status', { type: 'status', code: 'X', message: 'trying again' }, 'self', '-- trying again'],
  ['an error', { type: 'error', code: 'NAME_REFUSED', message: 'No.' }, 'self', '!! No.'],
  ['listening', { type: 'listening', endpoint: 'tcp://*:9999', port: 9999 }, 'self', '-- listening on tcp://*:9999'],
  ['an erased message', message('', { erased: true }), 'chat', '[bob] (erased)'],
  ['an erasure', { type: 'erased', id: 'dev.1', seq: 7 }, 'self', '-- message 7 of the room was erased'],
  ['an erasure of what is not kept here', { type: 'erased', id: 'dev.1' }, undefined],
  [
    'where the lines of a pipe are',
    {
      type: 'outcome',
      arrived: [
        { from: 1, to: 3 },
        { from: 5, to: 5 },
      ],
      inDoubt: [{ from: 6, to: 6 }],
      notSent: [{ from: 7 }],
    },
    'self',
    '-- arrived: lines 1-3, 5\n!! in doubt, do not send again: line 6\n!! not sent, may be sent again: lines 7 and all after',
  ],
  ['the end of a server', { type: 'closing' }, undefined],
  ['who is away', { type: 'away', server: 'server', name: 'Bo', text: 'lunch' }, undefined],
  ['who is away no more', { type: 'back', server: 'server', name: 'Bo' }, undefined],
  ['a draft again', { type: 'takenBack', text: 'hi' }, undefined],
  ['that a line has its place', { type: 'placed', id: 'd.1', seq: 7 }, undefined],
  ['that a line will have none', { type: 'withdrawn', id: 'd.1', reason: 'refused' }, undefined],
  ['who is near', { type: 'near', names: ['Ana'] }, undefined],
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
    away: true,
    back: true,
    renamed: true,
    shutdown: true,
    notice: true,
    gap: true,
    lost: true,
    contradiction: true,
    replay: true,
    replayed: true,
    clock: true,
    unverified: true,
    erased: true,
    status: true,
    error: true,
    outcome: true,
    listening: true,
    closing: true,
    takenBack: true,
    placed: true,
    withdrawn: true,
    near: true,
  };
  expect(new Set(lines.map(([, event]) => event.type))).toEqual(new Set(Object.keys(types)));
});

describe('a name', () => {
  const named = (name: string, own = false, mention = false) =>
    render(message('x', { from: { name }, own, ...(mention && { mention }) }), { colorLevel: 2 })?.text ?? '';

  test('of my own is bold, and only mine', () => {
    expect(named('bob', true)).toContain(`${esc}[1m`);
    expect(named('bob')).not.toContain(`${esc}[1m`);
  });

  test('of who names me is inverse, and only that', () => {
    expect(named('bob', false, true)).toContain(`${esc}[7m`);
    expect(named('bob') + named('bob', true)).not.toContain(`${esc}[7m`);
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

  test('of a message is that of its acceptance, live as in a replay, whatever its author’s clock said', () => {
    const ofServer = { sentMs: at(26, 9, 0), acceptedMs: at(24, 13, 59) };
    expect(render(message('hi', ofServer), { timestamps: 'time' })?.text).toBe('13:59 [bob] hi');
    expect(render(message('hi', { ...ofServer, replay: true }), { timestamps: 'time' })?.text).toBe('13:59 [bob] hi');
  });

  test.each([
    [at(24, 11, 5), 'time', '~11:05 [bob] hi'],
    [at(22, 11, 5), 'time', '~Sun 11:05 [bob] hi'],
    [Date.UTC(2026, 10, 1), 'iso', '~2026-11-01T00:00:00.000Z [bob] hi'],
  ] as const)('of what was said long before is when it was said, marked', (saidMs, timestamps, line) => {
    const acceptedMs = at(24, 14, 0);
    const late = message('hi', { acceptedMs, agoMs: acceptedMs - saidMs });
    expect(render(late, { timestamps })?.text).toBe(line);
  });

  test('of a message that was missed is its own', () => {
    const acceptedMs = at(23, 9, 7);
    expect(render(message('hi', { acceptedMs, replay: true }), { timestamps: 'time' })?.text).toMatch(
      /\n09:07 \[bob\] hi$/,
    );
  });

  test('of a message that was lost is its own', () =>
    expect(render(message('hi', { acceptedMs: 0, mended: true }), { timestamps: 'iso' })?.text).toBe(
      '1970-01-01T00:00:00.000Z [bob] hi',
    ));

  test('of a missed message without one is now', () =>
    expect(render(message('hi', { replay: true }), { timestamps: 'time' })?.text).toBe('14:04 [bob] hi'));

  test('is written out on request', () =>
    expect(render(message('hi', { acceptedMs: 0, replay: true }), { timestamps: 'iso' })?.text).toBe(
      '1970-01-01T00:00:00.000Z [bob] hi',
    ));

  test('that no calendar has is no failure', () =>
    expect(
      render(message('hi', { acceptedMs: Number.MAX_SAFE_INTEGER, replay: true }), { timestamps: 'iso' })?.text,
    ).toBe('+275760-09-13T00:00:00.000Z [bob] hi'));

  test('that no calendar has begins no replay', () => {
    const sinceMs = Number.MAX_SAFE_INTEGER;
    expect(render({ type: 'replay', count: 1, total: 1, sinceMs })?.text).toMatch(
      /since 13 Sept? 275760 \d\d:\d\d ---$/,
    );
    expect(render({ type: 'gap', from: 1, to: 2, firstMs: sinceMs })?.text).toMatch(
      /before 13 Sept? 275760 \d\d:\d\d are/,
    );
  });

  test('stands before the words of the room, not before those of this program', () => {
    const joined: ChatEvent = { type: 'join', server: 's', name: 'Bo', online: 2 };
    expect(render(joined, { timestamps: 'time' })?.text).toBe('14:04 [s] Bo joined the room. 2 online.');
    expect(render({ type: 'gap', from: 1, to: 2 }, { timestamps: 'time' })?.text).toMatch(/^-- /);
  });
});

describe('the moment from which something is shown', () => {
  const since = (sinceMs: number) =>
    /since (.*) ---$/.exec(render({ type: 'replay', count: 1, total: 1, sinceMs })?.text ?? '')?.[1];

  test.each([
    ['now', nowMs, '14:04'],
    ['of today', at(24, 0, 0), '00:00'],
    ['of today, by a clock that is ahead', at(24, 23, 59), '23:59'],
    ['of yesterday', at(23, 23, 59), 'Mon 23:59'],
    ['of this week', at(18, 14, 5), 'Wed 14:05'],
    ['of the same weekday a week ago', at(17, 14, 5), '17 Nov 2026 14:05'],
    ['six days ago', at(18, 14, 4), '18 Nov 2026 14:04'],
    ['of tomorrow, by a clock that is ahead', at(25, 1, 0), 'Wed 01:00'],
    ['of another month', new Date(2026, 0, 3, 9, 7).getTime(), '3 Jan 2026 09:07'],
    ['of another year', new Date(1999, 11, 31, 23, 59).getTime(), '31 Dec 1999 23:59'],
  ])('%s', (_name, ms, words) => expect(since(ms)).toBe(words));
});

describe('the line of a new day', () => {
  const renderer = (style: Partial<Style> = {}) => new Renderer({ ...terminal, colorLevel: 0, ...style });
  const said = (acceptedMs: number) => message('hi', { acceptedMs, sentMs: at(26, 9, 0), replay: true });

  test('stands before the first message of a day, once', () => {
    const one = renderer();
    const lines = [at(22, 9, 0), at(22, 23, 59), at(23, 0, 0), at(24, 1, 0), at(24, 2, 0)].map(
      (ms) => one.render(said(ms), nowMs)?.text,
    );
    expect(lines).toEqual([
      expect.stringMatching(/^-- Sunday,? 22 November 2026 ---\n09:00 \[bob\] hi$/),
      '23:59 [bob] hi',
      expect.stringMatching(/^-- Monday,? 23 November 2026 ---\n00:00 \[bob\] hi$/),
      expect.stringMatching(/^-- Tuesday,? 24 November 2026 ---\n01:00 \[bob\] hi$/),
      '02:00 [bob] hi',
    ]);
  });

  test('stands before nothing said today, but at midnight', () => {
    const one = renderer();
    expect(one.render(message('hi'), at(24, 23, 59))?.text).toBe('23:59 [bob] hi');
    expect(one.render({ type: 'notice', server: 's', text: 'x' }, at(25, 0, 0))?.text).toMatch(
      /^-- Wednesday,? 25 November 2026 ---\n00:00 \[s\] x$/,
    );
  });

  test.each(['off', 'iso'] as const)('is not needed where times are %s', (timestamps) =>
    expect(renderer({ timestamps }).render(said(at(20, 1, 0)), nowMs)?.text).not.toContain('\n'),
  );

  test('is dim like the time', () =>
    expect(renderer({ colorLevel: 1 }).render(said(at(23, 9, 7)), nowMs)?.text).toMatch(
      /^\u001b\[2m-- Monday,? 23 November 2026 ---\u001b\[22m\n\u001b\[2m09:07\u001b\[22m /,
    ));
});

describe('several at once', () => {
  const names = Array.from({ length: 40 }, (_, n) => String.fromCodePoint(0x41 + n));
  const group = (count: number, did: 'joined' | 'left' | 'lost' = 'joined') =>
    new Renderer(pipe).group({ did, names: names.slice(0, count), server: 'hall', online: 7 }, nowMs).text;

  test.each([
    [1, '[hall] A joined the room. 7 online.'],
    [2, '[hall] A and B joined the room. 7 online.'],
    [3, '[hall] A, B and C joined the room. 7 online.'],
    [4, '[hall] A, B, C and D joined the room. 7 online.'],
    [5, '[hall] A, B, C and 2 others joined the room. 7 online.'],
    [40, '[hall] A, B, C and 37 others joined the room. 7 online.'],
  ])('%i are one line', (count, line) => expect(group(count)).toBe(line));

  test('left or are lost', () => {
    expect(group(2, 'left')).toBe('[hall] A and B left the room. 7 online.');
    expect(group(2, 'lost')).toBe('[hall] A and B lost the connection. 7 online.');
  });
});

describe('on a terminal that knows ASCII only', () => {
  const ascii = (event: ChatEvent, style: Partial<Style> = {}) => render(event, { ascii: true, ...style })?.text;

  test.each([
    ['letters lose their marks', 'años, Über', 'anos, Uber'],
    ['others are a question mark each', '漢字 👍', '?? ?'],
    ['what is hidden is still shown', 'a\u202eb\u009bc', 'a<U+202E>b<U+009B>c'],
    ['control characters, too', '\u001b[31m\r', '?[31m?'],
  ])('%s', (_name, text, shown) => expect(ascii(message(text))).toBe(`[bob] ${shown}`));

  test('marks are ASCII, too', () => {
    const marks = (style: Style) => {
      const renderer = new Renderer(style);
      return [renderer.sign('\n'), ...renderer.asides(undefined, [{ text: 'a', ts: 0 }], '', 0)];
    };
    expect(marks({ ...pipe, ascii: true })).toEqual(['\\n', '... a']);
    expect(marks(pipe)).toEqual(['⏎', '… a']);
  });

  test('no letter becomes a bracket of a name', () => {
    for (const name of ['bob\uff3d hi', '\uff3beve\uff3d', '\ufe47eve\ufe48'])
      expect(ascii(message('x', { from: { name } }))).toMatch(/^\[[^[\]]*\] x$/);
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
        fc.constantFrom(
          '\n[eve] hi',
          '\n-- x',
          '\n14:04 [eve] hi',
          '] ',
          '\uff3d ',
          '\u0300',
          '\u200d',
          '👨‍👩‍👧',
          '\u{e0041}',
        ),
        fc.string({ unit: 'binary', maxLength: 4 }),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join(''));
  const marks = { own: fc.boolean(), mention: fc.constantFrom({}, { mention: true as const }) };
  const others = fc.record({
    name: nasty,
    text: nasty,
    ...marks,
    action: fc.constantFrom({}, { action: true as const }),
  });
  const events = others.map(({ name, text, own, mention, action }): ChatEvent[] => [
    message(text, { from: { name }, own, ...mention, ...action }),
    message(text, { from: { name }, own, sentMs: at(20, 9, 7), replay: true }),
    { type: 'notice', server: name, text },
    { type: 'join', server: text, name, online: 1 },
    { type: 'leave', server: name, name, online: 1, reason: 'left' },
    { type: 'leave', name, online: 1, reason: 'lost' },
    { type: 'rename', server: name, from: text, name, online: 1 },
    { type: 'shutdown', server: name },
    { type: 'state', state: 'online', server: name, online: 1, legacy: false },
    { type: 'status', code: 'x', message: text },
    { type: 'error', code: 'USAGE', message: text },
  ]);
  /** Exactly what paints here; anything else that begins with an escape byte is somebody else's. */
  const unpainted = (text: string) => text.replaceAll(/\u001b\[(?:[1279]|22|27|39|38;5;\d{1,3}|[39]\d)m/g, '');
  const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/;
  const hidden = /[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\u{e0001}\u{e0020}-\u{e007f}]/u;

  test('there is not one escape byte without colour, and one line in a pipe', () => {
    fc.assert(
      fc.property(events, (all) => {
        for (const event of all) expect(render(event)?.text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([1, 2, 3] as const)('colours are the only sequences on a terminal of level %i', (colorLevel) => {
    fc.assert(
      fc.property(events, (all) => {
        for (const event of all) {
          const plain = unpainted(render(event, { ...terminal, colorLevel })?.text ?? '');
          expect(plain).not.toMatch(control);
          expect(plain).not.toMatch(hidden);
          // The same words as without colour.
          expect(plain).toBe(render(event, { ...terminal, colorLevel: 0 })?.text);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('every line on a terminal begins as one of ours', () => {
    fc.assert(
      fc.property(events, (all) => {
        for (const event of all) {
          const plain = render(event, { ...terminal, colorLevel: 0 })?.text ?? '';
          const [first, ...rest] = plain.replace(/^-- \w+,? \d+ \w+ \d+ ---\n09:07/, '14:04').split('\n');
          expect(first).toMatch(/^(14:04 \[|14:04 \* |-- |!! )/);
          for (const line of rest) expect(line).toMatch(/^ {6}\| /);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('a message stands behind the name of who wrote it', () => {
    fc.assert(
      fc.property(nasty, nasty, (name, text) => {
        const renderer = new Renderer({ ...terminal, colorLevel: 0 });
        const [first] = renderer.render(message(text, { from: { name } }), nowMs)?.text.split('\n') ?? [];
        expect(first).toBe(`14:04 [${renderer.safe(name)}] ${renderer.safe(text.split('\n')[0] ?? '')}`);
        const [action] =
          renderer.render(message(text, { from: { name }, action: true }), nowMs)?.text.split('\n') ?? [];
        expect(action).toBe(`14:04 * ${renderer.safe(name)} ${renderer.safe(text.split('\n')[0] ?? '')}`);
      }),
      { numRuns: 1_000 },
    );
  });

  test('it is ASCII on a terminal that knows nothing else', () => {
    fc.assert(
      fc.property(events, (all) => {
        for (const event of all)
          expect(unpainted(render(event, { ...terminal, ascii: true })?.text ?? '')).toMatch(/^[ -~\n]*$/);
      }),
      { numRuns: 1_000 },
    );
  });

  test('no character of Unicode does anything', () => {
    const safe = new Renderer(terminal);
    const every = 0x400;
    for (let start = 0; start < 0x110000; start += every) {
      const all = Array.from({ length: every }, (_, n) => String.fromCodePoint(start + n)).join('a');
      const event = message(all.replaceAll('\n', ''), { from: { name: all } });
      const plain = unpainted(safe.render(event, nowMs)?.text ?? '');
      for (const bad of [control, hidden, /\n/]) expect(bad.exec(plain)?.[0]).toBeUndefined();
    }
  });
});
