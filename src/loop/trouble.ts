import type { LinkEvent } from '../transport/link.ts';

const refusedMs = 1_000;
const noChatMs = 5_000;

/**
 * ZeroMQ hides why nobody answers: connecting "succeeds" and is tried again for ever. This reads the reason
 * from the events of the link, until the first time online, and says each reason once.
 */
export class Trouble {
  readonly #where: string;
  readonly #port: number;
  #refusedAtMs: number | undefined;
  #openedAtMs: number | undefined;
  #mismatch = false;
  #told = new Set<string>();
  /** The newest reason, in words. */
  reason: string | undefined;

  /** @param host what the person wrote as `--ip` */
  constructor(host: string, port: number) {
    this.#where = `${host}:${port}`;
    this.#port = port;
  }

  note({ type }: Pick<LinkEvent, 'type'>, nowMs: number): void {
    if (type === 'refused') {
      this.#refusedAtMs ??= nowMs;
      this.#openedAtMs = undefined;
    }
    if (type === 'opened') this.#openedAtMs ??= nowMs;
    if (type === 'connected') this.#openedAtMs = undefined;
    if (type === 'mismatch') this.#mismatch = true;
  }

  /** The reason, when there is a new one to tell. */
  diagnose(nowMs: number): { code: string; message: string } | undefined {
    if (this.#mismatch || (this.#openedAtMs !== undefined && nowMs - this.#openedAtMs >= noChatMs))
      return this.#tell('NOT_A_CHAT', `something answers on port ${this.#port}, but it is not a chat server.`);
    if (this.#openedAtMs === undefined && this.#refusedAtMs !== undefined && nowMs - this.#refusedAtMs >= refusedMs)
      return this.#tell('NOBODY_LISTENING', `nobody is listening on ${this.#where} yet; trying again`);
    return undefined;
  }

  #tell(code: string, message: string) {
    this.reason = `${message.replace(/ yet; trying again$/, '').replace(/\.$/, '')}.`;
    if (this.#told.has(code)) return undefined;
    this.#told.add(code);
    return { code, message };
  }
}
