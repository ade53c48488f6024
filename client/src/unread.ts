/** How many messages of others a person has not read. Counted from what is here, or from the server's count. No I/O. */

import type { Entry } from './messages';
import type { MessageDeletedFrame } from './protocol';
import type { Room } from './room';

/** Exact where all unread messages are here; else the server's last count and what came since. */
export function unreadIn(room: Room): number {
  return countIn(room, room.counted.unread, () => true);
}

/** Of the unread ones those that mention this user. */
export function mentionsIn(room: Room): number {
  return countIn(room, room.counted.mentions, (entry) => doesMention(entry, room.userId));
}

export function doesMention({ mentions }: Entry, userId: string): boolean {
  return mentions === 'all' || mentions.includes(userId);
}

/** Before the event is applied: whether the server counted a message that counts no longer. */
export function wasCounted({ counted: { unread, upTo }, messages, readSeq, userId }: Room, event: MessageDeletedFrame): boolean {
  const { seq, messageId, messageSeq, deletedBy } = event;
  const entry = messages.find(messageId);
  const isOthers = (entry?.senderId ?? deletedBy) !== userId && !entry?.deletedAt;
  return unread > 0 && isOthers && seq > upTo && messageSeq <= upTo && messageSeq > readSeq;
}

function countIn(room: Room, counted: number, counts: (entry: Entry) => boolean): number {
  const { readSeq, lastSeq, order: { cursor, floor, hasOlder } } = room;
  if (readSeq >= lastSeq) return 0;
  const isComplete = cursor !== null && (floor <= readSeq + 1 || !hasOlder);
  return isComplete ? othersAfter(room, readSeq, counts) : counted + othersAfter(room, room.counted.upTo, counts);
}

function othersAfter({ messages, userId }: Room, seq: number, counts: (entry: Entry) => boolean): number {
  const isUnread = (entry: Entry): boolean => entry.seq > seq && entry.senderId !== userId && !entry.deletedAt && counts(entry);
  let count = 0;
  for (let at = messages.list.length - 1; at >= 0 && messages.list[at]!.seq > seq; at--) if (isUnread(messages.list[at]!)) count++;
  return count;
}
