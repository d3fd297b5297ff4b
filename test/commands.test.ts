import { beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import type { Conversation } from '../src/core/turn.ts';
import { historyCommand } from '../src/prompt/history.ts';
import {
  awayCommand,
  type Command,
  complete,
  inRooms,
  type Meaning,
  nickCommand,
  openPrompt,
  reachableAt,
  read,
  settingCommand,
  signedUpTo,
} from '../src/prompt/prompt.ts';
import type { Message } from '../src/protocol/frames.ts';
import type { Settings, View } from '../src/terminal/view.ts';
import { readSpanMs } from '../src/text/span.ts';
import { Written } from './support/places.ts';

let shown: ChatEvent[];
let cleared: number;
let settings: Settings;
const view: View = {
  show: (event) => void shown.push(event),
  waiting: () => {},
  isBehind: false,
  close: () => {},
  clear: () => void cleared++,
};
beforeEach(() => {
  shown = [];
  cleared = 0;
  settings = { joins: 'auto', bell: 'mention' };
});
const error = (message: string) => ({ type: 'error', code: 'USAGE', message });
/** Answers as they are, errors behind `!!`. */
const said = () =>
  shown.map((event) =>
    event.type === 'status' ? event.message : event.type === 'error' ? `!! ${event.message}` : event.type,
  );

const talk = (some: Partial<Conversation> = {}): Conversation => ({
  name: 'Ana',
  online: true,
  waiting: [],
  unsent: 0,
  unsettled: { inDoubt: 0, ungiven: 0 },
  others: ['Luis', 'Ana María', 'ana', 'Bo'],
  present: 5,
  hasLeft: false,
  retractable: undefined,
  isFull: false,
  turn: () => [],
  ...some,
});
const prompt = (own: Command[] = [], at = view, some: Partial<Conversation> = {}) =>
  openPrompt(own, { conversation: talk(some), view: at, settings, about: () => ['the room', 'the folder'] });
/** A dumb terminal: nothing of it can be cleared. */
const { clear: _, ...plainView } = view;

describe('a line at the prompt', () => {
  test.each<[string, Meaning]>([
    ['hello', { text: 'hello' }],
    [' /quit', { text: ' /quit' }],
    ['a/b', { text: 'a/b' }],
    ['a\n/quit', { text: 'a\n/quit' }],
    ['//quit', { text: '/quit' }],
    ['///', { text: '//' }],
    ['//a\nb', { text: '/a\nb' }],
    ['/quit', 'quit'],
    ['/quit  ', 'quit'],
    ['/quit now', 'quit'],
    ['/q', 'quit'],
    ['/exit', 'quit'],
    ['/me waves', { text: 'waves', action: true }],
    ['/me  waves\nand smiles ', { text: 'waves\nand smiles', action: true }],
    ['/me /quit', { text: '/quit', action: true }],
    ['/me', undefined],
    ['/nick Ana  María ', { name: 'Ana  María' }],
    ['/nick', undefined],
    ['/clear', undefined],
    ['/who', undefined],
    ['/bell off', undefined],
    ['/nosuch', undefined],
    ['/', undefined],
    ['/ quit', undefined],
    ['/Quit', undefined],
    ['/quitnow', undefined],
  ])('%j means %j', (line, meaning) => expect(prompt([nickCommand(view)])(line)).toEqual(meaning));

  test('gives a command its argument, as it was typed', () => {
    const given: string[] = [];
    const history: Command = { name: 'history', does: 'again', run: (argument) => void given.push(argument) };
    for (const line of ['/history', '/history 5', '/history   a  b ', '/history a\nb']) read(line, [history], view);
    expect(given).toEqual(['', '5', 'a  b', 'a\nb']);
    expect(shown).toEqual([]);
  });

  test('with an unknown command is not sent, and says what may be meant', () => {
    const read = prompt();
    for (const line of ['/hlep', '/inviet', '/']) expect(read(line)).toBeUndefined();
    expect(shown).toEqual([
      error('Unknown command /hlep. Did you mean /help? Start with // to send it as text.'),
      error('Unknown command /inviet. See /help. Start with // to send it as text.'),
      error(
        expect.stringMatching(/^Unknown command \/\. .* Start with \/\/ to send it as text\.$/) as unknown as string,
      ),
    ]);
  });

  test.each([
    ['/bye', 'quit'],
    ['/part', 'quit'],
    ['/names', 'who'],
    ['/name', 'nick'],
    ['/EXIT', 'quit'],
    ['/Q', 'quit'],
    ['/Names', 'who'],
    ['/NAME Ana', 'nick'],
    ['/afk', 'away'],
    ['/brb', 'away'],
    ['/QUIT', 'quit'],
    ['/Who', 'who'],
    ['/HLEP', 'help'],
  ])('that is what other programs say, %j, leads to /%s', (line, meant) => {
    expect(prompt([nickCommand(view), awayCommand(view)])(line)).toBeUndefined();
    const [name] = line.split(' ');
    expect(shown).toEqual([
      error(`Unknown command ${name}. Did you mean /${meant}? Start with // to send it as text.`),
    ]);
  });

  test('with what other programs have is not led to what there is not', () => {
    prompt()('/name');
    expect(said()).toEqual([expect.stringMatching(/^!! Unknown command \/name\. (?!.*\/nick)/)]);
    for (const line of ['/constructor', '/toString', '/__proto__']) {
      shown = [];
      prompt()(line);
      expect(shown).toEqual([error(`Unknown command ${line}. See /help. Start with // to send it as text.`)]);
    }
  });

  test.each(['/bell', '/bell all', '/clear'])('%j is no command where nothing can be cleared', (line) => {
    expect(prompt([], plainView)(line)).toBeUndefined();
    expect(said()).toEqual([expect.stringMatching(/^!! Unknown command \/(bell|clear)\. /)]);
    expect([cleared, settings.bell]).toEqual([0, 'mention']);
  });

  test('without what the command needs says so', () => {
    const read = prompt([nickCommand(view)]);
    read('/me');
    read('/nick  ');
    expect(said()).toEqual(['!! What do you do? For example: /me waves', '!! Which name? For example: /nick Ana']);
  });
});

describe('/help', () => {
  /** The first word of every line, the rest of it must be in its column. */
  const entries = () => {
    for (const line of said()) expect(line).toMatch(/^.{22} \S/u);
    return said().map((line) => line.slice(0, 22).trimEnd());
  };
  const commands = ['/who', '/status', '/nick NAME', '/me TEXT', '/quit', '/help'];
  const keys = ['//TEXT', 'Alt-Enter', 'Tab', 'Up, Down', 'Ctrl-C'];

  test('names every command, and the keys, one a line', () => {
    expect(prompt([nickCommand(view)])('/help')).toBeUndefined();
    const all = [...commands];
    all.splice(4, 0, '/bell mention|all|off', '/clear');
    expect(entries()).toEqual([...all, ...keys]);
    expect(said()).toContain(`${'/nick NAME'.padEnd(22)} go by another name`);
    expect(said()).toContain(`${'/bell mention|all|off'.padEnd(22)} what rings`);
    expect(said()).toContain(`${'//TEXT'.padEnd(22)} send a text that begins with /`);
  });

  test('names no keys, and neither /bell nor /clear, where there is no line editor', () => {
    expect(prompt([nickCommand(view)], plainView)('/help')).toBeUndefined();
    expect(entries()).toEqual(commands);
  });
});

test('/clear empties the screen, where there is one', () => {
  expect(prompt()('/clear')).toBeUndefined();
  expect(cleared).toBe(1);
});

describe('a setting', () => {
  test('is changed, and said', () => {
    const read = prompt();
    for (const line of ['/bell', '/bell off', '/bell']) read(line);
    expect(said()).toEqual(['bell: mention', 'bell: off', 'bell: off']);
    expect(settings.bell).toBe('off');
  });

  test('is not changed to what it cannot be', () => {
    prompt()('/bell loud');
    expect(said()).toEqual(['!! /bell is one of mention, all, off.']);
    expect(settings.bell).toBe('mention');
  });
});

describe('/who', () => {
  const who = (some: Partial<Conversation>) => {
    prompt([], view, some)('/who');
    return said();
  };
  const many = Array.from({ length: 150 }, (_, n) => `p${n}`);

  test.each<[string, Partial<Conversation>, string]>([
    ['names all', {}, '5 online: Ana (you), Luis, Ana María, ana, Bo'],
    ['counts those whose names are not known', { present: 7 }, '7 online: Ana (you), Luis, Ana María, ana, Bo, 2 more'],
    ['is fine alone', { others: [], present: 1 }, '1 online: Ana (you)'],
    [
      'names at most a hundred',
      { others: many, present: 151 },
      `151 online: Ana (you), ${many.slice(0, 100).join(', ')}, 50 more`,
    ],
    ['knows what I am called now', { name: 'Zoë', others: ['Bo'], present: 2 }, '2 online: Zoë (you), Bo'],
    [
      'says who is away, and why if that is known',
      { whyAway: (name) => ({ Ana: 'lunch', Luis: '', Bo: 'tea' })[name] },
      '5 online: Ana (you, away: lunch), Luis (away), Ana María, ana, Bo (away: tea)',
    ],
    ['knows nothing offline', { online: false }, 'you are offline'],
    ['says that nobody is near', { online: false, near: [] }, 'you are offline; nobody is near'],
    [
      'says who is near while the server is away',
      { online: false, near: ['Bo', 'Luis'] },
      'you are offline; near, without the server: Bo, Luis',
    ],
    [
      'says who of them is in the room',
      { online: false, near: ['Bo', 'Luis'], through: ['Luis'] },
      'you are offline; near, without the server: Bo, Luis; in the room: Luis',
    ],
    [
      'names those who are in the room, near or not',
      { near: ['Bo'], others: ['Bo'], present: 2 },
      '2 online: Ana (you), Bo',
    ],
  ])('%s', (_name, some, expected) => expect(who(some)).toEqual([expected]));
});

describe('/status', () => {
  test.each<[string, Partial<Conversation>, string]>([
    ['nothing waits', {}, 'online, 5 there; nothing waits to be sent'],
    ['one waits', { waiting: [{ text: 'a', ts: 0 }] }, 'online, 5 there; 1 message not sent yet'],
    [
      'two wait, offline',
      {
        online: false,
        waiting: [
          { text: 'a', ts: 0 },
          { text: 'b', ts: 0 },
        ],
      },
      'offline; 2 messages not sent yet',
    ],
  ])('says who I am, that %s, then what only the program knows', (_name, some, expected) => {
    prompt([], view, some)('/status');
    expect(said()).toEqual(['you are Ana', expected, 'the room', 'the folder']);
  });

  test.each<[string, Partial<Conversation>, string[]]>([
    ['nobody is near', { near: [], through: [] }, []],
    ['some are near', { near: ['Bo', 'Luis'] }, ['linked with Bo, Luis, without the server']],
    [
      'one of them is in the room',
      { near: ['Bo', 'Luis'], through: ['Luis'] },
      ['linked with Bo, Luis, without the server', 'the room is reached through Luis'],
    ],
    [
      'one of them has my line',
      { near: ['Bo'], shared: { count: 1, copies: 1 } },
      ['linked with Bo, without the server', '1 line without a place yet, on the disks of 1 other at least'],
    ],
    [
      'some of them have my lines',
      { near: ['Bo', 'Luis'], shared: { count: 3, copies: 2 } },
      ['linked with Bo, Luis, without the server', '3 lines without a place yet, on the disks of 2 others at least'],
    ],
  ])('says in a cut that %s', (_name, some, expected) => {
    prompt([], view, { online: false, ...some })('/status');
    expect(said()).toEqual(['you are Ana', 'offline; nothing waits to be sent', ...expected, 'the room', 'the folder']);
  });

  test.each([
    [undefined, 'no links with other members: --no-peers'],
    [[], 'members cannot reach you'],
    [
      ['10.0.0.7:4000', '[fd00::7]:4000'],
      'members reach you at 10.0.0.7:4000, [fd00::7]:4000 while the server is away',
    ],
  ])('says where others can reach me: %j', (hosts, words) => expect(reachableAt(hosts)).toBe(words));

  test('says what the room takes later', () => {
    prompt([], view, { held: { count: 1, ms: 400 } })('/status');
    expect(said()).toContain(
      'you write faster than this room takes: 1 message waits there, about 1 s. Nothing is lost.',
    );
  });
});

test('/status says that I am away', () => {
  prompt([], view, { whyAway: () => 'lunch' })('/status');
  expect(said()[0]).toBe('you are Ana, away: lunch');
});

describe('/away', () => {
  test.each([
    ['/away', ''],
    ['/away  ', ''],
    ['/away lunch', 'lunch'],
    ['/away back\nat  noon', 'back at noon'],
    ['/away \u001b[2J\u0000', '␛[2J␀'],
    [`/away ${'é'.repeat(64)}`, 'é'.repeat(64)],
  ])('%j says %j', (line, away) => {
    expect(prompt([awayCommand(view)])(line)).toEqual({ away });
    expect(shown).toEqual([]);
  });

  test.each(['x'.repeat(129), 'é'.repeat(65), 'x'.repeat(100_000)])('is not as long as %s', (text) => {
    expect(prompt([awayCommand(view)])(`/away ${text}`)).toBeUndefined();
    expect(said()).toEqual(['!! Say it in at most 128 bytes.']);
  });

  test('has no command that ends it', () => {
    expect(read('/back', [], view, inRooms)).toBeUndefined();
    expect(said()).toEqual(['!! Just say something: that ends /away.']);
  });
});

describe('what the room has signed', () => {
  const head = { log: 'l', run: 'r', sig: 's', seq: 42, hash: 'abcdefghijklmn' };
  test.each<[string, Parameters<typeof signedUpTo>[0], string]>([
    ['is said shortly', { newest: head }, 'signed by the room up to message 42 (abcdefgh)'],
    [
      'may be that nobody has said anything',
      { newest: { ...head, seq: 0, hash: '' } },
      'signed by the room: its log is empty',
    ],
    ['may be nothing', undefined, 'the room has signed nothing yet'],
  ])('%s', (_name, signed, words) => expect(signedUpTo(signed)).toBe(words));
});

describe('what Tab can make of it', () => {
  const joins = settingCommand('joins', ['auto', 'all', 'none'], '', { joins: 'auto' }, view);
  const quiet = { does: '', run: () => undefined };
  const [me, quit] = [
    { name: 'me', argument: 'TEXT', ...quiet },
    { name: 'quit', ...quiet },
  ];
  const commands = [me, nickCommand(view), joins, quit];
  const names = (before: string) => talk().others.map((name) => `${before}${name} `);

  test.each([
    ['/', ['/me ', '/nick ', '/joins ', '/quit']],
    ['/q', ['/quit']],
    ['/j', ['/joins ']],
    ['/joins ', ['/joins auto', '/joins all', '/joins none']],
    ['/joins a', ['/joins auto', '/joins all']],
    ['/joins none', ['/joins none']],
    ['/joins x', []],
    ['//', []],
    ['//etc', []],
    ['//quit', []],
    ['//l', []],
    ['/h/x', []],
    ['/q/', []],
    ['/joins  a', ['/joins  Ana María ', '/joins  ana ']],
    ['/joins/a', []],
    ['/joins all ', names('/joins all ')],
    ['/x', []],
    ['/Q', []],
    ['l', ['Luis: ']],
    ['L', ['Luis: ']],
    ['an', ['Ana María: ', 'ana: ']],
    ['Ana M', ['Ana María: ']],
    ['', ['Luis: ', 'Ana María: ', 'ana: ', 'Bo: ']],
    ['hi l', ['hi Luis ']],
    ['hi ana m', ['hi Ana María ']],
    ['hi Bo an', ['hi Bo Ana María ', 'hi Bo ana ']],
    ['hi\nbo', ['hi\nBo ']],
    ['/me thanks bo', ['/me thanks Bo ']],
    ['/me b', ['/me Bo ']],
    ['/nick a', ['/nick Ana María ', '/nick ana ']],
    ['xyz', []],
    ['hixl', []],
    ['@', ['@Luis ', '@Ana María ', '@ana ', '@Bo ']],
    ['@b', ['@Bo ']],
    ['hi @ana m', ['hi @Ana María ']],
    ['a@b', []],
  ])('%j: %j', (before, expected) => expect(complete(before, commands, talk().others)).toEqual(expected));

  test('is a name behind a long text, too, however long the name', () => {
    const long = `${'å'.repeat(15)} ${'ö'.repeat(16)}`;
    const ends = (before: string) => complete(before, commands, [long, 'Bo']);
    for (const text of [`${'x '.repeat(5_000)}x`, 'x'.repeat(10_000)]) {
      expect(ends(`${text} ${long.slice(0, -1).toUpperCase()}`)).toEqual([`${text} ${long} `]);
      expect(ends(`${text} b`)).toEqual([`${text} Bo `]);
      expect(ends(`${text}b`)).toEqual([]);
    }
  });

  test('is asked at the prompt', () => {
    const asked: View = { ...view };
    openPrompt([], { conversation: talk(), view: asked, settings, about: () => [] });
    expect(asked.completer?.('b')).toEqual(['Bo: ']);
    expect(asked.completer?.('/b')).toEqual(['/bell ']);
    const plain: View = { ...plainView };
    openPrompt([], { conversation: talk(), view: plain, settings, about: () => [] });
    expect(['/b', '/cl', '/wh'].map((before) => plain.completer?.(before))).toEqual([[], [], ['/who']]);
  });
});

test.each([
  ['30m', 1_800_000],
  ['2h', 7_200_000],
  ['2d', 172_800_000],
  ['0h', 0],
  ['999999d', 999_999 * 86_400_000],
  ['1000000d', undefined],
  ['5', undefined],
  ['h', undefined],
  ['2 h', undefined],
  ['2H', undefined],
  ['-2h', undefined],
  ['2.5h', undefined],
  ['2h ', undefined],
  ['', undefined],
])('the span %j is %j ms', (text, ms) => expect(readSpanMs(text)).toBe(ms));

describe('/history', () => {
  const nowMs = 100 * 86_400_000;
  const hourMs = 3_600_000;
  /** Of a log with these messages, whose authors have no clocks that anybody could trust. */
  const historyOf = (messages: Message[]) => {
    const written = new Written();
    for (const message of messages) written.append(1, message, { atMs: message.at ?? 0 });
    return historyCommand(
      () => written.log,
      view,
      () => nowMs,
    );
  };
  /** Message n was written so many hours ago. */
  const history = (...hoursAgo: number[]) => {
    const messages = hoursAgo.map((hours, n): Message => {
      const at = nowMs - hours * hourMs;
      return { kind: 'message', name: 'bob', text: `${n + 1}`, ts: nowMs + 99 * hourMs, at };
    });
    return historyOf(messages);
  };
  const oldest = (hoursAgo: number, count: number) => ({
    type: 'replay',
    count,
    total: count,
    sinceMs: nowMs - hoursAgo * hourMs,
    first: true,
  });
  const manyHours = Array.from({ length: 30 }, (_, n) => 30 - n);

  test.each([
    ['', manyHours, 20, Array.from({ length: 20 }, (_, n) => `${n + 11}`)],
    ['2', [9, 8, 7], 8, ['2', '3']],
    ['99', [9, 8, 7], 9, ['1', '2', '3']],
    ['2h', [9, 2.1, 2, 1], 2, ['3', '4']],
    ['120m', [9, 2.1, 2, 1], 2, ['3', '4']],
    ['1d', [25, 24, 23], 24, ['2', '3']],
    // The clock was set: the order is that of the log.
    ['2h', [1, 9, 0], 1, ['1', '3']],
    ['1', [1], 1, ['1']],
  ])(
    '%j shows of messages so many hours ago %j those since %j h, framed: %j',
    (argument, hoursAgo, since, expected) => {
      expect(history(...hoursAgo).run(argument)).toBeUndefined();
      expect(shown.at(0)).toEqual(oldest(since, expected.length));
      expect(shown.at(-1)).toEqual({ type: 'replayed', first: true });
      expect(shown.slice(1, -1).map((event) => (event.type === 'message' ? event.text : event.type))).toEqual(expected);
    },
  );

  test.each([
    ['1h', [9, 8]],
    ['5', []],
    ['', []],
  ])('%j of messages so many hours ago %j: nothing, and no frame around it', (argument, hoursAgo) => {
    expect(history(...hoursAgo).run(argument)).toBeUndefined();
    expect(said()).toEqual(['nothing was said']);
  });

  test.each(['0', '-1', 'x', '1 2', '2w', '0h', '1e3', '1000000'])('%j is not understood', (argument) => {
    history(1).run(argument);
    expect(said()).toEqual(['!! How many, or since when? For example: /history 50, /history 2h']);
  });

  test('shows what was said as of then, so that nothing rings', () => {
    history(1).run('1');
    expect(shown).toEqual([
      oldest(1, 1),
      expect.objectContaining({ type: 'message', replay: true, own: false, acceptedMs: nowMs - hourMs }),
      { type: 'replayed', first: true },
    ]);
  });

  test('counts what nobody is shown not at all, and what was said long before by when it was said', () => {
    const said = { kind: 'message', name: 'bob', at: nowMs } as const;
    const refused: Message = { ...said, text: '', void: true };
    const nothing: Message = { ...said, text: 'hidden', type: 'nothing' };
    const late = { ...said, text: 'old', ago: hourMs };
    historyOf([refused, late, nothing, { ...said, text: 'new' }]).run('');
    expect(shown).toEqual([
      oldest(1, 2),
      expect.objectContaining({ type: 'message', text: 'old', acceptedMs: nowMs, agoMs: hourMs }),
      expect.objectContaining({ type: 'message', text: 'new', acceptedMs: nowMs }),
      { type: 'replayed', first: true },
    ]);
  });

  test('shows no void entry', () => {
    historyOf([{ kind: 'message', name: 'bob', text: '', void: true }]).run('');
    expect(said()).toEqual(['nothing was said']);
  });
});
