import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { publicKey } from '../src/cli/args/values.ts';
import { AllowFile } from '../src/keys/allow-file.ts';
import { keyInHex, parseAllowList, readKey } from '../src/keys/allow-list.ts';
import { identityOf } from '../src/keys/ed25519.ts';

const [ann, bo, cy] = [1, 2, 3].map((byte) => identityOf(Buffer.alloc(32, byte))) as [Own, Own, Own];
type Own = ReturnType<typeof identityOf>;
const hex = keyInHex(ann.key);
const other = keyInHex(bo.key);
const isWindows = process.platform === 'win32';

describe('a key as people write it', () => {
  test.each([
    ['as it is', hex],
    ['in capitals', hex.toUpperCase()],
    ['with blanks around it', `  ${hex}\t`],
    ['in the quotes of a chat program', `“${hex}”`],
    ['in those of code', `\`${hex}\``],
    ['in those of a shell', `'${hex}'`],
    ['in French ones', `«${hex}»`],
  ])('%s', (_, written) => expect(readKey(written)).toBe(ann.key));

  test.each([
    ['too short', hex.slice(1)],
    ['too long', `${hex}0`],
    ['with another character', hex.replace(/.$/, 'g')],
    ['in base64url, as a secret is kept', ann.key],
    ["nobody's", '00'.repeat(32)],
    ['empty', ''],
  ])('%s: none', (_, written) => expect(readKey(written)).toBeUndefined());

  test('an option has it with blanks, too, as a fingerprint is written', () => {
    const read = publicKey('the key').coerce;
    expect(read(hex.replace(/.{4}/g, '$& '), '--server-key')).toBe(ann.key);
    expect(read(`“${hex.toUpperCase()}”`, '--server-key')).toBe(ann.key);
    expect(() => read(hex.slice(1), '--server-key')).toThrow('is not a key');
  });
});

describe('a list', () => {
  test('a key a line; comments, empty lines, doubles and the line ends of others do not count', () => {
    const text = `\uFEFF# who may come in\r\n\r\n${hex} Ana, the desk at the window\r\n\t${other.toUpperCase()}\r\n${hex} Ana again\n`;
    expect(parseAllowList(text)).toEqual(new Set([ann.key, bo.key]));
  });

  test('empty: nobody', () => expect(parseAllowList('\n# nobody yet\n')).toEqual(new Set()));

  test.each([
    [`${hex}\nab12 Bo\n`, 'line 2: "ab12" is not a key: it has 4 digits, and a key has 64 without blanks.'],
    [
      `\n\n${hex.slice(1)}`,
      `line 3: "${hex.slice(1)}" is not a key: it has 63 digits, and a key has 64 without blanks.`,
    ],
    ['Ana\n', 'line 1: "Ana" is not a key: a key is 64 hexadecimal digits.'],
    [`Ana ${hex}\n`, 'line 1: "Ana" is not a key: a key is 64 hexadecimal digits.'],
    [`${'00'.repeat(32)}\n`, `line 1: "${'00'.repeat(32)}" is nobody's key.`],
    [
      `${hex.replace(/.{4}/g, '$& ')}\n`,
      `line 1: "${hex.slice(0, 4)}" is not a key: it has 4 digits, and a key has 64 without blanks.`,
    ],
  ])('%j: the number of the line, and what is wrong', (text, says) => expect(parseAllowList(text)).toBe(says));

  test('whatever stands in it: keys, or words about one line', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constant(hex),
      fc.string().map((text) => `${other} ${text}`),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const found = parseAllowList(lines.join('\n'));
        if (typeof found === 'string') expect(found).toMatch(/^line [1-9]\d*: /);
        else for (const key of found) expect([ann.key, bo.key]).toContain(key);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a list in a file', () => {
  let folder: string;
  let path: string;
  let told: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'zmqchat-allow-'));
    path = join(folder, 'list');
    told = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** As if it had lain there for a while: nobody is writing it any more. */
  const write = (text: string, atSecond = 1) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
    utimesSync(path, atSecond, atSecond);
  };
  const open = () => new AllowFile(path, (problem) => told.push(problem));
  const isIn = (list: AllowFile, ...people: Own[]) => people.map(({ curve }) => list.admits(curve.publicKey));
  /** The next look that counts: a file that was changed just now may not be whole. */
  const looks = (list: AllowFile) => list.look(true);

  test('says who gets in, by the keys that they encrypt with', () => {
    write(`${hex} Ana\n`);
    expect(isIn(open(), ann, bo)).toEqual([true, false]);
  });

  test('is read again when it has changed, and only then', () => {
    write(`${hex}\n`);
    const list = open();
    expect(looks(list)).toBeUndefined();
    write(`${hex}\n${other}\n`, 2);
    expect(looks(list)).toEqual(new Set([ann.key, bo.key]));
    expect(isIn(list, ann, bo)).toEqual([true, true]);
    write(`${other}\n`, 3);
    expect(looks(list)).toEqual(new Set([bo.key]));
    expect(isIn(list, ann, bo)).toEqual([false, true]);
    write(`# the same\n${other}\n`, 4);
    expect(looks(list)).toBeUndefined();
  });

  test('is left alone while somebody may still be writing it', () => {
    write(`${hex}\n${other}\n`);
    const list = open();
    writeFileSync(path, `${hex}\n`);
    expect(list.look()).toBeUndefined();
    expect(isIn(list, ann, bo)).toEqual([true, true]);
    writeFileSync(path, `${hex}\n${other}\n${keyInHex(cy.key)}\n`);
    expect(list.look(true)).toEqual(new Set([ann.key, bo.key, cy.key]));
  });

  test('that is emptied to be written anew is left alone for longer', async () => {
    write(`${hex}\n`);
    const list = open();
    writeFileSync(path, '');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(list.look()).toBeUndefined();
    expect(isIn(list, ann)).toEqual([true]);
    expect(list.look(true)).toEqual(new Set());
  });

  test.each<[string, () => unknown, string]>([
    ['a bad line', () => write(`${hex}\nx\n`, 2), 'has no key in line 2: "x" is not a key'],
    ['a file that is gone', () => rmSync(path), 'there is no list'],
    ['a folder', () => [rmSync(path), mkdirSync(path)], 'it is no plain file'],
    ['what others may write', () => [write('', 2), chmodSync(path, 0o666)], 'can be changed by others'],
    ['a link', () => [write('', 2), renameSync(path, `${path}2`), symlinkSync(`${path}2`, path)], 'it is a link'],
  ])('%s: who was in stays in, and why is told once', (what, spoil, says) => {
    if (isWindows && what !== 'a bad line') return;
    write(`${hex}\n`);
    const list = open();
    spoil();
    expect(looks(list)).toBeUndefined();
    expect(looks(list)).toBeUndefined();
    expect(isIn(list, ann, bo)).toEqual([true, false]);
    expect(told).toEqual([expect.stringContaining(says)]);
    rmSync(path, { recursive: true, force: true });
    write(`${other}\n`, 9);
    expect(looks(list)).toEqual(new Set([bo.key]));
  });

  test('the same mistake in another state of the file is not told again; another one is', () => {
    write(`${hex}\n`);
    const list = open();
    write('x\n', 2);
    looks(list);
    write('x\n\n', 3);
    looks(list);
    write('y\n', 4);
    looks(list);
    expect(told).toHaveLength(2);
  });

  test('empty, it lets in nobody', () => {
    write('');
    expect(isIn(open(), ann)).toEqual([false]);
  });

  test('at the start, what cannot be read is an error', () => {
    expect(open).toThrow(expect.objectContaining({ code: 'USAGE', message: `there is no list ${path}.` }));
    write('x\n');
    expect(open).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('line 1') }));
    rmSync(path);
    mkdirSync(path);
    expect(open).toThrow(expect.objectContaining({ code: 'DATA_DAMAGED' }));
  });

  test.skipIf(isWindows)(
    'nobody else may have a hand in it: no link, no pipe, no right to write, no other owner',
    () => {
      write(`${hex}\n`);
      for (const mode of [0o620, 0o602]) {
        chmodSync(path, mode);
        expect(open).toThrow(`the list ${path} can be changed by others.`);
      }
      chmodSync(path, 0o644);
      expect(isIn(open(), ann)).toEqual([true]);
      symlinkSync(path, `${path}-link`);
      path = `${path}-link`;
      expect(open).toThrow(`cannot read ${path}: it is a link.`);
      path = join(folder, 'pipe');
      execFileSync('mkfifo', ['-m', '600', path]);
      expect(open).toThrow(`cannot read ${path}: it is no plain file.`);
    },
  );

  test.skipIf(process.geteuid?.() !== 0)("another user's, even for root", () => {
    write(`${hex}\n`);
    chownSync(path, 12_345, 12_345);
    expect(open).toThrow(`cannot read ${path}: it belongs to another user.`);
  });

  test('a list that is far too large is none', () => {
    write(`# ${'x'.repeat(1_048_576)}\n`);
    expect(open).toThrow(`cannot read ${path}: it is too large.`);
  });
});
