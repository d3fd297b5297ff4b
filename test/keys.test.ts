import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { addName, isFreeName, personFolder } from '../src/history/paths.ts';
import { crypto, identityOf, newDevice, newNonce, newToken } from '../src/keys/ed25519.ts';
import { findIdentity, loadIdentity, makeIdentity } from '../src/keys/identity-file.ts';
import { test as staged } from './support/command.ts';

const base64url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

/** RFC 8032, section 7.1: those tests whose message is a text. */
const rfc8032 = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    text: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    text: 'r',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
];

describe('crypto', () => {
  test.each(rfc8032)('RFC 8032: the message "$text"', ({ seed, key, text, signature }) => {
    const identity = identityOf(Buffer.from(seed, 'hex'));
    expect(identity.key).toBe(base64url(key));
    expect(identity.sign(text)).toBe(base64url(signature));
    expect(crypto.verify(base64url(key), text, base64url(signature))).toBe(true);
  });

  test('hash: the first half of SHA-256 of the UTF-8 text', () => {
    expect(crypto.hash('')).toBe(base64url('e3b0c44298fc1c149afbf4c8996fb924'));
    expect(crypto.hash('abc')).toBe(base64url('ba7816bf8f01cfea414140de5dae2223'));
    expect(crypto.hash('é')).not.toBe(crypto.hash('e\u0301'));
  });

  test('what was signed is valid, and nothing else: another text, key or signature is not', () => {
    const [ann, bob] = [1, 2].map((byte) => identityOf(Buffer.alloc(32, byte)));
    if (!ann || !bob) throw new Error('no identities');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(511), (text, bit) => {
        const signature = ann.sign(text);
        const flipped = Buffer.from(signature, 'base64url');
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(crypto.verify(ann.key, text, signature)).toBe(true);
        expect(crypto.verify(bob.key, text, signature)).toBe(false);
        expect(crypto.verify(ann.key, `${text}.`, signature)).toBe(false);
        expect(crypto.verify(ann.key, text, flipped.toString('base64url'))).toBe(false);
      }),
    );
  });

  test('verify is total: what is no key or no signature is not valid', () => {
    const ann = identityOf(Buffer.alloc(32, 1));
    const signature = ann.sign('text');
    const garbage = [
      '',
      'x',
      '=',
      ann.key.slice(1),
      `${ann.key}A`,
      'A'.repeat(43),
      '_'.repeat(43),
      'é🙂\0',
      'x'.repeat(9_999),
    ];
    for (const key of garbage) expect(crypto.verify(key, 'text', signature), key).toBe(false);
    for (const bad of [...garbage, signature.slice(2), `${signature}AAAA`])
      expect(crypto.verify(ann.key, 'text', bad), bad).toBe(false);
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.uint8Array({ minLength: 32, maxLength: 32 }), (a, b, bytes) => {
        expect(crypto.verify(a, 'text', b)).toBe(false);
        expect(crypto.verify(Buffer.from(bytes).toString('base64url'), 'text', signature)).toBe(false);
      }),
    );
    expect(crypto.verify(ann.key, 'text', signature)).toBe(true);
  });

  test('a key has one spelling: nobody is several people by writing it otherwise', () => {
    const { key, sign } = identityOf(Buffer.alloc(32, 1));
    const bytes = Buffer.from(key, 'base64url');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const spellings = [
      ...[...alphabet].map((last) => key.slice(0, -1) + last),
      `${key}=`,
      bytes.toString('base64'),
    ].filter((other) => other !== key && Buffer.from(other, 'base64url').equals(bytes));
    expect(spellings.length).toBeGreaterThan(3);
    for (const other of spellings) expect(crypto.verify(other, 'text', sign('text')), other).toBe(false);
  });

  test('thousands of strangers do not spoil the keys that are known', () => {
    const { key, sign } = identityOf(Buffer.alloc(32, 1));
    for (let i = 0; i < 2_500; i++) crypto.verify(`stranger${i}`, 'text', 'x');
    expect(crypto.verify(key, 'text', sign('text'))).toBe(true);
  });

  test('a device is made from a key: never the same twice, and anybody can tell whose it is', () => {
    const { key } = identityOf(Buffer.alloc(32, 1));
    const other = identityOf(Buffer.alloc(32, 2)).key;
    const devices = new Set(Array.from({ length: 1_000 }, () => newDevice(key)));
    expect(devices.size).toBe(1_000);
    for (const dev of devices) {
      expect(dev).toMatch(/^[\w-]{32}$/);
      expect([crypto.isDeviceOf(key, dev), crypto.isDeviceOf(other, dev)]).toEqual([true, false]);
    }
  });

  test('a device has 8 bytes of salt, and half a SHA-256 over its purpose, the key and the salt', () => {
    const { key } = identityOf(Buffer.alloc(32, 1));
    const salt = Buffer.from('01234567');
    const text = `["0mq-chat device","${key}","${salt.toString('base64url')}"]`;
    const half = createHash('sha256').update(text).digest().subarray(0, 16);
    const dev = Buffer.concat([salt, half]).toString('base64url');
    expect(crypto.isDeviceOf(key, dev)).toBe(true);
    for (let bit = 0; bit < 192; bit++) {
      const flipped = Buffer.from(dev, 'base64url');
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(crypto.isDeviceOf(key, flipped.toString('base64url'))).toBe(false);
    }
    for (const garbage of ['', dev.slice(1), `${dev}A`, `${dev}=`, 'é🙂', '_'.repeat(64)])
      expect(crypto.isDeviceOf(key, garbage)).toBe(false);
  });

  test('tokens and nonces: never the same twice', () => {
    const tokens = new Set(Array.from({ length: 1_000 }, newToken));
    const nonces = new Set(Array.from({ length: 1_000 }, newNonce));
    expect([tokens.size, nonces.size]).toEqual([1_000, 1_000]);
    for (const token of tokens) expect(token).toMatch(/^[\w-]{14}$/);
    for (const nonce of nonces) expect(nonce).toMatch(/^[\w-]{22}$/);
  });
});

describe('the identity in a folder', () => {
  const root = mkdtempSync(join(tmpdir(), 'zmqchat-keys-'));
  let count = 0;
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = join(root, `a folder's ${++count}`);
    path = join(folder, 'identity');
    mkdirSync(folder);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  test('is made on first use, for its owner only, and stays', () => {
    const first = loadIdentity(folder);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toMatch(/^[\w-]{43}\n$/);
    expect(readdirSync(folder)).toEqual(['identity']);
    const again = loadIdentity(folder);
    expect(again.key).toBe(first.key);
    expect(crypto.verify(first.key, 'text', again.sign('text'))).toBe(true);
  });

  test('is another one in another folder, and each name has its own folder', () => {
    mkdirSync(join(folder, 'other'));
    expect(loadIdentity(folder).key).not.toBe(loadIdentity(join(folder, 'other')).key);
    const names = [
      'ann',
      'Ann Lee',
      'ann-lee',
      'ann lee.',
      '../ann',
      'änn',
      '日本',
      '日木',
      'con',
      '.',
      'x'.repeat(32),
    ];
    const folders = names.map((name) => personFolder(folder, name));
    expect(new Set(folders).size).toBe(names.length);
    for (const one of folders) expect(one.slice(folder.length)).toMatch(/^\/[a-z0-9._-]*-[0-9a-f]{8}$/);
    expect(personFolder(folder, 'ANN')).toBe(personFolder(folder, 'ann'));
  });

  test.each([0o640, 0o604, 0o660, 0o666, 0o610])(
    'is refused when others have a right to it (%o), with what to do',
    (mode) => {
      loadIdentity(folder);
      chmodSync(path, mode);
      const quoted = `'${path.replace("'", `'\\''`)}'`;
      expect(failure()).toMatchObject({
        code: 'DATA_NOT_WRITABLE',
        message: 'your identity can be read by others.',
        hint: `Close it: chmod 600 ${quoted}`,
      });
      chmodSync(path, 0o600);
      expect(failure()).toBeUndefined();
    },
  );

  test('of a room is the room’s, in words', () => {
    makeIdentity(path, 'room');
    chmodSync(path, 0o640);
    expect(() => findIdentity(path, 'room')).toThrow("the room's identity can be read by others.");
    chmodSync(path, 0o600);
    writeFileSync(path, 'x');
    expect(() => findIdentity(path, 'room')).toThrow(
      expect.objectContaining({ hint: 'Restore it from a copy, or remove it to begin as a new room.' }),
    );
  });

  test.each([
    '',
    '\n',
    'x',
    'A'.repeat(42),
    'A'.repeat(46),
    '\0'.repeat(43),
    '{"seed":1}',
    'not for me',
    // Node would read these as a seed, too.
    `${'+'.repeat(42)}8`,
    `${'A'.repeat(42)}B`,
    `${'A'.repeat(43)}=`,
  ])('damaged: %j', (content) => {
    writeFileSync(path, content, { mode: 0o600 });
    expect(failure()).toMatchObject({
      code: 'DATA_DAMAGED',
      message: `the identity in ${path} is damaged.`,
      hint: 'Restore it from a copy, or remove it to begin as somebody new.',
    });
    expect(readFileSync(path, 'utf8')).toBe(content);
  });

  test('no file at all: words', () => {
    mkdirSync(path, { mode: 0o700 });
    expect(failure()).toMatchObject({ code: 'DATA_DAMAGED', message: `cannot read ${path}: it is no plain file.` });
    writeFileSync(join(folder, 'file'), '');
    folder = join(folder, 'file', 'below');
    expect(failure()).toMatchObject({
      code: 'DATA_NOT_WRITABLE',
      message: `cannot use ${folder}: a part of its path is not a folder.`,
    });
  });

  test('a link that leads nowhere, in the place of the file or of its folder: words, and nothing is made', () => {
    symlinkSync(join(folder, 'nowhere'), path);
    expect(failure()).toMatchObject({
      code: 'DATA_DAMAGED',
      message: `cannot read ${path}: it is a link that leads nowhere.`,
      hint: 'Mend or remove it.',
    });
    const link = join(folder, 'link');
    symlinkSync(join(folder, 'nowhere'), link);
    folder = join(link, 'below');
    const message = `cannot use ${folder}: ${link} is a link that leads nowhere.`;
    expect(failure()).toMatchObject({ code: 'DATA_NOT_WRITABLE', message });
    expect(existsSync(join(dirname(link), 'nowhere'))).toBe(false);
  });

  test.skipIf(process.platform === 'win32')('a pipe in the place of a file: words, at once', () => {
    execFileSync('mkfifo', ['-m', '600', path, join(folder, 'same-person-as')]);
    expect(failure()).toMatchObject({ message: `cannot read ${path}: it is no plain file.` });
    const ana = personFolder(folder, 'ana');
    mkdirSync(ana);
    execFileSync('mkfifo', ['-m', '600', join(ana, 'same-person-as')]);
    expect(() => personFolder(folder, 'ana')).toThrow('same-person-as: it is no plain file.');
  });

  test.skipIf(process.platform === 'win32')('a link, wherever it leads: words, and nothing is read', () => {
    const { key } = loadIdentity(folder);
    renameSync(path, `${path}-elsewhere`);
    symlinkSync(`${path}-elsewhere`, path);
    expect(failure()).toMatchObject({ code: 'DATA_DAMAGED', message: `cannot read ${path}: it is a link.` });
    rmSync(path);
    renameSync(`${path}-elsewhere`, path);
    expect(loadIdentity(folder).key).toBe(key);
  });

  test.skipIf(process.geteuid?.() !== 0)("another user's: words, even for root", () => {
    loadIdentity(folder);
    chownSync(path, 12_345, 12_345);
    const message = `cannot read ${path}: it belongs to another user.`;
    expect(failure()).toMatchObject({ code: 'DATA_DAMAGED', message, hint: 'Mend or remove it.' });
  });

  test.skipIf(process.platform !== 'linux')('below /proc and in a path that is too long: words, at once', () => {
    folder = '/proc/x/y';
    expect(failure()).toMatchObject({ message: 'cannot use /proc/x/y: no folder can be made there.' });
    expect(() => addName('ana', '/proc/x/y', 'zoe')).toThrow(': no folder can be made there.');
    folder = join('/tmp', 'x'.repeat(300));
    expect(failure()).toMatchObject({ message: `cannot use ${folder}: its path is too long.` });
  });

  test('a name taken later leads to the same folder, and so to the same identity and messages', () => {
    const ana = personFolder(folder, 'ana');
    const { key } = loadIdentity(ana);
    expect(isFreeName(ana, folder, 'zoe')).toBe(true);
    addName(ana, folder, 'zoe');
    addName(ana, folder, 'ZOE');
    addName(ana, folder, 'ana');
    expect([personFolder(folder, 'zoe'), personFolder(folder, 'Zoe'), personFolder(folder, 'ana')]).toEqual([
      ana,
      ana,
      ana,
    ]);
    expect(isFreeName(ana, folder, 'zoe')).toBe(true);
    expect(loadIdentity(personFolder(folder, 'zoe')).key).toBe(key);
  });

  test('a name of somebody else on this machine is not free, and stays theirs', () => {
    const [ana, bob] = [personFolder(folder, 'ana'), personFolder(folder, 'bob')];
    const { key } = loadIdentity(bob);
    loadIdentity(ana);
    expect(isFreeName(ana, folder, 'bob')).toBe(false);
    addName(ana, folder, 'bob');
    expect(personFolder(folder, 'bob')).toBe(bob);
    expect(loadIdentity(personFolder(folder, 'bob')).key).toBe(key);
    addName(ana, folder, 'zoe');
    expect(isFreeName(bob, folder, 'zoe')).toBe(false);
  });

  test('what leads out of the data folder is not followed', () => {
    const zoe = personFolder(folder, 'zoe');
    mkdirSync(zoe, { recursive: true });
    for (const elsewhere of ['../../elsewhere', '/etc', '..', '']) {
      writeFileSync(join(zoe, 'same-person-as'), elsewhere);
      expect(personFolder(folder, 'zoe')).toBe(zoe);
    }
  });

  staged('eight programs that start at once have one identity', async ({ stage }) => {
    const module = fileURLToPath(new URL('../dist/keys/identity-file.js', import.meta.url));
    const script = `
      import { loadIdentity } from ${JSON.stringify(module)};
      console.log('ready');
      process.stdin.on('end', () => console.log('key ' + loadIdentity(process.argv[1]).key)).resume();`;
    const programs = Array.from({ length: 8 }, () => stage.node(['--input-type=module', '-e', script, folder]));
    await Promise.all(programs.map((program) => program.stdoutLine('ready')));
    for (const program of programs) program.end();
    const keys = await Promise.all(programs.map((program) => program.stdoutLine(/^key /)));
    expect(new Set(keys)).toEqual(new Set([`key ${loadIdentity(folder).key}`]));
    await Promise.all(programs.map((program) => program.ends(0)));
    expect(readdirSync(folder)).toEqual(['identity']);
  });

  function failure(): unknown {
    try {
      loadIdentity(folder);
      return undefined;
    } catch (error) {
      return error;
    }
  }
});
