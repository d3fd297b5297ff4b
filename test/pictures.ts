import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Screen } from './support/screen.ts';
import { draw } from './support/svg.ts';

/**
 * Plays scenes with the real programs and writes what the screens show to docs/pictures: all scenes, or those that are named
 * (`npm run pictures -- apart`).
 */

type Window = { title: string; screen: Screen };

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'docs', 'pictures');
const home = mkdtempSync(join(tmpdir(), 'zmqchat-pictures-'));
const half = { columns: 54, rows: 9 };
const whole = { columns: 76, rows: 9 };
const third = { columns: 44, rows: 12 };
/** The port of the README's first example. */
const port = 9999;
const notSentYetMs = 12_000;
const rosterMs = 7_000;
const screens: Screen[] = [];

try {
  mkdirSync(folder, { recursive: true });
  const scenes = { chat, outage, apart };
  const named = process.argv.slice(2);
  for (const [name, play] of Object.entries(scenes)) if (named.length === 0 || named.includes(name)) await play();
} finally {
  await Promise.all(screens.map((screen) => screen.destroy()));
  rmSync(home, { recursive: true, force: true });
}

/** Two people, one order: somebody joins, somebody is meant. */
async function chat(): Promise<void> {
  const server = await serve('chat');
  const ana = await enterRoom('Ana', 'chat', half);
  const luis = await enterRoom('Luis', 'chat', half);
  await say(ana, 'lunch?', luis);
  await say(luis, 'in ten minutes, Ana, the usual place', ana);
  await enterRoom('Marta', 'chat', half);
  await all([ana, luis], 'Marta joined');
  await say(ana, 'Marta, are you coming too?', luis);
  ana.screen.type('I am on my ');
  await all([ana, luis], 'are you coming');
  await Promise.all([ana.screen.settled(), luis.screen.settled()]);
  take('chat', ana, luis);
  await end(server, ...screens);
}

/** The server is killed and comes back; somebody else was away all the time. */
async function outage(): Promise<void> {
  const server = await serve('outage');
  const luis = await enterRoom('Luis', 'outage', whole);
  const ana = await enterRoom('Ana', 'outage', whole);
  await say(luis, 'the table is ours from two o’clock', ana);
  luis.screen.enter('/quit');
  await luis.screen.exit;
  await ana.screen.until('Luis left');
  server.kill('SIGKILL');
  await server.exit;
  await ana.screen.until('connection lost');
  ana.screen.enter('on my way, keep me a seat');
  ana.screen.enter('and a coffee, please');
  await ana.screen.until(/^… and a coffee/);
  ana.screen.type('with m');
  // Said after 10 s by the programs that say it.
  await ana.screen.until('(not sent yet)', '(not sent yet)', notSentYetMs).catch(() => {});
  await ana.screen.settled();
  take('offline', ana);
  await serve('outage');
  await all([ana], '[Ana] and a coffee');
  await all([ana], 'back online');
  await ana.screen.settled();
  take('back-online', ana);
  const again = await enterRoom('Luis', 'outage', whole);
  await all([again], 'end of missed messages');
  ana.screen.enter('ilk');
  await all([again], '[Ana] with milk');
  again.screen.type('I have ');
  await again.screen.settled();
  take('missed', again);
  await end(...screens);
}

/** The server is killed, three people go on talking, and it comes back. */
async function apart(): Promise<void> {
  const server = await serve('apart');
  const ana = await enterRoom('Ana', 'apart', third);
  const bo = await enterRoom('Bo', 'apart', third);
  const cy = await enterRoom('Cy', 'apart', third);
  const three = [ana, bo, cy];
  await say(ana, 'where do we meet?', cy);
  // Who the members are is told every five seconds.
  await new Promise((told) => setTimeout(told, rosterMs));
  server.kill('SIGKILL');
  await server.exit;
  await all(three, 'the server does not answer');
  await say(bo, 'at the harbour, at six', cy);
  await say(cy, 'I bring the boat', ana);
  await say(ana, 'see you there', bo);
  await all(three, 'see you there');
  await Promise.all(three.map(({ screen }) => screen.settled()));
  take('apart', ...three);
  await serve('apart');
  await all(three, 'back with the server');
  await Promise.all(three.map(({ screen }) => screen.settled()));
  take('together', ...three);
  await end(...screens);
}

async function serve(data: string): Promise<Screen> {
  const dir = join(home, data, 'server');
  mkdirSync(dir, { recursive: true });
  const server = start(
    'server',
    ['--name', 'room', '--port', `${port}`, '--ip', '127.0.0.1', '--data-dir', dir],
    whole,
  );
  await server.until('is listening on');
  return server;
}

async function enterRoom(name: string, data: string, size: typeof half): Promise<Window> {
  const dir = join(home, data, name);
  const screen = start('client', ['--name', name, '--data-dir', dir], size);
  await screen.until('You are now online');
  return { title: `chat-client --name ${name}`, screen };
}

function start(program: string, args: string[], size: typeof half): Screen {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    TZ: earlyAfternoon(),
  };
  const screen = new Screen([process.execPath, join(root, 'dist', `${program}.js`), ...args], env, size);
  screens.push(screen);
  return screen;
}

/** Says something, and waits until the other one has it. */
async function say(speaker: Window, text: string, other: Window): Promise<void> {
  speaker.screen.enter(text);
  await all([speaker, other], `] ${text}`);
}

async function all(windows: Window[], text: string): Promise<void> {
  await Promise.all(windows.map(({ screen }) => screen.until(text)));
}

async function end(...ending: Screen[]): Promise<void> {
  await Promise.all(ending.map((screen) => screen.destroy()));
  screens.length = 0;
}

function take(name: string, ...windows: Window[]): void {
  const shots = windows.map(({ title, screen }) => ({ title, cells: screen.cells, cursor: screen.cursor }));
  for (const theme of ['light', 'dark'] as const)
    writeFileSync(join(folder, `${name}-${theme}.svg`), draw(shots, theme));
  for (const { screen } of windows) console.log(`${name}\n${screen.picture}`);
}

/** The time zone where it is now between two and three in the afternoon. */
function earlyAfternoon(): string {
  const hours = 14 - new Date().getUTCHours();
  return hours === 0 ? 'UTC' : `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;
}
