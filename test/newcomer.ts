import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Screen } from './support/screen.ts';

/**
 * npm run newcomer [-- --short]: types the README's commands into real terminals, each time in a fresh clone (of what is
 * committed) and an empty home, in every order and at the same time. npm needs its registry. Exits 1 if one order does
 * not end well.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const setUpMs = 180_000;
const online = 'You are now online';
const waits = 'waiting for npm ci';
/** That of the shell in which npx runs the program, whatever the program made of Ctrl-C. */
const interrupted = 130;

/** What a newcomer has: a clone, an empty home, and as many terminals as it takes. */
class Newcomer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'zmqchat-newcomer-'));
  readonly #screens: Screen[] = [];
  readonly #ports: { room: number; pair: number };

  constructor(ports: { room: number; pair: number }) {
    this.#ports = ports;
    mkdirSync(join(this.#folder, 'home'));
    execFileSync('git', ['clone', '--quiet', root, join(this.#folder, 'clone')]);
  }

  async terminal(): Promise<Terminal> {
    const home = join(this.#folder, 'home');
    const own = {
      HOME: home,
      npm_config_cache: join(home, '.npm'),
      PS1: '$ ',
      TERM: 'xterm-256color',
      LANG: 'C.UTF-8',
    };
    const env = { ...wayOut(), ...own, ZMQCHAT_PORT: String(this.#ports.room) };
    const options = { cwd: join(this.#folder, 'clone'), columns: 120, rows: 40 };
    const screen = new Screen(['bash', '--noprofile', '--norc', '-i'], env, options);
    this.#screens.push(screen);
    await screen.until(/^\$/, 'the prompt of the shell');
    return new Terminal(screen, this.#ports);
  }

  /** Resolves when npm has begun to unpack something. */
  async installing(): Promise<void> {
    const modules = join(this.#folder, 'clone', 'node_modules');
    for (let left = setUpMs; !existsSync(modules) && left > 0; left -= 100) await sleep(100);
  }

  async close(): Promise<void> {
    await Promise.all(this.#screens.map((screen) => screen.destroy()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The environment, but for what is of the home: where programs are found, and how npm reaches its registry. */
function wayOut(): Record<string, string> {
  const needed = /^(PATH|npm_config_registry|NODE_EXTRA_CA_CERTS|(HTTPS?|NO)_PROXY)$/i;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value && needed.test(name) ? [[name, value]] : [])),
  );
}

class Terminal {
  readonly screen: Screen;
  readonly #ports: { room: number; pair: number };

  constructor(screen: Screen, ports: { room: number; pair: number }) {
    this.screen = screen;
    this.#ports = ports;
  }

  /** A line of the README that begins like this, typed as it stands there, but for the port. */
  type(start: string): void {
    const line = readme.split('\n').find((each) => each.startsWith(start));
    if (!line) throw new Error(`the README has no line that begins with ${start}`);
    const command = line.replace(/ +#.*/, '').replace('9999', String(this.#ports.room));
    this.screen.enter(command.replace('8888', String(this.#ports.pair)));
  }

  until(wanted: string | RegExp): Promise<void> {
    return this.screen.until(wanted, String(wanted), setUpMs);
  }

  /** Leaves the program, and insists on the exit code that the shell has then. */
  async leave(key: 'ctrl-c' | 'ctrl-d', code: number): Promise<void> {
    this.screen.press(key);
    await this.until(/^\$ *$/);
    this.screen.enter('echo "[ended with $?]"');
    await this.until(/^\[ended with \d+\]/);
    if (!this.screen.has(`[ended with ${code}]`)) throw new Error(`not ended with ${code}\n${this.screen.picture}`);
    this.screen.enter('clear');
    await this.screen.until((screen) => !screen.rows.some((row) => row.includes('[ended')), 'an empty screen');
  }
}

const setUp = 'npm ci && npx chat-server';
const enter = 'npx chat-client --name';
const wait = /^npx p2p .*--server/m.exec(readme)?.[0] ?? 'npx p2p --server';
const connect = /^npx p2p (?!.*--server).*/m.exec(readme)?.[0] ?? 'npx p2p';

/** Says something, leaves, and comes back with the same command. */
async function talk(server: Terminal, client: Terminal): Promise<void> {
  await Promise.all([server.until('is listening on'), client.until(online)]);
  client.screen.enter('hello');
  await client.until(/\[John Doe\] hello$/);
  await client.leave('ctrl-d', 0);
  client.type(enter);
  await client.until(online);
  await client.leave('ctrl-d', 0);
  await server.leave('ctrl-c', interrupted);
}

const orders: Record<string, (newcomer: Newcomer) => Promise<void>> = {
  async 'at the same time'(newcomer) {
    const [server, client] = [await newcomer.terminal(), await newcomer.terminal()];
    server.type(setUp);
    client.type(enter);
    await talk(server, client);
  },

  async 'one after the other, and all of it once more'(newcomer) {
    const [server, client] = [await newcomer.terminal(), await newcomer.terminal()];
    server.type(setUp);
    await server.until('is listening on');
    client.type(enter);
    await talk(server, client);
    server.type(setUp);
    client.type(enter);
    await client.until(RegExp(`${online}|cannot start`));
    // The clone was taken away under it, which it has said.
    if (client.screen.has('cannot start')) {
      await server.until('is listening on');
      client.type(enter);
    }
    await talk(server, client);
  },

  async 'while npm installs'(newcomer) {
    const [server, client] = [await newcomer.terminal(), await newcomer.terminal()];
    server.type(setUp);
    await newcomer.installing();
    client.type(enter);
    await talk(server, client);
  },

  async 'the client first, once given up'(newcomer) {
    const [server, client] = [await newcomer.terminal(), await newcomer.terminal()];
    client.type(enter);
    await client.until(waits);
    await client.leave('ctrl-c', interrupted);
    client.type(enter);
    await client.until(waits);
    server.type(setUp);
    await talk(server, client);
  },

  async 'two people before anything else'(newcomer) {
    const terminals = [await newcomer.terminal(), await newcomer.terminal(), await newcomer.terminal()] as const;
    const [a, b, server] = terminals;
    a.type(wait);
    b.type(connect);
    await Promise.all([a.until(waits), b.until(waits)]);
    server.type(setUp);
    await Promise.all([a.until('b is here'), b.until('a is here')]);
    a.screen.enter('hello');
    await b.until('[a] hello');
    await b.leave('ctrl-d', 0);
    await a.leave('ctrl-d', 0);
    await server.until('is listening on');
    await server.leave('ctrl-c', interrupted);
  },
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

const wanted = Object.entries(orders).slice(0, process.argv.includes('--short') ? 1 : undefined);
for (const [order, play] of wanted) {
  const begun = performance.now();
  const newcomer = new Newcomer({ room: await freePort(), pair: await freePort() });
  try {
    await play(newcomer);
    console.log(`ok: ${order} (${Math.round((performance.now() - begun) / 1_000)} s)`);
  } catch (error) {
    console.log(`NOT WELL: ${order}\n${(error as Error).message}`);
    process.exitCode = 1;
  } finally {
    await newcomer.close();
  }
}
