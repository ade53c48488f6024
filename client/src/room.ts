/** What this device knows of one conversation: its description, its order, who read how far, what is unread. No I/O. */

import { Pointers } from './pointers';
import type { Conversation, DurableFrame, MessageNewFrame, SyncEntry, WireMessage } from './protocol';
import { Timeline } from './timeline';

export class Room {
  /** As the list gives it; null for a conversation that is so far known by its events alone. */
  meta: Conversation | null = null;
  timeline = new Timeline();
  readonly pointers = new Pointers();
  /** The user's own read pointer, on whichever device it moved. */
  readSeq = 0;
  /** The server's count of unread messages, which includes everything up to `upTo`. */
  private counted = { unread: 0, upTo: 0 };

  constructor(
    readonly id: string,
    private readonly userId: string,
  ) {}

  /** All of the others; none where not all are named: then only what holds for all of them together is of use. */
  get others(): string[] {
    const { participants = [], participantCount = 0 } = this.meta ?? {};
    if (participantCount > participants.length) return [];
    return participants.filter(({ id }) => id !== this.userId).map(({ id }) => id);
  }

  /** Has something to show, but nobody has said whose conversation it is. */
  get isUndescribed(): boolean {
    return this.meta === null && this.timeline.messages.length > 0;
  }

  get lastSeq(): number {
    return Math.max(this.timeline.cursor ?? 0, this.meta?.lastSeq ?? 0);
  }

  describe(meta: Conversation): void {
    this.meta = meta;
    this.readUpTo(meta.readSeq);
    this.count(meta.unreadCount, meta.lastSeq);
  }

  offer(event: DurableFrame): DurableFrame[] {
    return this.settle(this.timeline.offer(event));
  }

  merge(entry: SyncEntry): DurableFrame[] {
    this.pointers.merge(entry);
    this.readUpTo(entry.readSeq);
    this.count(entry.unreadCount, entry.lastSeq);
    return this.settle(this.timeline.merge(entry));
  }

  prepend(page: readonly WireMessage[], hasMore: boolean): void {
    this.timeline.prepend(page, hasMore);
    for (const message of page) if (message.senderId === this.userId) this.pointers.learn(message);
  }

  readUpTo(seq: number): void {
    this.readSeq = Math.max(this.readSeq, seq);
  }

  /** Exact where all unread messages are here; else the server's last count and what came since. */
  unread(): number {
    if (this.readSeq >= this.lastSeq) return 0;
    const { cursor, floor } = this.timeline;
    const complete = cursor !== null && floor <= this.readSeq + 1;
    return complete ? this.othersAfter(this.readSeq) : this.counted.unread + this.othersAfter(this.counted.upTo);
  }

  /**
   * Whether a receipt up to `seq` may have completed the others, which this device cannot know: what each of a group's
   * members had before we connected is known only of all together.
   */
  mayHaveCompleted(kind: 'delivered' | 'read', seq: number): boolean {
    const { others } = this;
    if (others.length < 2) return false;
    const known = this.pointers.upTo(kind, others);
    return this.timeline.messages.some((entry) => entry.senderId === this.userId && entry.seq > known && entry.seq <= seq);
  }

  /** Whether a message lies above `after`, up to `upTo`: other events are nobody's receipt. Below the floor, maybe. */
  hasMessageIn(after: number, upTo: number): boolean {
    const { messages, floor } = this.timeline;
    for (let at = messages.length - 1; at >= 0 && messages[at]!.seq > after; at--) if (messages[at]!.seq <= upTo) return true;
    return floor > after + 1;
  }

  private othersAfter(seq: number): number {
    const { messages } = this.timeline;
    let count = 0;
    for (let at = messages.length - 1; at >= 0; at--) {
      const message = messages[at]!;
      if (message.seq <= seq) break;
      if (message.senderId !== this.userId) count++;
    }
    return count;
  }

  private count(unread: number, upTo: number): void {
    if (upTo >= this.counted.upTo) this.counted = { unread, upTo };
  }

  private settle(applied: DurableFrame[]): DurableFrame[] {
    for (const event of applied) {
      const { type, senderId } = event as MessageNewFrame;
      if (type !== 'message.new') continue;
      // Sending moves the sender's read pointer, as the server counts it.
      if (senderId === this.userId) this.readUpTo(event.seq);
      else this.pointers.advance('read', senderId, event.seq);
    }
    return applied;
  }
}
