import type { Join, Leave, Upload } from '../../protocol/frames.ts';
import { type Crypto, type Identity, joinProof, sessionInfo, sessionSalt } from '../../protocol/signed.ts';
import { maxChallenges } from '../limits.ts';
import type { Uploader } from '../log/ledger.ts';
import { isSecure } from '../turn.ts';

export type ProofsOptions = {
  identity: Identity;
  crypto: Crypto;
  /** Nobody can foresee it; another one each time. */
  nonce: () => string;
};

/**
 * What an accepted proof opens: whose words come over the connection from here on, and how many uploads of them were taken. The
 * key of the session is made, with its `salt`, when the first sealed frame comes: who only reads needs none.
 */
export type Proof = Uploader & {
  key: string;
  dev: string;
  salt: string;
  sessionKey: string | undefined;
  taken: number;
};

/**
 * Who has proven what over which connection. A nonce is good for one proof over one connection; a proof leads to a key that
 * only its author and the room have, and that all of its author's words are sealed with until the next proof. [P7, P14]
 */
export class Proofs {
  readonly #options: ProofsOptions;
  /** The newest question that each connection was asked and has not answered, and to which join. */
  readonly #asked = new Map<string, { nonce: string; cn: string }>();
  readonly #proofs = new Map<string, Proof>();

  constructor(options: ProofsOptions) {
    this.#options = options;
  }

  /** One question for one join. Of too many the oldest is void. */
  ask(from: string, cn: string): string {
    const asked = this.#asked.get(from);
    const nonce = asked?.cn === cn ? asked.nonce : this.#options.nonce();
    this.#asked.delete(from);
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size < maxChallenges) break;
      this.#asked.delete(oldest);
    }
    this.#asked.set(from, { nonce, cn });
    return nonce;
  }

  /** The answer to the question, which is answered then: undefined if it was none, false if it is wrong. */
  prove(from: string, join: Join): boolean | undefined {
    const { identity, crypto } = this.#options;
    const { key = '', dev = '', cn = '', proof = '' } = join;
    const asked = this.#asked.get(from);
    if (asked?.cn !== cn) return undefined;
    const { nonce } = asked;
    this.#asked.delete(from);
    if (!crypto.verify(key, joinProof(nonce, identity.key, join, isSecure(from)), proof)) return false;
    const salt = sessionSalt(nonce, cn);
    this.#proofs.set(from, { from, key, dev, salt, sessionKey: undefined, taken: 0, isStopped: false, isHeld: false });
    return true;
  }

  /** The proof of this connection, if it is that of this member and device, and the frame is sealed as it has to be. */
  sealed(
    { from, who, dev }: { from: string; who: string; dev?: string | undefined },
    { seal }: Upload | Leave,
  ): Proof | undefined {
    const proof = this.#proofs.get(from);
    if (proof?.key !== who || proof.dev !== dev) return undefined;
    const isIntact = isSecure(from) || (seal && this.#macOf(proof, seal.text) === seal.mac);
    return isIntact ? proof : undefined;
  }

  #macOf(proof: Proof, text: string): string | undefined {
    const { identity, crypto } = this.#options;
    proof.sessionKey ??= identity.sessionKey(proof.key, proof.salt, sessionInfo(identity.key, proof));
    return proof.sessionKey && crypto.mac(proof.sessionKey, text);
  }

  /** The connection is gone. */
  forget(from: string): void {
    this.#asked.delete(from);
    this.#proofs.delete(from);
  }
}
