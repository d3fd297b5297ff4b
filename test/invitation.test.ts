import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect } from 'vitest';
import { invitationText, invite, written } from '../src/cli/invitation.ts';
import { reachableAt } from '../src/transport/addresses.ts';
import { test } from './support/command.ts';

const card = (...addresses: string[]) =>
  addresses.map((address) => ({ address, internal: /^(127|::1)/.test(address) }) as NetworkInterfaceInfo);
const cards = () => ({
  lo: card('127.0.0.1', '::1'),
  docker0: card('172.17.0.1'),
  eth0: card('fe80::1', 'fd00::2', '192.168.1.7'),
  wlan0: card('169.254.3.4', '10.0.0.3'),
});

describe('where others reach it', () => {
  const rows: [ip: string, at: string[]][] = [
    ['all', ['192.168.1.7', '10.0.0.3', 'fd00::2', '172.17.0.1']],
    ['*', ['192.168.1.7', '10.0.0.3', 'fd00::2', '172.17.0.1']],
    ['::', ['192.168.1.7', '10.0.0.3', 'fd00::2', '172.17.0.1']],
    ['0.0.0.0', ['192.168.1.7', '10.0.0.3', '172.17.0.1']],
    ['10.0.0.3', ['10.0.0.3']],
    ['chat.example.org', ['chat.example.org']],
    ['localhost', []],
    ['127.0.0.1', []],
    ['::1', []],
  ];
  test.for(rows)('--ip %s', ([ip, at]) => expect(reachableAt(ip, cards)).toEqual(at));

  test('a machine without a network', () => expect(reachableAt('all', () => ({ lo: card('127.0.0.1') }))).toEqual([]));
});

describe('the program as it was started', () => {
  const rows: [
    how: string,
    script: string,
    env: Record<string, string>,
    cwd: string,
    isInstalled: boolean,
    line: string,
  ][] = [
    ['npx in a clone', '/n/_npx/1/node_modules/.bin/chat-server', npx(), '/c', false, 'npx chat-client'],
    ['npx of a package', '/n/.bin/chat-server', npx(), '/x', true, 'npx --package=0mq-chat chat-client'],
    ['the file, in its folder', '/c/dist/server.js', {}, '/c', false, 'node dist/client.js'],
    ['the file, from elsewhere', '/c/dist/server.js', {}, '/', false, 'node /c/dist/client.js'],
    ['a folder with a space', '/c d/dist/server.js', {}, '/', false, 'node "/c d/dist/client.js"'],
    ['installed', '/usr/bin/chat-server', {}, '/c', true, 'chat-client'],
  ];
  test.for(rows)('%s', ([, script, env, cwd, isInstalled, line]) =>
    expect(written('chat-client', { script, env, cwd, isInstalled })).toBe(line),
  );
  function npx() {
    return { npm_lifecycle_event: 'npx' };
  }
});

describe('in words', () => {
  const rows: [addresses: string[], text: string][] = [
    [[], 'only this machine reaches it. Come in with: chat-client'],
    [['a'], 'others come in with: chat-client'],
    [['a', 'b', 'c'], 'others come in with: chat-client (it is also at b, c)'],
  ];
  test.for(rows)('%j', ([addresses, text]) => expect(invitationText({ addresses, join: 'chat-client' })).toBe(text));
});

test('the port is said unless it is the usual one', () => {
  const line = (port: number) => invite('chat-client', { ip: '10.0.0.3', port, usual: 9999 }).join;
  expect(line(9999)).toMatch(/ --ip 10\.0\.0\.3$/);
  expect(line(9)).toMatch(/ --ip 10\.0\.0\.3 --port 9$/);
});

test('on this machine alone, an address that is not the usual one is said', () => {
  const line = (ip: string) => invite('chat-client', { ip, port: 9999, usual: 9999 }).join;
  expect(line('::1')).toMatch(/ --ip ::1$/);
  expect(line('127.0.0.2')).toMatch(/ --ip 127\.0\.0\.2$/);
  expect(line('127.0.0.1')).not.toContain('--ip');
});

describe('the first words', () => {
  const openRoom = 'the room is open: whoever reaches it can read and write. Nothing is encrypted.';

  test('in the log of a server, and as JSON', async ({ stage }) => {
    const server = stage.spawn('server', ['--port', '0', '--ip', '127.0.0.1', '--json']);
    const { port, join, addresses } = await server.json({ type: 'listening' });
    expect(addresses).toEqual([]);
    expect(join).toBe(`node dist/client.js --port ${port}`);
    const invitation = JSON.parse(await server.stderrLine(/Come in with/));
    expect(invitation).toMatchObject({ level: 'info', join, addresses });
    expect(JSON.parse(await server.stderrLine(/open/)).message).toBe(openRoom);
  });

  test('on a terminal, with a line that brings somebody in', async ({ stage }) => {
    const server = stage.screen('server', ['--port', '0', '--ip', '127.0.0.1'], { columns: 120 });
    await server.until(openRoom);
    const line = server.lines.join('\n').match(/Come in with: node dist\/client\.js (.*)$/m)?.[1] ?? '';
    const friend = stage.spawn('client', [...line.split(' '), '-m', 'hi']);
    await friend.ends(0);
  });

  test('of p2p', async ({ stage }) => {
    const side = stage.spawn('p2p', ['--server', '--port', '0', '--ip', '127.0.0.1']);
    const line = await side.stderrLine(/Come in with/);
    const [, port] =
      /^-- only this machine reaches it\. Come in with: node dist\/p2p\.js --port (\d+)$/.exec(line) ?? [];
    const other = stage.spawn('p2p', ['--port', String(port), '--name', 'b']);
    await Promise.all([side.stderrLine('-- b is here.'), other.stderrLine(/is here\.$/)]);
    other.end();
    await other.ends(0);
  });
});
