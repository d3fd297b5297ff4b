import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { abilityOf, type Output, type Rewrap, rewrapOf, withoutColorWishes } from '../src/terminal/ability.ts';

const terminal: Output = { wanted: undefined, env: { TERM: 'xterm' }, isTerminal: true, depth: 8 };
const pipe: Output = { ...terminal, isTerminal: false };
const level = (output: Output, env: Output['env'] = {}, wanted?: boolean) =>
  abilityOf({ ...output, env: { ...output.env, ...env }, wanted }).colorLevel;

describe('colours', () => {
  const cases: [env: Output['env'], wanted: boolean | undefined, onTerminal: number, inPipe: number][] = [
    [{}, undefined, 2, 0],
    [{}, true, 2, 2],
    [{}, false, 0, 0],
    [{ TERM: 'dumb' }, undefined, 0, 0],
    [{ TERM: 'dumb' }, true, 2, 2],
    [{ NO_COLOR: '1' }, undefined, 0, 0],
    [{ NO_COLOR: '0' }, undefined, 0, 0],
    [{ NO_COLOR: '' }, undefined, 2, 0],
    [{ NO_COLOR: '1' }, true, 2, 2],
    [{ FORCE_COLOR: '0' }, undefined, 0, 0],
    [{ FORCE_COLOR: 'false' }, undefined, 0, 0],
    [{ FORCE_COLOR: '1' }, undefined, 1, 1],
    [{ FORCE_COLOR: '2' }, undefined, 2, 2],
    [{ FORCE_COLOR: '3' }, undefined, 3, 3],
    [{ FORCE_COLOR: '7' }, undefined, 3, 3],
    [{ FORCE_COLOR: 'true' }, undefined, 2, 2],
    [{ FORCE_COLOR: '' }, undefined, 2, 2],
    [{ FORCE_COLOR: 'yes' }, undefined, 2, 2],
    [{ FORCE_COLOR: '3', NO_COLOR: '1' }, undefined, 3, 3],
    [{ FORCE_COLOR: '0', NO_COLOR: '' }, undefined, 0, 0],
    [{ FORCE_COLOR: '3' }, false, 0, 0],
    [{ FORCE_COLOR: '3' }, true, 3, 3],
    [{ FORCE_COLOR: '0' }, true, 2, 2],
    [{ FORCE_COLOR: 'true', TERM: 'dumb' }, undefined, 2, 2],
  ];
  test.each(cases)('%j, --color %s: %s on a terminal, %s in a pipe', (env, wanted, onTerminal, inPipe) => {
    expect(level(terminal, env, wanted)).toBe(onTerminal);
    expect(level(pipe, env, wanted)).toBe(inPipe);
  });

  test.each([
    [1, 0],
    [4, 1],
    [8, 2],
    [24, 3],
  ])('a terminal of %s bits has level %s', (depth, expected) => expect(level({ ...terminal, depth })).toBe(expected));

  test.each([{ FORCE_COLOR: 'true' }, { FORCE_COLOR: '' }])('%j: at least 1, where nothing is able', (env) =>
    expect(level({ ...pipe, depth: 1 }, env)).toBe(1),
  );
  test('--color: at least 1, too', () => expect(level({ ...pipe, depth: 1 }, {}, true)).toBe(1));

  test('--no-color is always none, --color always some', () => {
    const text = fc.option(fc.constantFrom('', '0', '1', '3', 'true', 'false', 'x'), { nil: undefined });
    const env = fc.record({ FORCE_COLOR: text, NO_COLOR: text, TERM: fc.constantFrom('dumb', 'xterm', undefined) });
    const property = fc.property(env, fc.boolean(), fc.constantFrom(1, 4, 8, 24), (env, isTerminal, depth) => {
      expect(abilityOf({ wanted: false, env, isTerminal, depth }).colorLevel).toBe(0);
      expect(abilityOf({ wanted: true, env, isTerminal, depth }).colorLevel).toBeGreaterThan(0);
    });
    fc.assert(property);
  });

  test('what the terminal is asked holds no wishes', () => {
    const env = { FORCE_COLOR: '1', NO_COLOR: '1', NODE_DISABLE_COLORS: '1', TERM: 'xterm', COLORTERM: 'truecolor' };
    expect(withoutColorWishes(env)).toEqual({ TERM: 'xterm', COLORTERM: 'truecolor' });
  });
});

describe('signs beyond ASCII', () => {
  const cases: [env: Output['env'], ascii: boolean][] = [
    [{}, false],
    [{ TERM: 'dumb' }, true],
    [{ TERM: 'dumb', LANG: 'C.UTF-8' }, true],
    [{ LANG: 'es_ES.UTF-8' }, false],
    [{ LANG: 'en_US.utf8' }, false],
    [{ LC_CTYPE: 'UTF-8' }, false],
    [{ LANG: 'de_DE.ISO-8859-1' }, true],
    [{ LANG: 'de_DE' }, true],
    [{ LANG: 'C' }, true],
    [{ LANG: 'POSIX' }, true],
    [{ LANG: '' }, false],
    [{ LC_ALL: 'C', LANG: 'en_US.UTF-8' }, true],
    [{ LC_ALL: 'C.UTF-8', LC_CTYPE: 'C', LANG: 'C' }, false],
    [{ LC_CTYPE: 'C', LANG: 'en_US.UTF-8' }, true],
    [{ LC_CTYPE: 'en_US.UTF-8', LANG: 'C' }, false],
    [{ LC_ALL: '', LC_CTYPE: '', LANG: 'C' }, true],
  ];
  test.each(cases)('%j: only ASCII on a terminal is %s', (env, ascii) => {
    expect(abilityOf({ ...terminal, env }).ascii).toBe(ascii);
    expect(abilityOf({ ...pipe, env }).ascii).toBe(false);
  });
});

describe('what a terminal wraps anew', () => {
  const cases: [env: Output['env'], rewrap: Rewrap][] = [
    [{}, 'all'],
    [{ TERM: '' }, 'all'],
    [{ TERM: 'xterm-256color' }, 'all'],
    [{ TERM: 'xterm-kitty' }, 'all'],
    [{ TERM: 'tmux-256color' }, 'all'],
    [{ TERM: 'stterm' }, 'all'],
    [{ TERM: 'linuxvt' }, 'all'],
    [{ TERM: 'my-screen' }, 'all'],
    [{ TERM_PROGRAM: 'iTerm.app' }, 'all'],
    [{ TERM: 'xterm-256color', XTERM_VERSION: 'XTerm(390)' }, 'none'],
    [{ TERM: 'screen.xterm-256color', STY: '1.pts-0.host' }, 'none'],
    [{ TERM: 'xterm-256color', STY: '1.pts-0.host' }, 'none'],
    [{ TERM: 'screen' }, 'none'],
    [{ TERM: 'screen-256color' }, 'none'],
    [{ TERM: 'screen.linux' }, 'none'],
    [{ TERM: 'rxvt' }, 'none'],
    [{ TERM: 'rxvt-unicode-256color' }, 'none'],
    [{ TERM: 'st' }, 'none'],
    [{ TERM: 'st-256color' }, 'none'],
    [{ TERM: 'linux' }, 'none'],
    [{ TERM: 'linux-16color' }, 'none'],
    [{ TERM_PROGRAM: 'vscode', TERM: 'xterm-256color' }, 'all but the cursor line'],
    [{ TERM_PROGRAM: 'vscode', STY: '1.pts-0.host' }, 'none'],
    // tmux wraps itself, whatever it runs in.
    [{ TMUX: '/tmp/tmux,1,0', TERM: 'screen-256color' }, 'all'],
    [{ TMUX: '/tmp/tmux,1,0', TERM: 'linux' }, 'all'],
    [{ TMUX: '/tmp/tmux,1,0', XTERM_VERSION: 'XTerm(390)' }, 'all'],
    [{ TMUX: '/tmp/tmux,1,0', STY: '1.pts-0.host' }, 'all'],
    [{ TMUX: '/tmp/tmux,1,0', TERM_PROGRAM: 'vscode' }, 'all'],
    [{ TMUX: '', STY: '', XTERM_VERSION: '', TERM: 'xterm' }, 'all'],
  ];
  test.each(cases)('%j: %s', (env, rewrap) => expect(rewrapOf(env)).toBe(rewrap));
});
