import type { Message, MessageId } from '../../protocol/frames.ts';
import { formatId, signedHash } from '../../protocol/signed.ts';
import type { ChatEvent, WhyWithdrawn } from '../events.ts';
import { idOf } from '../log/ordered.ts';
import type { Pending } from '../log/store.ts';
import type { Member } from '../member/member.ts';
import { authorOf, isShown, messageEvent } from '../narrate.ts';
import type { Now } from '../turn.ts';
import { giveUp } from './giving-up.ts';

/** What an entry means for a line that was shown before it had a place; `isShown`: the entry itself is no news. */
type Placing = { events: ChatEvent[]; isShown: boolean };

/**
 * What was shown before it had a place in the log.
 *
 *   G6 only what is on disk is shown; G8 what an earlier run has kept was shown by that; G9 a line is shown once, and in the
 *   end it has its place, or is withdrawn.
 */
export class Provisional {
  readonly #member: Member;
  readonly #shown = new Set<string>();
  /** What others have said and was given out here, and has not left the program: with the number of its event. */
  #leaving: { place: number; message: Pending }[] = [];
  /** By id, the devices near that have an own message on their disks. */
  readonly #kept = new Map<string, Set<string>>();
  /** An earlier run has kept something that it has not shown. */
  #hasLeft: boolean;

  /** @param pending what was on disk at the start: of others', what is there was shown */
  constructor(member: Member, pending: readonly Pending[]) {
    this.#member = member;
    const { dev, former = [], finalOnly } = member.options;
    this.#hasLeft = pending.some(({ unshown }) => unshown);
    const isNear = ({ id, at, unshown }: Pending) =>
      at === undefined && !unshown && id?.dev !== dev && !former.includes(id?.dev ?? '');
    if (!finalOnly) for (const message of pending.filter(isNear)) this.#shown.add(idOf(message));
  }

  /** On how many disks of others an own message is, as far as known. */
  copiesOf(message: Message): number {
    return this.#kept.get(idOf(message))?.size ?? 0;
  }

  /** Own words that others have and the room has not: how many, and on how many disks each of them is at least. */
  get shared(): { count: number; copies: number } | undefined {
    const copies = this.#member.courier.outbox.own
      .map((message) => this.copiesOf(message))
      .filter((count) => count > 0);
    return copies.length > 0 ? { count: copies.length, copies: Math.min(...copies) } : undefined;
  }

  has(message: Message): boolean {
    return this.#shown.has(idOf(message));
  }

  keptBy(message: Message, dev: string): void {
    const id = idOf(message);
    this.#kept.set(id, (this.#kept.get(id) ?? new Set()).add(dev));
  }

  /** It is on disk here; shown at most once. */
  show(message: Pending): void {
    const { options, courier, copy } = this.#member;
    const { dev = '', n = 0 } = message.id ?? {};
    // What a log has had was shown with its place.
    if (options.finalOnly || this.has(message) || n <= copy.buffer.seen(dev)) return;
    this.#shown.add(idOf(message));
    const event = messageEvent(message, message.id?.dev === courier.dev);
    const place = isShown(message) ? this.#member.showOnce({ ...event, provisional: true } as ChatEvent) : 0;
    if (message.unshown) this.#leaving.push({ place, message });
  }

  /** All events up to this one have left the program: a later run need not show them. */
  left(place: number): void {
    const end = this.#leaving.findIndex((one) => one.place > place);
    const left = this.#leaving.splice(0, end === -1 ? this.#leaving.length : end);
    const { courier, copy } = this.#member;
    const still = left.filter(({ message }) => message.id && courier.outbox.find(message.id));
    copy.buffer.keep(still.map(({ message: { unshown: _, ...message } }) => message));
  }

  /** What an earlier run has kept, and not shown, is shown. */
  showLeft(): void {
    if (!this.#hasLeft) return;
    this.#hasLeft = false;
    for (const message of this.#member.courier.outbox.near as Pending[]) if (message.unshown) this.show(message);
  }

  /** Own words of which others have a copy are said, if the server is not there to say so. */
  showKept(): void {
    if (this.#kept.size === 0) return;
    for (const message of this.#member.courier.outbox.own) if (this.copiesOf(message) > 0) this.show(message);
  }

  /** The log has this entry; MUST be asked before what waits for it is dropped. */
  place(entry: Message): Placing {
    const { id } = entry;
    if (!id || !this.#forget(id)) return { events: [], isShown: false };
    const waiting = this.#member.courier.outbox.find(id);
    if (entry.void) return { events: [withdrawn(id, 'refused', waiting)], isShown: true };
    const isOther = waiting && this.#hashOf(waiting) !== this.#hashOf(entry);
    if (isOther) return { events: [withdrawn(id, 'replaced', waiting)], isShown: false };
    const hidden = !isShown(entry);
    return { events: hidden ? [] : [{ type: 'placed', id: formatId(id), ...seqOf(entry) }], isShown: true };
  }

  /** These are in the log, or will never be: what comes behind them is there. */
  passed(messages: readonly Message[], isLost: (message: Message) => boolean): ChatEvent[] {
    return messages.flatMap((message): ChatEvent[] => {
      if (!message.id || !this.#forget(message.id) || !isShown(message)) return [];
      return [isLost(message) ? withdrawn(message.id, 'lost', message) : { type: 'placed', id: formatId(message.id) }];
    });
  }

  /** What can never follow waits no longer. */
  giveUp(now: Now): void {
    for (const message of giveUp(this.#member, now))
      if (message.id && this.#forget(message.id) && isShown(message))
        this.#member.show(withdrawn(message.id, 'waited', message));
  }

  #forget(id: MessageId): boolean {
    this.#kept.delete(formatId(id));
    return this.#shown.delete(formatId(id));
  }

  #hashOf(message: Message): string {
    const { options, room = '' } = this.#member;
    return signedHash(options.crypto, room, message);
  }
}

const seqOf = ({ seq }: Message) => (seq === undefined ? {} : { seq });
/** With the words, which may have been shown by an earlier run. */
const withdrawn = (id: MessageId, reason: WhyWithdrawn, said?: Message): ChatEvent => ({
  type: 'withdrawn',
  id: formatId(id),
  reason,
  ...(said && { from: authorOf(said), text: said.text }),
});
