import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { test } from './support/command.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(root, 'examples', file), 'utf8');
const unit = join(root, 'examples', 'chat-server.service');
/** Older ones, and most other systems, cannot judge a file. */
const analyze = (...args: string[]) => spawnSync('systemd-analyze', [...args, unit], { encoding: 'utf8' });
const canAnalyze = analyze('security', '--offline=true').status === 0;

describe('the unit for systemd', () => {
  test.skipIf(!canAnalyze)('leaves little to whoever breaks into the server: at most 1.5 of 10', () => {
    const { status, stdout } = analyze('security', '--offline=true', '--threshold=15');
    expect(status, stdout).toBe(0);
  });

  test('starts a file that there is, and keeps what ZeroMQ cannot do without', () => {
    const text = readFileSync(unit, 'utf8');
    const [, file = ''] = /^ExecStart=\/usr\/bin\/node \/opt\/0mq-chat\/(\S+)/m.exec(text) ?? [];
    expect(() => readFileSync(join(root, file))).not.toThrow();
    expect(text).not.toMatch(/^SystemCallFilter=~.*@resources/m);
  });
});

describe('the image for containers', () => {
  const dockerfile = read('Dockerfile');

  test('is well while its room answers, and is not when it does not', async ({ stage }) => {
    const [, list = '[]'] = /ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
    const [node, ...server] = JSON.parse(list);
    // An encrypted room gives its key in CHECK.
    const [, line = ''] = /HEALTHCHECK .* CMD (.*) \$CHECK$/m.exec(dockerfile) ?? [];
    const [again, ...check] = line.split(' ');
    expect([node, again]).toEqual(['node', 'node']);
    const env = { ZMQCHAT_DATA_DIR: stage.home, ZMQCHAT_PORT: '0', ZMQCHAT_IP: '127.0.0.1' };
    const room = stage.node([...server, '--json'], { env });
    const { port } = await room.json({ type: 'listening' });
    const healthy = () => stage.node(check, { env: { ...env, ZMQCHAT_PORT: String(port) } });
    await healthy().ends(0);
    room.kill('SIGTERM');
    await room.ends(0);
    await healthy().ends(4);
  });
});
