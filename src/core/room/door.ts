import type { Join, Refused } from '../../protocol/frames.ts';
import { joinProof } from '../../protocol/signed.ts';
import type { Crypto } from '../crypto.ts';
import type { Ledger } from '../log/ledger.ts';
import { isName, nameKey, normalizeName, safeName, whyNameRefused } from '../names.ts';

/** What becomes of a join. */
export type Verdict =
  | { type: 'enters'; name: string; key: string; dev: string }
  | { type: 'challenged'; nonce: string }
  | { type: 'refused'; code: Refused['code']; text: string }
  | { type: 'ignored'; reason: string };

export type DoorOptions = {
  /** Name of the server, which nobody else may have. */
  name: string;
  /** A challenge nobody can foresee, always the same for one connection. */
  nonce: (routingId: string) => string;
  crypto: Crypto;
};

/**
 * Who may enter, and under which name: a version-1 client proves its key; a name and a device belong to the key that
 * had them first. [P6, P23]
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #ledger: Ledger;

  constructor(options: DoorOptions, ledger: Ledger) {
    this.#options = options;
    this.#ledger = ledger;
  }

  judge(from: string, join: Join, nowMs: number): Verdict {
    const { key, dev, proof } = join;
    const { name: server, crypto } = this.#options;
    if (!key || !dev) return { type: 'ignored', reason: 'a version-1 join without key and dev' };
    const nonce = this.#options.nonce(from);
    if (!proof) return { type: 'challenged', nonce };
    if (!crypto.verify(key, joinProof(nonce, server, join), proof))
      return { type: 'ignored', reason: 'a join with a wrong proof' };
    const owner = this.#ledger.mark(dev)?.key ?? key;
    const foreign = 'The data folder of this client belongs to another identity.';
    if (owner !== key) return { type: 'refused', code: 'DEVICE_REFUSED', text: foreign };
    const name = normalizeName(join.name);
    const text = whyNameRefused(name) ?? this.#whyTaken(name, key, nowMs);
    return text ? { type: 'refused', code: 'NAME_REFUSED', text } : { type: 'enters', name, key, dev };
  }

  /** A legacy client cannot prove who it is, nor be asked for another name: its name is made safe, and marked if taken. */
  guestName(raw: string, nowMs: number): string {
    const name = safeName(raw);
    return this.#whyTaken(name, undefined, nowMs) ? `${name} (guest)` : name;
  }

  /** True if a message of `key` may stand in the log under this name: its own, or one that is nobody's. */
  maySign(name: string, key: string | undefined, nowMs: number): boolean {
    return isName(name) && this.#whyTaken(name, key, nowMs) === undefined;
  }

  /** True if `key` has joined with this name, so that nobody else has. */
  owns(name: string, key: string | undefined, nowMs: number): boolean {
    return this.maySign(name, key, nowMs) && this.#ledger.owner(name, nowMs) === key;
  }

  #whyTaken(name: string, key: string | undefined, nowMs: number): string | undefined {
    if (nameKey(name) === nameKey(this.#options.name)) return `"${name}" is the name of the server.`;
    const owner = this.#ledger.owner(name, nowMs);
    return owner !== undefined && owner !== key ? `"${name}" belongs to somebody else.` : undefined;
  }
}
