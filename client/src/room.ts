/** What this device knows of one conversation: its description, its order, its messages, who read how far. No I/O. */

import { Answers } from './answers';
import { apply, type State } from './durable';
import { withChange } from './durable/changed';
import { entryOf, Messages, saidIn, type Entry } from './messages';
import { Order } from './order';
import { Pointers } from './pointers';
import type { Conversation, ConversationChangedFrame, ConversationExpiredFrame, ConversationMarkedFrame, DurableFrame, MessageDeletedFrame, MessageNewFrame, SyncEntry, WireMessage } from './protocol';
import { doesMention, mentionsIn, unreadIn, wasCounted } from './unread';

/** Changes of a description that a list asked for before them may lack. */
const MOST_CHANGES = 100;

/** A page of history and how far its snapshot was. */
export interface Page {
  messages: readonly WireMessage[];
  hasMore: boolean;
  asOfSeq: number;
}

export class Room implements State {
  /** As the list gives it, and as changed since; null for a conversation that is so far known by its events alone. */
  meta: Conversation | null = null;
  readonly messages = new Messages();
  readonly order = new Order(() => this.beginAnew());
  readonly pointers = new Pointers();
  readonly answers = new Answers();
  /** The user's own read pointer, on whichever device it moved. */
  readSeq = 0;
  /** How often the order began anew: a page asked for before fits nowhere. */
  begun = 0;
  /** The server's counts of unread messages, which include everything up to `upTo`, less what was deleted since. */
  counted = { unread: 0, mentions: 0, upTo: 0 };
  private changes: ConversationChangedFrame[] = [];

  constructor(
    readonly id: string,
    readonly userId: string,
  ) {}

  /** All of the others; none where not all are named: then only what holds for all of them together is of use. */
  get others(): string[] {
    const { participants = [], participantCount = 0 } = this.meta ?? {};
    if (participantCount > participants.length) return [];
    return participants.filter(({ id }) => id !== this.userId).map(({ id }) => id);
  }

  /** Has something to show, but nobody has said whose conversation it is. */
  get isUndescribed(): boolean {
    return this.meta === null && this.messages.list.length > 0;
  }

  get lastSeq(): number {
    return Math.max(this.order.cursor ?? 0, this.meta?.lastSeq ?? 0);
  }

  describe(meta: Conversation): void {
    this.changes = this.changes.filter(({ seq }) => seq > meta.lastSeq);
    this.meta = this.changes.reduce((now, event) => withChange(now, event, this.userId), meta);
    this.readUpTo(meta.readSeq);
    this.count(meta.unreadCount, meta.mentionCount, meta.lastSeq);
  }

  /** As of now: a later message, or reading further, ends a mark as it does at the server. */
  mark(marks: Pick<ConversationMarkedFrame, 'isArchived' | 'isPinned' | 'isMarkedUnread'>): void {
    const { isArchived, isPinned, isMarkedUnread } = marks;
    if (this.meta) this.meta = { ...this.meta, isArchived, isPinned, isMarkedUnread, lastSeq: this.lastSeq, readSeq: this.readSeq };
  }

  get marks(): { isArchived: boolean; isPinned: boolean; isMarkedUnread: boolean } {
    const { isArchived, isPinned, isMarkedUnread, mutedUntil, lastSeq = 0, readSeq = 0 } = this.meta ?? {};
    const last = this.messages.list.at(-1);
    const isBack = last !== undefined && last.seq > lastSeq && !(mutedUntil && last.createdAt <= mutedUntil);
    return { isArchived: !!isArchived && !isBack, isPinned: !!isPinned, isMarkedUnread: !!isMarkedUnread && this.readSeq <= readSeq };
  }

  change(event: ConversationChangedFrame): void {
    this.changes = [...this.changes.slice(1 - MOST_CHANGES), event];
    if (this.meta && event.seq > this.meta.lastSeq) this.meta = withChange(this.meta, event, this.userId);
  }

  offer(event: DurableFrame): DurableFrame[] {
    return this.settle(this.order.offer(event));
  }

  merge(entry: SyncEntry): DurableFrame[] {
    this.pointers.merge(entry);
    this.readUpTo(entry.readSeq);
    const applied = this.settle(this.order.merge(entry));
    this.count(entry.unreadCount, entry.mentionCount, entry.lastSeq);
    for (const id of entry.hidden ?? []) this.messages.remove(id);
    return applied;
  }

  /** Puts an older page before the floor. */
  prepend(page: Page): void {
    const older = page.messages.filter(({ seq }) => seq < this.order.floor).sort((a, b) => a.seq - b.seq);
    this.messages.prepend(this.entries(older, page.asOfSeq));
    this.order.lower(older[0]?.seq, page.hasMore);
    this.learn(page);
  }

  /** Takes in messages of any place; those that fit nowhere lie apart. */
  put(page: Page): void {
    for (const entry of this.entries(page.messages, page.asOfSeq)) this.messages.put(entry);
    this.learn(page);
  }

  private beginAnew(): void {
    this.begun++;
    this.messages.clear();
  }

  readUpTo(seq: number): void {
    this.readSeq = Math.max(this.readSeq, seq);
  }

  unread(): number {
    return unreadIn(this);
  }

  mentions(): number {
    return mentionsIn(this);
  }

  /** The server erased what had ended by its clock. */
  expire({ timestamp, unreadCount, mentionCount, asOfSeq }: ConversationExpiredFrame): void {
    this.messages.expire(Date.parse(timestamp));
    this.count(unreadCount, mentionCount, asOfSeq);
  }

  /**
   * Whether a receipt up to `seq` may have completed the others, which this device cannot know: what each of a group's
   * members had before we connected is known only of all together.
   */
  mayHaveCompleted(kind: 'delivered' | 'read', seq: number): boolean {
    const { others } = this;
    if (others.length < 2) return false;
    const known = this.pointers.upTo(kind, others);
    return this.messages.list.some((entry) => entry.senderId === this.userId && entry.seq > known && entry.seq <= seq);
  }

  /** Whether a message lies above `after`, up to `upTo`: other events are nobody's receipt. Below the floor, maybe. */
  hasMessageIn(after: number, upTo: number): boolean {
    const { messages: { list }, order: { floor } } = this;
    for (let at = list.length - 1; at >= 0 && list[at]!.seq > after; at--) if (list[at]!.seq <= upTo) return true;
    return floor > after + 1;
  }

  /** What came while the page was under way is applied to what it brought. */
  private learn({ messages }: Page): void {
    for (const event of this.answers.since() ?? []) apply(this, event);
    for (const message of messages) if (message.senderId === this.userId) this.pointers.learn(message);
  }

  private entries(page: readonly WireMessage[], asOfSeq: number): Entry[] {
    return page.filter(({ hidden }) => !hidden).map((message) => entryOf(saidIn(message), asOfSeq));
  }

  private count(unread: number, mentions = 0, upTo: number): void {
    if (upTo >= this.counted.upTo) this.counted = { unread, mentions, upTo };
  }

  private uncount({ messageId }: MessageDeletedFrame): void {
    const entry = this.messages.find(messageId);
    this.counted.unread--;
    if (entry && this.counted.mentions > 0 && doesMention(entry, this.userId)) this.counted.mentions--;
  }

  private settle(given: DurableFrame[]): DurableFrame[] {
    for (const event of given) {
      if (event.type === 'message.deleted' && wasCounted(this, event as MessageDeletedFrame)) this.uncount(event as MessageDeletedFrame);
      if (!apply(this, event)) this.answers.keep(event);
      if (event.type === 'message.new') this.readBySending(event as MessageNewFrame);
    }
    return given;
  }

  /** Sending moves the sender's read pointer, as the server counts it. */
  private readBySending({ senderId, seq }: MessageNewFrame): void {
    if (senderId === this.userId) this.readUpTo(seq);
    else this.pointers.advance('read', senderId, seq);
  }
}
