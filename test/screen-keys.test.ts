import { describe, expect } from 'vitest';
import { test } from './support/command.ts';
import { LegacyClient } from './support/legacy.ts';
import type { Screen } from './support/screen.ts';

/** Rows that the program or the terminal has broken, as one text. */
const flat = (screen: Screen) => screen.lines.join(' ').replace(/\s+/g, ' ');
const shows = (screen: Screen, text: string) => screen.until((now) => flat(now).includes(text), text);
/** What stands in the draft. */
const draft = (screen: Screen, text: string) =>
  screen.until(({ rows }) => rows.join('').trimEnd().endsWith(`> ${text}`), `the draft ${text}`);
async function cleared(screen: Screen): Promise<void> {
  screen.enter('/clear');
  await screen.until((now) => flat(now) === '>', 'an empty screen');
}
const widths = [80, 20];

describe.concurrent.each(widths)('at %i columns', (columns) => {
  const size = { columns, rows: 24 };

  test('/search finds what was said, newest last, and asks for what', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.online(port, 'Bo', '--listen');
    const ana = await stage.clientScreen(port, 'Ana', [], size);
    bo.write('Lunch?\nat the café\nlunch at noon\n会議です\n');
    await shows(ana, '会議です');
    await cleared(ana);
    ana.enter('/search lunch');
    await shows(ana, 'end of what was found ---');
    expect(flat(ana)).toMatch(
      /-- 2 messages were found --- \d\d:\d\d \[Bo\] Lunch\? \d\d:\d\d \[Bo\] lunch at noon -- end/,
    );
    for (const [words, found] of [
      ['cafe', 'at the café'],
      ['"lunch at"', 'lunch at noon'],
      ['会議', '会議です'],
    ] as const) {
      await cleared(ana);
      ana.enter(`/search ${words}`);
      await shows(ana, 'end of what was found ---');
      expect(flat(ana)).toMatch(new RegExp(`-- 1 message was found --- \\d\\d:\\d\\d \\[Bo\\] ${found} -- end`));
    }
    for (const words of ['', ' "', ' ""']) {
      await cleared(ana);
      ana.enter(`/search${words}`);
      await shows(ana, '!! What do you look for?');
    }
    ana.enter('/search *');
    await shows(ana, 'nothing was found in what is kept here');
  });

  test('/ignore hides somebody by identity, over another name and a restart, and nothing is lost', async ({
    stage,
  }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.clientScreen(port, 'Bo');
    const ana = await stage.clientScreen(port, 'Ana', [], size);
    bo.enter('hello there');
    await shows(ana, '[Bo] hello there');
    for (const [name, answer] of [
      ['ana', '!! That is you.'],
      ['room', '!! That is the room itself'],
      ['Nobody', '!! Nobody here is known as Nobody.'],
      ['x'.repeat(100), '!! Nobody here is known as xx'],
    ] as const) {
      ana.enter(`/ignore ${name}`);
      await shows(ana, answer);
    }
    ana.enter('/ignore');
    await shows(ana, '-- you ignore nobody');
    ana.enter('/ignore bo');
    await shows(ana, 'you read nothing of bo any more');
    bo.enter('/nick Zoe');
    await bo.until('you are now called Zoe');
    bo.enter('Ana, a secret');
    await bo.until('[Zoe] Ana, a secret');
    const cy = await stage.online(port, 'Cy', '--listen');
    cy.write('a marker\n');
    await shows(ana, '[Cy] a marker');
    expect([flat(ana).includes('a secret'), ana.bells]).toEqual([false, 0]);
    ana.enter('/quit');
    await ana.ends(0);
    const again = await stage.clientScreen(port, 'Ana', [], size);
    bo.enter('more of it');
    await bo.until('[Zoe] more of it');
    cy.write('another marker\n');
    await shows(again, '[Cy] another marker');
    expect(flat(again)).not.toMatch(/secret|more of it/);
    again.enter('/unignore Nobody');
    await shows(again, '!! You do not ignore Nobody.');
    again.enter('/unignore Zoe');
    await shows(again, 'you read Zoe again');
    again.enter('/history 9');
    await shows(again, 'more of it');
    expect(flat(again)).toContain('a secret');
  });

  test('/re says what it answers; who has said nothing cannot be answered', async ({ stage }) => {
    const { server, port } = await stage.server('--name', 'room');
    const bo = await stage.online(port, 'Ana María', '--listen');
    const ana = await stage.clientScreen(port, 'Bo', [], size);
    bo.write('lunch at noon?\n');
    await shows(ana, 'lunch at noon?');
    ana.enter('/re ana maría yes');
    await server.json({ type: 'message', text: 'lunch at noon?' });
    const { text, re } = await server.json({ type: 'message' });
    expect([text, re]).toEqual(['@Ana María: yes', expect.stringMatching(/^[\w-]+\.1$/)]);
    await shows(ana, '↪ Ana María: lunch at noon?');
    expect(flat(ana)).toMatch(/↪ Ana María: lunch at noon\? \d\d:\d\d \[Bo\] yes/);
    await bo.stdoutLine('[Bo] @Ana María: yes');
    for (const [line, answer] of [
      ['/re', '!! Whom do you answer?'],
      ['/re Nobody hi', '!! Nobody has said nothing here.'],
      ['/re Ana María', '!! What do you answer Ana María?'],
    ] as const) {
      ana.enter(line);
      await shows(ana, answer);
    }
    // Who comes later reads both at once.
    const cy = await stage.clientScreen(port, 'Cy', ['--history', '9'], size);
    await shows(cy, '↪ Ana María: lunch at noon?');
  });

  test('/away is seen by /who, and once by whoever names you; saying something ends it', async ({ stage }) => {
    const { server, port } = await stage.server('--name', 'room');
    const tall = { columns, rows: 60 };
    const ana = await stage.clientScreen(port, 'Ana', [], tall);
    const bo = await stage.clientScreen(port, 'Bo', [], tall);
    const cy = await stage.online(port, 'Cy', '--listen');
    await shows(ana, 'Cy joined the room. 3 online.');
    ana.enter(`/away ${'x'.repeat(129)}`);
    await shows(ana, '!! Say it in at most 128 bytes.');
    ana.enter('/away lunch \u202eevil');
    await shows(ana, '-- you are away: lunch <U+202E>evil (until you say something)');
    ana.enter('/who');
    await shows(ana, '-- 3 online: Ana (you, away: lunch <U+202E>evil), Bo');
    await server.json({ type: 'away', name: 'Ana' });
    cy.write('a marker\n');
    await shows(bo, '[Cy] a marker');
    expect(flat(bo)).not.toContain('away');
    bo.enter('/who');
    await shows(bo, 'Ana (away: lunch <U+202E>evil)');
    await cleared(bo);
    bo.enter('ana, are you there?');
    await shows(bo, '-- Ana is away: lunch <U+202E>evil');
    expect(flat(bo)).toMatch(/^\d\d:\d\d \[Bo\] ana, are you there\? -- Ana is away: lunch <U\+202E>evil >/);
    bo.enter('Ana?');
    for (const screen of [bo, ana]) await shows(screen, '[Bo] Ana?');
    await cleared(ana);
    ana.enter('/back');
    await shows(ana, '!! Just say something: that ends /away.');
    ana.enter('here');
    await shows(ana, '-- you are not away any more');
    await shows(bo, '[Ana] here');
    await cleared(bo);
    bo.enter('ana!');
    await shows(bo, '[Bo] ana!');
    bo.enter('/who');
    await shows(bo, '-- 3 online: Bo (you), Ana, Cy >');
    expect(flat(bo)).not.toContain('away');
    expect([cy.stdout, cy.stderr].join()).not.toContain('away');
  });

  test('Up takes back the line that waits, and only that', async ({ stage }) => {
    const { server, port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'Ana', [], size);
    server.kill('SIGKILL');
    await shows(ana, 'connection lost.');
    for (const line of ['first', '/me waves', 'secnd']) ana.enter(line);
    await ana.until(/^… secnd/);
    ana.press('up');
    await draft(ana, 'secnd');
    expect(ana.count(/^… secnd/)).toBe(0);
    ana.press('backspace', 'backspace');
    ana.enter('ond');
    await ana.until(/^… second/);
    const back = await stage.server('--name', 'room', '--port', String(port));
    const texts: unknown[] = [];
    for (let i = 0; i < 3; i++) texts.push((await back.server.json({ type: 'message' })).text);
    expect(texts).toEqual(['first', 'waves', 'second']);
    await shows(ana, 'second');
    ana.press('up');
    await draft(ana, 'second');
    ana.press('ctrl-c');
    await ana.settled();
    ana.enter('a marker');
    expect((await back.server.json({ type: 'message' })).text).toBe('a marker');
  });

  test('/help and /status break between words', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'Ana', [], { columns, rows: 60 });
    const words = [
      'send',
      'begins',
      'message',
      'complete',
      'nothing',
      'waits',
      'online',
      'there',
      'dropped',
      'together',
    ];
    ana.enter('/help');
    await shows(ana, 'Ctrl-C');
    ana.enter('/status');
    await shows(ana, 'what is kept here:');
    await ana.settled();
    for (const word of words)
      expect([word, ana.history.some((row) => new RegExp(`\\b${word}\\b`).test(row))]).toEqual([word, true]);
    for (const name of ['/search', '/ignore', '/unignore', '/re', '/history', '/quit'])
      expect(ana.history.some((row) => new RegExp(`^-- ( *)?${name}\\b`).test(row))).toBe(true);
  });

  test('@ and Tab, /q, and what /msg answers', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    await stage.online(port, 'Bob', '--listen');
    const ana = await stage.clientScreen(port, 'Ana', [], size);
    ana.type('@b');
    ana.press('tab');
    ana.type('hi');
    await draft(ana, '@Bob hi');
    ana.press('ctrl-c');
    await ana.settled();
    ana.enter('/msg Bob hi');
    await shows(ana, '!! In a room everybody reads everything.');
    expect(ana.has('[Ana]')).toBe(false);
    ana.enter('/q');
    await ana.ends(0);
  });

  test('the topic is read on entering and by /topic, and --highlight rings', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room', '--topic', 'Lunch \u202eat noon');
    const ana = await stage.clientScreen(port, 'Ana', ['--highlight', 'Pizza', '--highlight', 'ship it'], size);
    await shows(ana, '[room] Topic: Lunch <U+202E>at noon');
    await cleared(ana);
    ana.enter('/topic');
    await shows(ana, '-- Topic: Lunch <U+202E>at noon');
    const bo = await stage.online(port, 'Bo', '--listen');
    bo.write('pizzas\nwe Ship it\nPIZZA!\n');
    await shows(ana, 'PIZZA!');
    await ana.settled();
    expect(ana.bells).toBe(2);
    expect(bo.stdout).toContain('[room] Topic: Lunch <U+202E>at noon\n');
  });

  test('a paste that does not fit says so until it is seen, and never ends the program', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'Ana', [], size);
    ana.paste('x'.repeat(5_000));
    await shows(ana, 'that does not fit');
    ana.press('enter');
    await ana.settled();
    ana.paste('x'.repeat(5_000));
    await shows(ana, 'that does not fit');
    ana.press('enter', 'ctrl-c');
    await ana.until((screen) => !flat(screen).includes('that does not fit'), 'the notice to go');
    ana.type('look: ');
    ana.paste('x'.repeat(5_000));
    ana.press('enter');
    await shows(ana, 'Enter sends the draft without it');
    ana.press('enter');
    await shows(ana, '[Ana] look:');
  });
});

describe.concurrent('in a room with the original program', () => {
  test('/re is read with a name, /ignore counts for the name and says so', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const old = stage.keep(LegacyClient.connect(port, 'Neo'));
    await old.join();
    const ana = await stage.clientScreen(port, 'Ana');
    await old.say('hello');
    await ana.until('[Neo] hello');
    ana.enter('/re Neo hi');
    await old.hears('@Neo: hi');
    ana.enter('/ignore Neo');
    await shows(ana, 'That is the original program: it counts for this name, and until you leave.');
    await old.say('unread');
    const bo = await stage.online(port, 'Bo', '--listen');
    bo.write('a marker\n');
    await ana.until('[Bo] a marker');
    expect(ana.has('unread')).toBe(false);
  });
});

describe.concurrent('between two people', () => {
  test('what is typed to somebody who is taken is named, not lost', async ({ stage }) => {
    const first = stage.spawn('p2p', ['--server', '--port', '0', '--ip', '127.0.0.1', '--name', 'a', '--json']);
    const { port } = await first.json({ type: 'listening' });
    const to = ['--port', String(port), '--ip', '127.0.0.1'];
    const second = stage.spawn('p2p', [...to, '--name', 'b', '--json']);
    await second.json({ type: 'join' });
    const third = stage.screen('p2p', [...to, '--name', 'c']);
    await third.until('connecting');
    third.enter('are you there?');
    third.enter('second line');
    third.type('half');
    await third.ends(5);
    expect([third.count('!! Not sent: "are you there?"'), third.count('!! Not sent: "second line"')]).toEqual([1, 1]);
    expect(third.count('> half')).toBe(1);
  });

  test('the commands of a room are answered', async ({ stage }) => {
    const a = stage.screen('p2p', ['--server', '--port', '0', '--ip', '127.0.0.1', '--name', 'a']);
    await a.until('listening');
    for (const [line, answer] of [
      ['/nick x', '!! Between two people names stay'],
      ['/history', '!! Between two people nothing is kept'],
      ['/ignore b', '!! That is for rooms'],
      ['/msg b hi', '!! Here you are alone'],
    ] as const) {
      a.enter(line);
      await a.until(answer);
    }
    a.enter('/exit');
    await a.ends(0);
  });
});

describe.concurrent('the terminal is left as it was', () => {
  test.for(['SIGQUIT', 'SIGUSR2', 'SIGALRM', 'SIGTERM', 'SIGHUP'] as const)('by %s', async (signal, { stage }) => {
    const { port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    ana.kill(signal);
    await ana.ends(0);
    expect(ana.settings).toBe(ana.settingsAtStart);
  });
});

describe.concurrent('with | tee', () => {
  test('it is said how to write; own lines are in the output, and Alt-Enter joins two', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const shell = await stage.shell();
    shell.enter(`chat-client --port ${port} --ip 127.0.0.1 --name ana | tee log`);
    await shell.until('write a line and press Enter');
    await shell.until('You are now online');
    shell.enter('hello');
    await shell.until(/^\[ana\] hello$/);
    shell.type('one');
    shell.press('alt-enter');
    shell.enter('two');
    await shell.until(/^\[ana\] one\\ntwo$/);
    shell.enter('/quit');
    await shell.until((screen) => screen.rows.join('\n').trimEnd().endsWith('$'), 'the prompt of the shell');
    shell.enter('clear; cat log');
    await shell.until(/^\[ana\] one\\ntwo$/);
    expect(shell.rows.join('\n')).toContain('[ana] hello');
  });
});
