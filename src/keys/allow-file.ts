import { type Stats, statSync } from 'node:fs';
import { ChatError } from '../errors.ts';
import { readGuarded } from '../history/files.ts';
import { parseAllowList } from './allow-list.ts';
import { curveKeyOf } from './curve.ts';

/** An editor may still be writing: what was changed just now is read the next time. */
const settledMs = 100;
/** Whoever writes it anew (`… > list`) has emptied it first. */
const emptiedMs = 2_000;

/** Who gets into a closed room, as a file says: it is read again when it has changed, and counts only as a whole. */
export class AllowFile {
  /** Of people, as they sign. */
  keys: ReadonlySet<string>;
  readonly #path: string;
  readonly #tell: (problem: string) => void;
  /** The same keys as they encrypt. */
  #admitted: ReadonlySet<string>;
  #seen: string;
  #problem = '';

  /** @param tell is told once why a changed file does not count: then who was let in before is let in */
  constructor(path: string, tell: (problem: string) => void) {
    this.#path = path;
    this.#tell = tell;
    this.#seen = stampOf(path).stamp;
    this.keys = read(path);
    this.#admitted = asCurve(this.keys);
  }

  /** Whether the owner of this X25519 key gets in. */
  readonly admits = (publicKey: Buffer): boolean => this.#admitted.has(publicKey.toString('hex'));

  /** The keys, if they have changed since the last look. `isHurried`: although the file may not be whole yet. */
  look(isHurried = false): ReadonlySet<string> | undefined {
    const { stamp, changedMs, size } = stampOf(this.#path);
    const age = Math.abs(Date.now() - changedMs);
    const isYoung = age < (size === 0 ? emptiedMs : settledMs);
    if (stamp === this.#seen || (isYoung && !isHurried)) return undefined;
    this.#seen = stamp;
    return this.#readAgain();
  }

  #readAgain(): ReadonlySet<string> | undefined {
    try {
      const keys = read(this.#path);
      this.#problem = '';
      if (isSame(keys, this.keys)) return undefined;
      this.keys = keys;
      this.#admitted = asCurve(keys);
      return keys;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (error.message !== this.#problem) this.#tell(error.message);
      this.#problem = error.message;
      return undefined;
    }
  }
}

/** Throws a ChatError: a list that cannot be read lets in nobody, and does not count as none. */
function read(path: string): ReadonlySet<string> {
  const wrong = `the list ${path} can be changed by others.`;
  const text = readGuarded(path, { rights: 0o022, wrong, mend: 'chmod go-w' });
  if (text === undefined)
    throw new ChatError('USAGE', `there is no list ${path}.`, 'Make it, also empty: then nobody gets in yet.');
  const keys = parseAllowList(text);
  if (typeof keys !== 'string') return keys;
  throw new ChatError(
    'USAGE',
    `the list ${path} has no key in ${keys}`,
    'A line is the KEY that chat-client --key prints, and a comment.',
  );
}

const asCurve = (keys: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...keys].map((key) => curveKeyOf(key).toString('hex')));

/** Names a state of the file. */
function stampOf(path: string): { stamp: string; changedMs: number; size: number } {
  const { ino, size, mtimeMs, ctimeMs } = lookAt(path) ?? { ino: 0, size: 0, mtimeMs: 0, ctimeMs: 0 };
  return { stamp: `${ino} ${size} ${mtimeMs} ${ctimeMs}`, changedMs: ctimeMs, size };
}

/** What is wrong with it shows when it is read. */
function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((key) => b.has(key));
