import { describe, expect, test } from 'vitest';
import { notificationOf } from '../src/terminal/notification.ts';

const said = '0mq-chat: Somebody wrote to you.';
const osc9 = `\x1b]9;${said}\x07`;
const osc777 = '\x1b]777;notify;0mq-chat;Somebody wrote to you.\x07';
const osc99 = `\x1b]99;;${said}\x1b\\`;
const inTmux = (form: string) => `\x1bPtmux;${form.replaceAll('\x1b', '\x1b\x1b')}\x1b\\`;

describe('a notification', () => {
  test.each<[env: Record<string, string>, form: string | undefined]>([
    [{ TERM: 'xterm-kitty' }, osc99],
    [{ TERM: 'xterm-256color', KITTY_WINDOW_ID: '1' }, osc99],
    [{ TERM: 'foot' }, osc777],
    [{ TERM: 'rxvt-unicode-256color' }, osc777],
    [{ TERM: 'xterm-ghostty' }, osc9],
    [{ TERM: 'xterm-256color', TERM_PROGRAM: 'iTerm.app' }, osc9],
    [{ TERM: 'xterm-256color', LC_TERMINAL: 'iTerm2' }, osc9],
    [{ TERM: 'xterm-256color', TERM_PROGRAM: 'WezTerm' }, osc9],
    [{ TERM: 'tmux-256color', TERM_PROGRAM: 'tmux', TMUX: '/tmp/x,1,0' }, inTmux(osc9)],
    [{ TERM: 'tmux-256color', TMUX: '/tmp/x,1,0', KITTY_WINDOW_ID: '1' }, inTmux(osc99)],
    [{ TERM: 'xterm-256color' }, undefined],
    [{ TERM: 'xterm-256color', TERM_PROGRAM: 'Apple_Terminal' }, undefined],
    [{ TERM: 'linux' }, undefined],
    [{}, undefined],
  ])('in %j is %j', (env, form) => expect(notificationOf(env)).toBe(form));

  test('says nothing that stands in the environment', () => {
    const env = { TERM: 'foot\x1b]0;evil\x07', TERM_PROGRAM: '\x1b[2J', TMUX: '\x1b]evil' };
    expect(notificationOf(env)).not.toMatch(/evil|\[2J/);
  });
});
