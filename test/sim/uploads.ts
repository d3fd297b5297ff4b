import type { Change, Store } from '../../src/core/log/store.ts';
import type { Send } from '../../src/core/turn.ts';
import { decode } from '../../src/protocol/codec.ts';
import type { Message, Received, Welcome } from '../../src/protocol/frames.ts';
import { formatId, sessionInfo, sessionSalt, welcomeProof } from '../../src/protocol/signed.ts';
import { crypto, identityOf, signature } from './sides.ts';
import { Violation } from './violation.ts';

/** What arrived over a connection since its newest proof: how many uploads without a gap, and which messages in them. */
type Line = { taken: number; ids: string[]; dev?: string | undefined; sessionKey?: string | undefined };

/** Watches what crosses each connection: P7, P14, P35. */
export class Uploads {
  readonly #lines = new Map<string, Line>();
  /** By connection and the nonce of the join. */
  readonly #nonces = new Map<string, string>();
  /** Those of the joins of a connection that were not welcomed yet. */
  readonly #cns = new Map<string, Set<string>>();
  /** Ids that came behind an upload that is missing, and those that came in order, over any connection. */
  readonly #early = new Set<string>();
  readonly #inOrder = new Set<string>();
  /** Over which connections an id came, and which of them are in a change. */
  readonly #bearers = new Map<string, Set<string>>();
  readonly #decided = new Set<string>();
  /** Ids of what its author called the first that it sends. */
  readonly #firsts = new Set<string>();
  readonly #proofs = new Set<string>();

  next(from: string): number {
    return (this.#lines.get(from)?.taken ?? 0) + 1;
  }

  arrived(from: string, frame: Received): void {
    if (frame.kind === 'join' && frame.proof && !this.#proofs.has(frame.proof)) {
      this.#proofs.add(frame.proof);
      const { key = '', dev, cn = '' } = frame;
      const salt = sessionSalt(this.#nonces.get(`${from} ${cn}`) ?? '', cn);
      this.#lines.set(from, {
        taken: 0,
        ids: [],
        dev,
        sessionKey: identityOf(key).sessionKey('room', salt, sessionInfo('room', frame)),
      });
      if (frame.cn && frame.proof !== 'guessed') this.#cns.set(from, (this.#cns.get(from) ?? new Set()).add(frame.cn));
    }
    if (frame.kind !== 'upload' || !frame.seal) return;
    const line: Line = this.#lines.get(from) ?? { taken: 0, ids: [] };
    const { sessionKey } = line;
    // What somebody on the way made up, or says again from another session, is nobody's.
    if (sessionKey && crypto.mac(sessionKey, frame.seal.text) !== frame.seal.mac) return;
    const isNext = frame.k === line.taken + 1;
    if (isNext) line.taken = frame.k;
    for (const { id, first } of frame.messages) {
      if (!id) continue;
      const name = formatId(id);
      if (first) this.#firsts.add(name);
      if (isNext) line.ids.push(name);
      if (isNext) this.#inOrder.add(name);
      else if (frame.k > line.taken) this.#early.add(name);
      this.#bearers.set(name, (this.#bearers.get(name) ?? new Set()).add(from));
    }
  }

  /** What was taken before is not in the log any more. */
  rolledBack(): void {
    this.#decided.clear();
    this.#bearers.clear();
  }

  /** P14: behind an upload that is missing nothing is taken. */
  decided({ entries = [] }: Change, server: Store): void {
    const last = new Map<string, number>();
    for (const { message } of entries) {
      if (!message?.id) continue;
      const { dev, n } = message.id;
      this.#checkFollows(message, last.get(dev) ?? server.mark(dev)?.n ?? 0);
      last.set(dev, n);
      const id = formatId(message.id);
      if (this.#early.has(id) && !this.#inOrder.has(id))
        throw new Violation('P14', `${id} was taken, and an upload before it is missing`);
      this.#decided.add(id);
    }
  }

  /** P17, P35: it follows what the room has of its author, or what that had seen in a log, or its author says that it is the first. */
  #checkFollows({ id, in: seen = 0 }: Message, last: number): void {
    if (id && id.n > Math.max(last, seen) + 1 && !this.#firsts.has(formatId(id)))
      throw new Violation('P17', `${formatId(id)} was taken behind ${last}`);
  }

  answered({ to: [to = ''], data }: Send): void {
    if (data.startsWith('{"auth":0') && !to.startsWith('old')) throw new Violation('P14', `${to} did not leave`);
    if (!/^{"(hole|v)"/.test(data)) return;
    const frame = decode(Buffer.from(data));
    if (frame.kind === 'challenge') this.#nonces.set(`${to} ${frame.cn}`, frame.nonce);
    if (frame.kind === 'hole') this.#held(to, formatId(frame.id));
  }

  /** P35: what came of others behind a hole over one connection, and over no other, is not taken. */
  #held(from: string, hole: string): void {
    const { ids, dev: own }: Line = this.#lines.get(from) ?? { taken: 0, ids: [] };
    const devices = [own, hole.split('.')[0]];
    for (const id of ids.slice(ids.lastIndexOf(hole) + 1))
      if (!devices.includes(id.split('.')[0]) && this.#decided.has(id) && this.#bearers.get(id)?.size === 1)
        throw new Violation('P35', `${id} was taken behind ${hole}`);
  }

  /** P7: one proof opens one session, and nobody's but who made it. */
  welcomed(to: string, welcome: Welcome): void {
    const cns: Set<string> = this.#cns.get(to) ?? new Set();
    const cn = [...cns].find((one) => welcome.sig === signature('room', welcomeProof(one, 'room', welcome)));
    if (cn === undefined) throw new Violation('P7', `${to} is welcomed for no proof of its own`);
    cns.delete(cn);
  }
}
