import type { LinkEvent } from '../transport/link.ts';

const refusedMs = 1_000;
const noChatMs = 5_000;

/**
 * ZeroMQ hides why nobody answers: connecting "succeeds" and is tried again for ever. This reads the reason
 * from the events of the link, until the first time online, and says each reason once.
 */
export class Trouble {
  readonly #host: string;
  readonly #port: number;
  /** When each of these happened first; an open connection counts until it is refused or shakes hands. */
  readonly #atMs = new Map<LinkEvent['type'], number>();
  readonly #told = new Set<string>();
  reason: string | undefined;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  note({ type }: Pick<LinkEvent, 'type'>, nowMs: number): void {
    if (type === 'refused' || type === 'connected') this.#atMs.delete('opened');
    if (!this.#atMs.has(type)) this.#atMs.set(type, nowMs);
  }

  /** The reason, when there is a new one to tell. */
  diagnose(nowMs: number): { code: string; message: string } | undefined {
    const lasts = (type: LinkEvent['type'], ms: number) => nowMs - (this.#atMs.get(type) ?? nowMs + 1) >= ms;
    if (lasts('mismatch', 0) || lasts('opened', noChatMs))
      return this.#tell('NOT_A_CHAT', `something answers on port ${this.#port}, but it is not a chat server`, '.');
    if (lasts('refused', refusedMs) && !this.#atMs.has('opened'))
      return this.#tell('NOBODY_LISTENING', `nobody is listening on ${this.#host}:${this.#port}`, ' yet; trying again');
    return undefined;
  }

  #tell(code: string, reason: string, more: string) {
    this.reason = `${reason}.`;
    if (this.#told.has(code)) return undefined;
    this.#told.add(code);
    return { code, message: reason + more };
  }
}
