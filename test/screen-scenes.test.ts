import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { isPlain, meeting, test } from './support/command.ts';
import type { Screen } from './support/screen.ts';

type Ending = [name: string, end: (screen: Screen) => void];

const endings: Ending[] = [
  ['/quit', (screen) => screen.enter('/quit')],
  ['Ctrl-D', (screen) => screen.press('ctrl-d')],
  ['Ctrl-C', (screen) => screen.press('ctrl-c')],
  ['SIGTERM', (screen) => screen.kill('SIGTERM')],
  ['SIGHUP', (screen) => screen.kill('SIGHUP')],
];

describe.concurrent('at a terminal', () => {
  test('join and talk: each message once, in the same order, above the prompt', async ({ stage }) => {
    const { port, room } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'ana');
    const bo = await stage.clientScreen(port, 'bo');
    await ana.until('bo joined the room');
    ana.enter('hello bo');
    await bo.until('[ana] hello bo');
    bo.enter('hello ana');
    await Promise.all([ana, bo].map((screen) => screen.until('[bo] hello ana')));
    await Promise.all([ana.settled(), bo.settled()]);
    const talk = ['[ana] hello bo', '[bo] hello ana', '>'];
    const before = [`-- connecting to tcp://127.0.0.1:${port}`, meeting(room)];
    const joined = '[room] bo joined the room. 2 online.';
    expect(untimed(ana)).toEqual([...before, '[room] You are now online. 1 online.', joined, ...talk]);
    expect(untimed(bo)).toEqual([...before, '[room] You are now online. 2 online.', ...talk]);
    expect(ana.cursor).toEqual({ row: 6, column: 2, visible: true });
    expect(ana.lines.slice(2, -1).every((line) => /^\d\d:\d\d \[/.test(line))).toBe(true);
  });

  test('server killed: the draft stays, what is entered waits, and all of it goes out once it is back', async ({
    stage,
  }) => {
    const { server, port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'ana');
    ana.type('I am on');
    await ana.settled();
    server.kill('SIGKILL');
    await ana.until('-- connection lost. What you write now is kept and sent when it is back.');
    expect(ana.lines.at(-1)).toBe('> I am on');
    ana.enter(' my way');
    await ana.until(/^… I am on my way/);
    ana.enter('wait for me');
    await ana.until(/^… wait for me/);
    ana.type('half a dr');
    await ana.settled();
    const shown = ana.lines;
    expect(shown.filter((line) => line.startsWith('… ')).map((line) => line.slice(2, 9))).toEqual([
      'I am on',
      'wait fo',
    ]);
    expect(shown.at(-1)).toBe('> half a dr');
    await stage.server('--name', 'room', '--port', String(port));
    await ana.until('[ana] wait for me');
    await ana.until(/^-- back online after \d+ s\. 2 waiting messages sent\.$/);
    ana.type('aft');
    await ana.settled();
    expect([ana.count('[ana] I am on my way'), ana.count('[ana] wait for me')]).toEqual([1, 1]);
    expect(ana.has(/^… /)).toBe(false);
    expect(ana.lines.at(-1)).toBe('> half a draft');
  });

  for (const how of ['quit', 'killed'] as const)
    test(`${how} and back: what was missed is shown, marked and once`, async ({ stage }) => {
      const { port } = await stage.server('--name', 'room');
      const ana = await stage.clientScreen(port, 'ana');
      const bo = await stage.clientScreen(port, 'bo');
      ana.enter('before');
      await bo.until('[ana] before');
      if (how === 'quit') bo.enter('/quit');
      else bo.kill('SIGKILL');
      await bo.exit;
      ana.enter('missed 1');
      ana.enter('missed 2');
      await ana.until('[ana] missed 2');
      const again = await stage.clientScreen(port, 'bo');
      await again.until('-- end of missed messages ---');
      ana.enter('after');
      await again.until('[ana] after');
      // It is known by now.
      expect([bo, again].map((screen) => screen.has('this room has the key'))).toEqual([true, false]);
      // Who is killed may get again what had come to the screen and not yet to the disk.
      const first = how === 'killed' && again.has('[ana] before') ? ['[ana] before'] : [];
      const from = again.lines.findIndex((line) => line.includes('missed messages since'));
      expect(again.lines[from]).toMatch(/^-- [23] missed messages since \d\d:\d\d ---$/);
      expect(Number(again.lines[from]?.split(' ')[1])).toBe(first.length + 2);
      const missed = [...first, '[ana] missed 1', '[ana] missed 2', '-- end of missed messages ---'];
      expect(untimed(again).slice(from + 1)).toEqual([...missed, '[ana] after', '>']);
    });

  for (const [name, end] of endings)
    test(`${name}: exit 0, the room is told, the terminal is as it was found`, async ({ stage }) => {
      const { server, port } = await stage.server('--name', 'room');
      const ana = await stage.clientScreen(port, 'ana');
      expect(ana.settings).not.toBe(ana.settingsAtStart);
      ana.enter('last words');
      await ana.until('[ana] last words');
      end(ana);
      await ana.ends(0);
      await server.json({ type: 'leave', name: 'ana', reason: 'left' });
      leavesAsFound(ana);
      expect(ana.lines.at(-1)).toMatch(/\[ana\] last words$/);
    });

  test('a second Ctrl-C while it waits for a hung server forces the end, and the terminal is as it was', async ({
    stage,
  }) => {
    const { server, port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    server.kill('SIGSTOP');
    ana.enter('into the void');
    await ana.until(/^… into the void/);
    ana.press('ctrl-c', 'ctrl-c');
    await ana.ends(130);
    expect(ana.settings).toBe(ana.settingsAtStart);
    expect(ana.bracketedPaste).toBe(false);
    expect(ana.lines.at(-1)).not.toMatch(/^(>|…)/);
    server.kill('SIGCONT');
  });

  test('Ctrl-C with a draft clears it and stays', async ({ stage }) => {
    const { port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    ana.type('never mind');
    await ana.until(/^> never mind/);
    ana.press('ctrl-c');
    await ana.until(/^>$/);
    ana.enter('still here');
    await ana.until('[ana] still here');
    expect(ana.has('never mind')).toBe(false);
  });

  for (const away of [false, true])
    test(`offline, ${away ? 'with a message waiting' : 'with an empty prompt'}: Ctrl-D ends it`, async ({ stage }) => {
      const { server, port } = await stage.server();
      const ana = await stage.clientScreen(port, 'ana');
      server.kill('SIGKILL');
      await ana.until('-- connection lost.');
      if (away) ana.enter('too late');
      await ana.settled();
      ana.press('ctrl-d');
      await ana.ends(0);
      leavesAsFound(ana);
      expect(ana.count('-- 1 message was not sent; it will go out next time.')).toBe(away ? 1 : 0);
      expect(ana.has(/^>/)).toBe(false);
    });

  for (const reflowCursorLine of [true, false])
    test(`resized ${reflowCursorLine ? 'where the cursor line wraps' : 'where it does not'}: one draft, one prompt`, async ({
      stage,
    }) => {
      const { port } = await stage.server();
      const ana = await stage.clientScreen(port, 'ana', [], { columns: 60, rows: 12, reflowCursorLine });
      const draft = 'a draft of more than thirty columns, less than sixty';
      ana.type(draft);
      await ana.settled();
      for (const columns of [30, 45, 20, 60]) {
        await ana.resize(columns, 12);
        await ana.settled();
        // Where it does not, nobody can know how many rows up it began: a piece of an old one may stay above.
        if (reflowCursorLine) expect(ana.rows.join('').split('> a dr').length - 1, ana.picture).toBe(1);
        expect(live(ana, columns)).toBe(`> ${draft}`);
      }
      ana.press('enter');
      await ana.until(`[ana] ${draft}`);
      await ana.settled();
      expect(ana.count(`[ana] ${draft}`)).toBe(1);
      expect(ana.rows.filter((row) => row === '>')).toHaveLength(1);
    });

  test('a message that comes while the draft is longer than the row: the draft is whole, the cursor where it was', async ({
    stage,
  }) => {
    const { port } = await stage.server();
    const bo = await stage.online(port, 'bo', '--listen');
    const ana = await stage.clientScreen(port, 'ana', [], { columns: 30, rows: 10 });
    const draft = 'x'.repeat(70);
    ana.type(draft);
    ana.press('home', 'right', 'right');
    await ana.settled();
    for (const text of ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight']) bo.write(`${text}\n`);
    await ana.until('[bo] eight');
    await ana.settled();
    expect(live(ana, 30)).toBe(`> ${draft}`);
    expect(ana.cursor).toMatchObject({ row: ana.rows.findIndex((row) => row.startsWith('> ')), column: 4 });
    expect(ana.history.join('').split('> x').length - 1).toBe(1);
  });

  test('Ctrl-L draws everything anew', async ({ stage }) => {
    const { port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    ana.type('half a dr');
    await ana.settled();
    ana.press('ctrl-l');
    await ana.settled();
    expect(ana.rows.filter((row) => row === '> half a dr')).toHaveLength(1);
    expect(ana.cursor.column).toBe(11);
  });

  test('Ctrl-Z and fg: the shell gets its terminal, then the draft is back and what was said meanwhile', async ({
    stage,
  }) => {
    const { server, port } = await stage.server();
    const bo = await stage.online(port, 'bo', '--listen');
    const shell = await stage.shell();
    shell.enter(clientCommand(port));
    await shell.until('You are now online.');
    shell.type('half a dr');
    await shell.settled();
    const inRawMode = shell.settings;
    shell.press('ctrl-z');
    await shell.until(/^\[1\]\+\s+Stopped/);
    shell.enter('stty -a | grep -o " icanon"');
    await shell.until(/^ icanon$/);
    bo.write('anybody?\n');
    await server.json({ type: 'message', text: 'anybody?' });
    expect(shell.has('[bo] anybody?')).toBe(false);
    shell.enter('fg');
    await shell.until('[bo] anybody?');
    await shell.until(/^> half a dr$/);
    expect(shell.settings).toBe(inRawMode);
    shell.enter('aft');
    await shell.until('[ana] half a draft');
    expect(shell.count('[ana] half a draft')).toBe(1);
    shell.enter('/quit');
    await shell.until((screen) => screen.lines.at(-1) === '$', 'the prompt of the shell');
    shell.enter('echo "code $?"');
    await shell.until(/^code 0$/);
  });

  test('| tee file: plain lines in the file, the terminal stays as it is', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.online(port, 'bo', '--listen');
    const shell = await stage.shell();
    shell.enter(`${clientCommand(port)} | tee room.txt`);
    await shell.until('You are now online. 2 online.');
    bo.write('hello\n');
    await shell.until(/^\[bo\] hello$/);
    shell.enter('hello bo');
    await bo.stdoutLine('[ana] hello bo');
    shell.press('ctrl-d');
    shell.enter(codeOfFirst);
    await shell.until(/^code 0$/);
    const written = readFileSync(join(stage.home, 'room.txt'), 'utf8');
    expect(written).toBe('[room] You are now online. 2 online.\n[bo] hello\n[ana] hello bo\n');
    expect(isPlain(written)).toBe(true);
    // As it was typed, and as the room took it.
    expect(shell.count('hello bo')).toBe(2);
  });

  test('| head -1: one line, then a quiet end', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.online(port, 'bo', '--listen');
    const shell = await stage.shell();
    shell.enter(`${clientCommand(port)} | head -1; ${codeOfFirst}`);
    await shell.until('[room] You are now online. 2 online.');
    await bo.stdoutLine('[room] ana joined the room. 2 online.');
    bo.write('hello\n');
    await shell.until(/^code 0$/);
    expect(shell.has(/[Ee]rror|EPIPE|bug|hello/)).toBe(false);
  });

  test('TERM=dumb: not one escape byte, what is typed stands there once', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.online(port, 'bo', '--listen');
    const ana = await stage.clientScreen(port, 'ana', [], { env: { TERM: 'dumb' } });
    bo.write('hello\n');
    await ana.until(/^\[bo\] hello$/);
    ana.enter('hello bo');
    await bo.stdoutLine('[ana] hello bo');
    ana.press('ctrl-d');
    await ana.ends(0);
    expect(isPlain(ana.raw.replaceAll('\r\n', '\n').replaceAll('\b', ''))).toBe(true);
    expect(ana.count('hello bo')).toBe(1);
  });

  test('NO_COLOR: a screen without colours', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'ana', [], { env: { NO_COLOR: '1' } });
    ana.enter('hello');
    await ana.until('[ana] hello');
    const cells = ana.cells.flat();
    expect(cells.every(({ fg, bg, bold, dim }) => fg === 'default' && bg === 'default' && !bold && !dim)).toBe(true);
    expect(ana.raw).not.toMatch(/\x1b\[[\d;:]*m/);
  });

  test('p2p: two terminals talk, one leaves and comes back', async ({ stage }) => {
    const ana = stage.screen('p2p', ['--name', 'ana', '--server', '--ip', '127.0.0.1', '--port', '0']);
    await ana.until('-- listening on ');
    const port = ana.lines[0]?.split(':').at(-1) ?? '';
    const call = ['--name', 'bo', '--ip', '127.0.0.1', '--port', port];
    const bo = stage.screen('p2p', call);
    await Promise.all([ana.until('-- bo is here.'), bo.until('-- ana is here.')]);
    ana.enter('hello bo');
    await bo.until('[ana] hello bo');
    bo.enter('hello ana');
    await ana.until('[bo] hello ana');
    bo.press('ctrl-d');
    await bo.ends(0);
    leavesAsFound(bo);
    await ana.until('-- bo left.');
    ana.enter('come back');
    await ana.until(/^… come back/);
    const again = stage.screen('p2p', call);
    await again.until('[ana] come back');
    await ana.until('[ana] come back');
    expect([ana.count('[ana] hello bo'), ana.count('[bo] hello ana'), ana.count('come back')]).toEqual([1, 1, 1]);
    ana.enter('/quit');
    await ana.ends(0);
    leavesAsFound(ana);
  });
});

const clientCommand = (port: number) => `chat-client --port ${port} --ip 127.0.0.1 --name ana`;
/** The code of the first program of a pipe. */
const codeOfFirst = 'echo "code $PIPESTATUS"';

const untimed = (screen: Screen) => screen.lines.map((line) => line.replace(/^\d\d:\d\d /, ''));

/** Nothing of the program is left: settings, modes, prompt. What comes next starts on a line of its own. */
function leavesAsFound(screen: Screen): void {
  expect(screen.settings).toBe(screen.settingsAtStart);
  expect(screen.bracketedPaste).toBe(false);
  expect(screen.cursor).toMatchObject({ column: 0, visible: true });
  expect(screen.rows[screen.cursor.row]).toBe('');
}

/** The visible rows from the prompt on, joined. */
function live(screen: Screen, columns: number): string {
  const { rows } = screen;
  const from = rows.findLastIndex((row) => row.startsWith('> '));
  return rows
    .slice(from)
    .map((row) => row.padEnd(columns))
    .join('')
    .trimEnd();
}
