import type { Message } from '../../protocol/frames.ts';
import { safeName } from '../names.ts';
import { blankNotShown, isBlank, messageEvent, plainMessage, readGreeting, readSentence } from '../narrate.ts';
import type { Input, Now } from '../turn.ts';
import type { Member, Talk } from './member.ts';

/**
 * A member in a room of the original's server, which has no order to give and repeats nothing: what is sent counts as
 * accepted. It begins with the server's greeting and ends with the connection.
 *
 *   I9 the server is sent nothing but join, leave and messages.
 */
export class OriginalRoom implements Talk {
  readonly online = true;
  readonly isOpen = true;
  readonly hasLeft = true;
  readonly #member: Member;
  readonly #session: Talk;
  #isBlankTold = false;

  /** @param session takes over again when the connection is gone */
  constructor(member: Member, session: Talk, { name: server, text }: Message, now: Now) {
    this.#member = member;
    this.#session = session;
    const { naming, company, availability } = member;
    const { isResuming, lostAtMs } = availability;
    const was = naming.take();
    const online = readGreeting(text);
    company.goBy(naming.name);
    company.begin([], online);
    member.absences.begin({ members: [] });
    availability.goOnline({ server, online, legacy: true }, now);
    if (!isResuming && lostAtMs === undefined)
      member.show({ type: 'status', code: 'LEGACY_SERVER', message: whatItLacks });
    if (was !== undefined) member.show({ type: 'renamed', was, name: naming.name });
    member.courier.left.hold();
    member.askAboutLeft();
    if (!naming.isOpen) return;
    naming.settle();
    this.#showFixedName();
  }

  readonly isBusy = false;
  readonly work = undefined;

  get isFull(): boolean {
    return this.#member.unshown >= this.#member.flow.windowEntries;
  }

  take(input: Input, now: Now): Talk {
    if (input.type === 'frame' && input.frame.kind === 'message') this.#hear(input.frame);
    else if (input.type === 'named') this.#showFixedName();
    else if (input.type === 'away') this.#showNoAbsences();
    else if (input.type === 'disconnected') return this.#session.take(input, now);
    else if (input.type === 'leave') return this.#leave(now);
    return this;
  }

  upload(): void {
    for (const message of this.#member.courier.takePlain()) {
      this.#member.send(plainMessage(message));
      this.#member.show(messageEvent(message, true));
    }
  }

  /** Whatever a member sends is relayed: nothing else than its sentences is the server's own word. */
  #hear(message: Message): void {
    const said = { ...message, name: safeName(message.name) };
    if (isBlank(message)) return this.#passOver(said.name);
    this.#member.showOnce(readSentence(message, this.#member.availability.server) ?? messageEvent(said, false));
  }

  #passOver(name: string): void {
    if (!this.#isBlankTold) this.#member.show(blankNotShown(name));
    this.#isBlankTold = true;
  }

  #leave(now: Now): Talk {
    this.#member.send({ kind: 'leave', name: this.#member.naming.name });
    this.#session.take({ type: 'leave' }, now);
    return this.#session;
  }

  #showNoAbsences(): void {
    this.#member.show({ type: 'error', code: 'USAGE', message: noAbsences });
  }

  #showFixedName(): void {
    const message = 'This server cannot rename; leave and come back with --name.';
    this.#member.show({ type: 'error', code: 'NAME_REFUSED', message });
  }
}

const noAbsences = 'This server runs the original program, which knows nobody who is away: just say it.';
const whatItLacks = 'this server runs the original program: no receipts and nothing missed is sent again.';
