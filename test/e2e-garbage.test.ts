import { describe, expect } from 'vitest';
import { type Command, isPlain, type Stage, test } from './support/command.ts';
import { LegacyClient } from './support/legacy.ts';
import { bark, knock, Person, RawDealer } from './support/raw.ts';

const http = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
const noise = (seed: number) => Buffer.from(Array.from({ length: 600 }, (_, i) => ((i + 1) * (seed + 7919)) % 251));
const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;

/** Frames that are not of the protocol, from a connection that never joined. */
const garbage: [name: string, frame: unknown][] = [
  ['nothing', Buffer.alloc(0)],
  ['no JSON', 'hello'],
  ['half of JSON', '{"name":"x","text":'],
  ['invalid UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
  ['a number', '42'],
  ['null', 'null'],
  ['60 KB of nested arrays', deep],
  ['a join without a name', { auth: 1 }],
  ['a join with a number for a name', { auth: 1, name: 7 }],
  ['a join of version 1 without a nonce', { auth: 1, name: 'x', v: 1, key: new Person().key, dev: 'device' }],
  ['an auth of another kind', { auth: 'yes', name: 'x' }],
  ['a text that is a list', { name: 'x', text: ['hi'] }],
  ['a name that is an object', { name: {}, text: 'hi\n' }],
  ['an id without a count', { name: 'x', text: 'hi\n', id: 'dev' }],
  ['a count beyond 2^53', { name: 'x', text: 'hi\n', id: 'dev.99999999999999999' }],
  ['an ack that is a word', { ack: 'all' }],
  ['a frame only a server sends', { hb: 1 }],
  ['two parts', [Buffer.from('{"auth":1,"name":"x"}'), Buffer.from('{}')]],
];

/** Text of a peer, and the one line a pipe shows of it. */
const nasty: [text: string, shown: string][] = [
  ['\x1b[2J\x1b[31mred\x07', '␛[2J␛[31mred␇'],
  ['\x1b]0;title\x07\x1b]52;c;aGk=\x1b\\', '␛]0;title␇␛]52;c;aGk=␛\\'],
  ['\x1b\x1b[31m[31m', '␛␛[31m[31m'],
  ['\u009b31m\u0085\u0090', '<U+009B>31m<U+0085><U+0090>'],
  ['abc\r[bob] forged', 'abc␍[bob] forged'],
  ['one\n[bob] forged', 'one\\n[bob] forged'],
  ['\u2028[bob] forged\u2029', '<U+2028>[bob] forged<U+2029>'],
  ['\u202egnp.exe\u2066\u200b', '<U+202E>gnp.exe<U+2066><U+200B>'],
  ['\0\b\x7f', '␀␈␡'],
];

describe.concurrent('a room with strangers at the door', () => {
  test('frames that are not of the protocol are counted and ignored, each', async ({ stage }) => {
    const { server, ana, bo, port } = await talking(stage);
    for (const [name, frame] of garbage) {
      const stranger = stage.keep(new RawDealer(port));
      await stranger.send(frame);
      const line = JSON.parse(await server.stderrLine(/ignored 1 frame:/));
      expect(line, name).toMatchObject({ level: 'warn' });
    }
    await undisturbed(server, ana, bo);
  });

  test('__proto__ is a key like any other, and depth is no harm', async ({ stage }) => {
    const { server, ana, bo, port } = await talking(stage);
    const stranger = stage.keep(new RawDealer(port));
    await stranger.send('{"__proto__":{"auth":1,"name":"evil"},"constructor":{"prototype":{"text":"x"}}}');
    await stranger.send(`${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`);
    await stranger.send('{"auth":1,"name":"__proto__","__proto__":{"v":1}}');
    await ana.stdoutLine('[room] __proto__ joined the room. 3 online.');
    await stranger.send('{"name":"constructor","text":"toString\\n"}');
    await ana.stdoutLine('[__proto__] toString');
    stranger.close();
    await ana.stdoutLine('[room] __proto__ left the room. 2 online.');
    await bo.stdoutLine('[room] __proto__ left the room. 2 online.');
    await talk(ana, bo);
    expect(server.ended).toBe(false);
  });

  test('who cannot prove to be somebody is not, and cannot speak for anybody', async ({ stage }) => {
    const { server, ana, bo, port } = await talking(stage);
    const [victim, thief] = [new Person(), new Person()];
    const dealer = stage.keep(new RawDealer(port));
    expect(await victim.join(dealer, 'victim')).toMatchObject({ welcome: 1, n: 0 });
    await ana.stdoutLine('[room] victim joined the room. 3 online.');

    const stranger = stage.keep(new RawDealer(port));
    const guess = { name: 'victim', v: 1, key: victim.key, dev: victim.device, cn: 'nonce' };
    await stranger.ask({ auth: 1, ...guess });
    expect(await stranger.ask({ auth: 1, ...guess, proof: 'guessed' })).toContain('"refused":"PROOF_REFUSED"');
    // Not even a device: it is its key's, whatever the log knows of it.
    const claim = { auth: 1, ...guess, name: 'thief', key: thief.key };
    expect(await stranger.ask(claim)).toContain('"refused":"PROOF_REFUSED"');
    const refused = { refused: 'NAME_REFUSED', text: '"Victim" belongs to somebody else.\n' };
    expect(await thief.join(stranger, 'Victim')).toMatchObject(refused);
    expect(await thief.join(stranger, 'thief')).toMatchObject({ welcome: 1 });
    const owed = { name: 'victim', text: 'I owe you', id: `${victim.device}.1` };
    // Of the thief's making; and what the victim said, but elsewhere.
    for (const forged of [{ ...thief.says(owed), key: victim.key }, victim.says({ ...owed, room: thief.key })]) {
      await thief.upload(stranger, forged);
      await server.stderrLine(/ignored 1 frame: a kept message without a valid signature/);
    }
    await thief.upload(stranger, victim.says({ name: 'victim', text: 'kept for a friend', id: `${victim.device}.1` }));
    expect((await bo.stdoutUntil('[victim] kept for a friend')).join()).not.toContain('owe');
    for (const [i, name] of ['Victim', 'room'].entries()) {
      await thief.upload(stranger, thief.says({ name, text: 'trust me', id: `${thief.device}.${i + 1}` }));
      expect(await bo.stdoutUntil(/trust me/)).toEqual([`[${name} (guest)] trust me`]);
      await ana.stdoutLine(`[${name} (guest)] trust me`);
    }
    await talk(ana, bo);
  });

  test('a frame over 64 KiB ends the connection of whoever sends it, only', async ({ stage }) => {
    const { server, ana, bo, port } = await talking(stage);
    const old = stage.keep(LegacyClient.connect(port, 'old'));
    await old.join();
    await ana.stdoutLine('[room] old joined the room. 3 online.');
    await old.say('x'.repeat(70_000));
    await ana.stdoutLine('[room] old left the room. 2 online.');
    await bo.stdoutLine('[room] old left the room. 2 online.');
    await undisturbed(server, ana, bo);
  });

  test('a text that is too long for a message is refused in words its author reads', async ({ stage }) => {
    const { ana, bo, port } = await talking(stage);
    const old = stage.keep(LegacyClient.connect(port, 'old'));
    await old.join();
    await old.say('x'.repeat(5_000));
    await old.hears('Your message was not sent: it is longer than 4096 bytes.');
    await old.say('short');
    expect(await ana.stdoutUntil('[old] short')).toEqual(['[room] old joined the room. 3 online.', '[old] short']);
    await bo.stdoutLine('[old] short');
  });

  test('random bytes, HTTP requests and connections that never speak', async ({ stage }) => {
    const { server, ana, bo, port } = await talking(stage);
    for (let i = 0; i < 100; i++) stage.keep(closable(await knock(port, Buffer.alloc(0))));
    for (let i = 0; i < 20; i++) stage.keep(closable(await knock(port, Buffer.from([0xff, 0, 0, 0]))));
    for (let i = 0; i < 40; i++) {
      await bark(port, noise(i));
      await bark(port, http);
    }
    await undisturbed(server, ana, bo);
    const late = stage.client(port, 'late', '-m', 'I still get in');
    await late.ends(0);
    await ana.stdoutLine('[late] I still get in');
  });

  test('every control character of a text is a picture, and every message one line', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const reader = await stage.online(port, 'reader', '--listen');
    const json = await stage.jsonOnline(port, 'json', '--listen');
    const old = stage.keep(LegacyClient.connect(port, 'old'));
    await old.join();
    await reader.stdoutLine('[room] old joined the room. 3 online.');
    const modern = stage.keep(new RawDealer(port));
    const person = new Person();
    expect(await person.join(modern, 'new')).toMatchObject({ welcome: 1 });
    await reader.stdoutLine('[room] new joined the room. 4 online.');
    for (const [i, [text, shown]] of nasty.entries()) {
      await old.say(text);
      expect(await reader.stdoutUntil(/^\[old\]/)).toEqual([`[old] ${shown}`]);
      await person.upload(modern, person.says({ name: 'new', text, id: `${person.device}.${i + 1}`, ts: 8.64e15 + 1 }));
      expect(await reader.stdoutUntil(/^\[new\]/)).toEqual([`[new] ${shown}`]);
      await json.json({ type: 'message', text });
      expect(await json.json({ type: 'message', text })).toMatchObject({ from: { name: 'new' } });
    }
    expect(isPlain(reader.stdout) && isPlain(json.stdout)).toBe(true);
  });

  test('so is every one of a name', async ({ stage }) => {
    const { server, port } = await stage.server('--name', 'room');
    const reader = await stage.online(port, 'reader', '--listen');
    const json = await stage.jsonOnline(port, 'json', '--listen');
    const member = stage.keep(new RawDealer(port));
    const person = new Person();
    expect(await person.join(member, 'new')).toMatchObject({ welcome: 1 });
    await reader.stdoutLine('[room] new joined the room. 3 online.');
    for (const [i, [text]] of nasty.entries()) {
      const old = stage.keep(LegacyClient.connect(port, text));
      await old.say(`legacy ${i}`);
      const [joined, line] = await reader.stdoutUntil(new RegExp(`^\\[[^[\\]]+\\] legacy ${i}$`));
      expect(joined).toMatch(/^\[room\] .+ joined the room\. \d+ online\.$/);
      expect(line).toBeDefined();
      await person.upload(member, person.says({ name: text, text: `modern ${i}`, id: `${person.device}.${i + 1}` }));
      expect(await reader.stdoutUntil(/modern/)).toEqual([expect.stringMatching(/^\[[^[\]]+ \(guest\)\] modern \d$/)]);
      const { from } = await json.json({ type: 'message', text: `modern ${i}` });
      expect(from).toMatchObject({ name: expect.stringMatching(/^[^[\]]+ \(guest\)$/), id: person.key });
      const modern = stage.keep(new RawDealer(port));
      expect(await new Person().join(modern, text)).toMatchObject({ refused: 'NAME_REFUSED' });
    }
    expect(isPlain(reader.stdout) && isPlain(json.stdout)).toBe(true);
    expect(isPlain(server.stderr + server.stdout)).toBe(true);
  });
});

async function talking(stage: Stage) {
  const { server, port } = await stage.server('--name', 'room');
  const ana = await stage.online(port, 'ana');
  const bo = await stage.online(port, 'bo');
  await ana.stdoutLine('[room] bo joined the room. 2 online.');
  await talk(ana, bo);
  return { server, port, ana, bo };
}

async function talk(ana: Command, bo: Command): Promise<void> {
  ana.write('are you there?\n');
  await bo.stdoutLine('[ana] are you there?');
  bo.write('yes\n');
  await ana.stdoutLine('[bo] yes');
}

/** The two go on talking; nobody has lost anybody, and nobody has seen anything of the strangers. */
async function undisturbed(server: Command, ana: Command, bo: Command): Promise<void> {
  await talk(ana, bo);
  for (const { stdout, stderr } of [ana, bo]) {
    expect(stderr).not.toContain('lost');
    expect(stdout).not.toMatch(/^\[(?!room\]|ana\]|bo\])/m);
  }
  expect(server.ended).toBe(false);
  expect(isPlain(ana.stdout + bo.stdout + server.stderr)).toBe(true);
}

const closable = (socket: { destroy(): unknown }) => ({ close: () => socket.destroy() });
