/** How many messages of others a person has not read. Counted from what is here, or from the server's count. No I/O. */

import type { Entry } from './messages';
import type { MessageDeletedFrame } from './protocol';
import type { Room } from './room';

/** Exact where all unread messages are here; else the server's last count and what came since. */
export function unreadIn(room: Room): number {
  const { counted, readSeq, lastSeq, order: { cursor, floor, hasOlder } } = room;
  if (readSeq >= lastSeq) return 0;
  const isComplete = cursor !== null && (floor <= readSeq + 1 || !hasOlder);
  return isComplete ? othersAfter(room, readSeq) : counted.unread + othersAfter(room, counted.upTo);
}

/** Before the event is applied: whether the server counted a message that counts no longer. */
export function wasCounted({ counted: { unread, upTo }, messages, readSeq, userId }: Room, event: MessageDeletedFrame): boolean {
  const { seq, messageId, messageSeq, deletedBy } = event;
  const entry = messages.find(messageId);
  const isOthers = (entry?.senderId ?? deletedBy) !== userId && !entry?.deletedAt;
  return unread > 0 && isOthers && seq > upTo && messageSeq <= upTo && messageSeq > readSeq;
}

function othersAfter({ messages, userId }: Room, seq: number): number {
  const isUnread = (entry: Entry): boolean => entry.seq > seq && entry.senderId !== userId && !entry.deletedAt;
  let count = 0;
  for (let at = messages.list.length - 1; at >= 0 && messages.list[at]!.seq > seq; at--) if (isUnread(messages.list[at]!)) count++;
  return count;
}
