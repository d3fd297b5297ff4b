import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect } from 'vitest';
import { freePort } from './chaos/proxy.ts';
import { isPlain, test } from './support/command.ts';
import { dist } from './support/dist.ts';

describe.concurrent('where to listen', () => {
  test('at the first address of a name that this machine has; in brackets, with a port', async ({ stage }) => {
    const port = await freePort();
    const server = stage.spawn('server', ['--ip', `tcp://[::1]:${port}`, '--json']);
    expect(await server.json({ type: 'listening' })).toMatchObject({ endpoint: `tcp://[::1]:${port}`, port });
    const client = stage.spawn('client', ['--ip', `[::1]:${port}`, '--name', 'ana', '-m', 'hi']);
    await client.ends(0);
    await server.json({ type: 'message', text: 'hi' });
  });

  const nobodys: [ip: string, code: number, says: string][] = [
    ['224.0.0.1', 2, 'the address "224.0.0.1" is of no machine.'],
    ['255.255.255.255', 2, 'the address "255.255.255.255" is of no machine.'],
    ['ff02::1', 2, 'the address "ff02::1" is of no machine.'],
    ['2001:db8::1', 3, 'this machine has no address "[2001:db8::1]".'],
    ['fe80::1%4294967295', 2, 'the address "fe80::1" names a network that has no such addresses here: "4294967295".'],
  ];
  for (const [ip, code, says] of nobodys)
    test(`never at ${ip}: words, and no bug of ours`, async ({ stage }) => {
      for (const program of ['server', 'p2p'] as const) {
        const args = ['--ip', ip, '--port', '0', ...(program === 'p2p' ? ['--server'] : [])];
        const command = stage.spawn(program, args, { stdin: null });
        await command.ends(code);
        expect(command.stderr).toMatch(/^[\w-]+: (.*)\n.+\n$/);
        expect(command.stderr).toContain(`: ${says}\n`);
        expect(isPlain(command.stderr)).toBe(true);
      }
    });

  test('a link-local address is answered with the scopes there are', async ({ stage }) => {
    const networks = Object.entries(networkInterfaces()).filter(([, list]) =>
      list?.some(({ address }) => /^fe80:/.test(address)),
    );
    const names = networks.map(([name]) => name);
    for (const program of ['server', 'client', 'p2p'] as const) {
      const command = stage.spawn(program, ['--ip', '[fe80::9]'], { stdin: null });
      await command.ends(2);
      expect(command.stderr).toContain('the address "fe80::9" does not say in which network.\n');
      for (const name of names) expect(command.stderr).toContain(`fe80::9%${name}`);
    }
  });

  test('what is wrong comes from the environment: its variable is named', async ({ stage }) => {
    const { port } = await stage.server();
    const env = { ZMQCHAT_PORT: `${port}`, ZMQCHAT_IP: '127.0.0.1' };
    const taken = stage.spawn('server', [], { env, stdin: null });
    await taken.ends(3);
    expect(taken.stderr).toContain('The port comes from ZMQCHAT_PORT.\n');
    const chosen = stage.spawn('server', ['--port', `${port}`], { env, stdin: null });
    await chosen.ends(3);
    expect(chosen.stderr).not.toContain('ZMQCHAT');
    const unknown = stage.spawn('client', [], { env: { ZMQCHAT_IP: 'no-such-host.invalid' }, stdin: null });
    await unknown.ends(4);
    expect(unknown.stderr).toContain('The host comes from ZMQCHAT_IP.\n');
    const kubernetes = stage.spawn('client', [], { env: { ZMQCHAT_PORT: 'tcp://10.0.0.1:9999' }, stdin: null });
    await kubernetes.ends(2);
    expect(kubernetes.stderr).toContain('chat-client: ZMQCHAT_PORT "tcp://10.0.0.1:9999" is not a port.\n');
  });

  test('any free port is for who listens', async ({ stage }) => {
    for (const program of ['client', 'p2p'] as const) {
      const command = stage.spawn(program, ['--port', '0'], { stdin: null });
      await command.ends(2);
      expect(command.stderr).toContain('--port "0" is not a port.\n');
    }
  });
});

/** A network and an /etc/hosts of its own need a namespace: Linux, and the right to make one. */
const network =
  'ip link set lo up; ip link add net9 type veth peer name net8; ip link set net9 up; ip link set net8 up';
const mayUnshare = spawnSync('unshare', ['-rmnpf', 'sh', '-ec', network]).status === 0;
const root = mkdtempSync(join(tmpdir(), 'zmqchat-addresses-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const script = `
  cd "$WORK"; export HOME="$WORK"; mount -t proc proc /proc; ${network}
  server() { "$NODE" "$DIST/server.js" --port 9430 --data-dir "$WORK/data" "$@" >/dev/null 2>>server.err & server=$!; }
  client() { "$NODE" "$DIST/client.js" --port 9430 --name ana "$@" </dev/null; }
  hears() { for i in $(seq 200); do [ "$(grep -c "$2" "$1")" -ge "$3" ] && return; sleep 0.1; done; cat "$1" >&2; exit 9; }
  mount --bind "$WORK/hosts" /etc/hosts`;
const inNetwork = async (steps: string) => {
  const work = mkdtempSync(join(root, 'work-'));
  const prepared = `echo '127.0.0.2 chat.test\n127.0.0.3 chat.test' >"$WORK/hosts"\n${script}\n${steps}`;
  const env = {
    PATH: process.env.PATH ?? '',
    NODE: process.execPath,
    DIST: dist,
  };
  const options = { timeout: 55_000, env: { ...env, WORK: work } };
  // Everything that it has started ends with the shell, which is the first process of its own world.
  return promisify(execFile)('unshare', ['-rmnpf', 'bash', '--norc', '-euc', prepared], options);
};

// Skipped where this user may not have a network of its own (unshare -rmnpf): nothing else can change names and addresses.
describe.skipIf(!mayUnshare)('what changes in the network', () => {
  test('a name with several addresses leads to the one that listens, and later to another one', async () => {
    await inNetwork(`
      server --ip 127.0.0.3; client --ip chat.test -m hi 2>once.err
      client --ip chat.test --listen >heard 2>client.err & hears heard 'You are now online' 1
      kill $server; wait $server || true; hears client.err 'connection lost' 1
      echo '127.0.0.4 chat.test' >hosts
      server --ip 127.0.0.4; hears client.err 'back online' 1`);
  }, 60_000);

  test('a new address of this machine: the server goes on, and the client comes', async () => {
    await inNetwork(`
      server; client --ip 10.9.9.1 --listen >heard 2>client.err & hears client.err 'connecting' 1
      ip addr add 10.9.9.1/24 dev net9; hears heard 'You are now online' 1
      kill -0 $server; [ "$(grep -c listening server.err)" = 1 ]`);
  }, 60_000);

  test('one network takes not all places: who comes from another one is in', async () => {
    const { stderr } = await inNetwork(`
      ip addr add 10.9.9.1/24 dev net9; server --max-clients 20
      as() { "$NODE" "$DIST/client.js" --port 9430 --name "$1" --data-dir "$WORK/$1" "\${@:2}" </dev/null; }
      for who in $(seq 8); do as c$who --ip 127.0.0.1 --listen >>in 2>err & done
      hears in 'You are now online' 8
      as c9 --ip 127.0.0.2 -m hi || echo "code $?" >&2
      as bo --ip 10.9.9.1 -m hi; hears in 'hi' 8`);
    expect(stderr).toContain('code 5\n');
    expect(stderr).toContain('this server takes nobody else from your network: many from there are in.');
  }, 60_000);

  test('a link-local address with its scope: to listen at, and to connect to', async () => {
    const { stderr } = await inNetwork(`
      for i in $(seq 50); do ip -6 addr show dev net9 | grep -q 'fe80.*tentative' || break; sleep 0.1; done
      address=$(ip -6 addr show dev net9 | grep -o 'fe80[^/]*')
      server --ip "[$address%net9]:9430"; client --ip "$address%net9" -m hi
      client --ip "$address%$(ip -o link show net9 | cut -d: -f1)" --check; client --ip "$address" --check || echo "code $?" >&2`);
    expect(stderr).toMatch(/Write --ip fe80::[\da-f:]+%net9\ncode 2\n$/);
  }, 60_000);
});
