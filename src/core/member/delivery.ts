import { encode, seal } from '../../protocol/codec.ts';
import type { Challenge, Join, Leave, Message, Upload } from '../../protocol/frames.ts';
import { type Crypto, type Identity, joinProof, sessionInfo, sessionSalt } from '../../protocol/signed.ts';
import type { Flow } from '../limits.ts';
import { type Effects, theLink } from '../turn.ts';

type DeliveryOptions = { crypto: Crypto; identity: Identity };

/** What goes to the room in a member's name: sealed with the key of the newest proof, and counted since that. [P14] */
export class Delivery {
  readonly #effects: Effects;
  readonly #options: DeliveryOptions;
  readonly #flow: Flow;
  #key = '';
  #count = 0;

  constructor(effects: Effects, options: DeliveryOptions, flow: Flow) {
    this.#effects = effects;
    this.#flow = flow;
    this.#options = options;
  }

  /** Answers the room, unless it has a key that is nobody's: what follows is sealed anew. Returns true if it has. */
  prove({ nonce, room, cn }: Challenge, join: Join): boolean {
    const { identity } = this.#options;
    const key = identity.sessionKey(room, sessionSalt(nonce, cn), sessionInfo(room, join));
    if (key === undefined) return false;
    this.#key = key;
    this.#count = 0;
    this.#effects.send(theLink, { ...join, proof: identity.sign(joinProof(nonce, room, join)) });
    return true;
  }

  upload(messages: readonly Message[]): void {
    for (const bundle of bundles(messages, this.#flow))
      this.#send({ kind: 'upload', k: ++this.#count, messages: bundle });
  }

  sayAway(away: string | false): void {
    this.#send({ kind: 'upload', k: ++this.#count, messages: [], away });
  }

  leave(name: string): void {
    this.#send({ kind: 'leave', name });
  }

  #send(frame: Upload | Leave): void {
    const data = seal(frame, (text) => this.#options.crypto.mac(this.#key, text));
    this.#effects.push({ type: 'send', to: [theLink], data });
  }
}

/** In their order, as many in each as fit. */
function bundles(messages: readonly Message[], { batchEntries, batchBytes }: Flow): Message[][] {
  const bundles: Message[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const more = Buffer.byteLength(encode(message)) + 1;
    bytes += more;
    const last = bundles.at(-1);
    if (last && bytes <= batchBytes && last.length < batchEntries) last.push(message);
    else {
      bundles.push([message]);
      bytes = more;
    }
  }
  return bundles;
}
