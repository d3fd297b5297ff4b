import type { Message, MessageId } from '../../protocol/frames.ts';
import { dayMs, heldDays } from '../limits.ts';
import type { Member } from '../member/member.ts';
import type { Now } from '../turn.ts';

/**
 * What members near have said may follow what nobody has any more: its author is lost, and what lies before it has reached
 * nobody. It waits as long as a room keeps its log, and is given up then, with all that its device has said behind it. [P58]
 *
 * The room's own answers count, one for each day on which this member was there. No author's clock counts, and the one of this
 * machine may be set back and forth as it likes: a day counts once.
 */
export function giveUp(member: Member, { wallMs }: Now): Message[] {
  const { copy, courier, isLive } = member;
  const { outbox, sender } = courier;
  const holes = isLive ? sender.holes.filter((hole) => isOpen(member, hole) && outbox.hasNearOf(hole.dev)) : [];
  for (const hole of holes) count(member, hole, Math.floor(wallMs / dayMs));
  const over = new Set(holes.filter((hole) => isGivenUp(member, hole)).map(({ dev }) => dev));
  if (over.size === 0) return [];
  const gone = new Set(outbox.near.filter(({ id }) => id && over.has(id.dev) && isGivenUp(member, id)));
  copy.buffer.forget([...gone]);
  return outbox.remove((message) => gone.has(message));
}

/** It is not taken from anybody near either, until what lies before it is here, or in the log. */
export function isGivenUp(member: Member, { dev, n }: MessageId): boolean {
  const { hole } = member.copy.buffer.draft.mark(dev) ?? {};
  return hole !== undefined && hole.days > heldDays && n >= hole.n && isOpen(member, { dev, n: hole.n });
}

/** There is one hole of a device, the lowest that was met. Who had a clock far ahead goes on from the day that it is now. */
function count({ copy }: Member, { dev, n }: MessageId, day: number): void {
  const { draft } = copy.buffer;
  const { hole: known } = draft.mark(dev) ?? {};
  const hole = known && known.n <= n ? known : { n, day, days: 1 };
  const isLater = day > hole.day;
  if (hole === known && !isLater && day >= hole.day - heldDays) return;
  draft.lacks(dev, { ...hole, day, days: hole.days + (isLater ? 1 : 0) });
}

/** What lies before it does not wait here. */
const isOpen = ({ courier }: Member, { dev, n }: MessageId): boolean => !courier.outbox.find({ dev, n: n - 1 });
