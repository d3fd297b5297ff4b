import type { Heartbeat } from '../../protocol/frames.ts';
import { type Gap, headProof, lostText } from '../../protocol/signed.ts';
import { maxLost } from '../limits.ts';
import type { Log } from '../log/log.ts';
import { emptyHash } from '../log/store.ts';
import type { DoorOptions } from './door.ts';

type SignedPart = Pick<Heartbeat, 'head' | 'headHash' | 'sig'>;

/** Signs how far the log goes on the disk: once for all who are told of it, and anew only when it has grown. [P26] */
export class HeadSigner {
  readonly #options: Pick<DoorOptions, 'identity' | 'dev'>;
  readonly #log: Log;
  #newest: SignedPart | undefined;
  readonly #lost = new Map<string, string>();

  constructor(options: Pick<DoorOptions, 'identity' | 'dev'>, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /** That the chain goes on over a place that is lost. Of many the newest are remembered: all readers come by them. */
  lost({ seq, prev, hash }: Gap): string {
    const text = lostText(this.#options.identity.key, this.#log.store.log, { seq, prev, hash });
    const sig = this.#lost.get(text) ?? this.#options.identity.sign(text);
    if (this.#lost.size >= maxLost) this.#lost.clear();
    this.#lost.set(text, sig);
    return sig;
  }

  get head(): SignedPart {
    if (this.#newest?.head !== this.#log.head) this.#newest = this.#sign();
    return this.#newest;
  }

  #sign(): SignedPart {
    const { identity, dev: run } = this.#options;
    const { log, head, headHash } = this.#log.store;
    const sig = identity.sign(headProof(identity.key, { log, run, seq: head, hash: headHash }));
    return { head, ...(headHash !== emptyHash && { headHash }), sig };
  }
}
