/** One conversation's events in their one order: no gap, no repeat, whatever order they arrive in. No I/O. */

import { asEvent, isDurable, type DurableFrame, type MessageNewFrame, type SyncEntry, type WireMessage } from './protocol';

/** Events beyond a gap are held up to this many; what comes after is left to the sync that heals the gap. */
const MOST_HELD = 500;

/** A message in its place: its event, wherever that came from. */
export type Entry = Omit<MessageNewFrame, 'type' | 'timestamp' | 'conversationId' | 'status'>;

export class Timeline {
  /** Every durable event up to and with this seq has been applied. Null until a first sync says where we begin. */
  cursor: number | null = null;
  /** The oldest seq from which on nothing is missing. */
  floor = 1;
  /** Whether there is something older than the floor. */
  hasOlder = false;
  /** Ascending by seq. Never changed in place: its identity tells whether it changed. */
  messages: readonly Entry[] = [];
  private held = new Map<number, DurableFrame>();

  /** Whether events wait behind one that has not come. */
  get hasGap(): boolean {
    return this.held.size > 0;
  }

  /** Takes an event in; gives those that are now applied, in order: none for a repeat or behind a gap. */
  offer(event: DurableFrame): DurableFrame[] {
    if (this.held.size < MOST_HELD) this.held.set(event.seq, event);
    return this.drain();
  }

  /** Takes a sync's answer in, which has all events up to its `lastSeq`; gives those newly applied, in order. */
  merge(entry: SyncEntry): DurableFrame[] {
    const events = entry.events.filter(isDurable).sort((a, b) => a.seq - b.seq);
    const first = entry.firstSeq ?? events[0]?.seq ?? entry.lastSeq + 1;
    // Begins later than we ended: what lies between is no longer ours to see (hidden), or only pages have it.
    if (this.cursor === null || (events.length > 0 && first > this.cursor + 1)) this.beginAt(first);
    const applied = events.filter((event) => event.seq > (this.cursor ?? 0));
    this.append(applied);
    this.cursor = Math.max(this.cursor ?? 0, entry.lastSeq);
    return [...applied, ...this.drain()];
  }

  /** Puts an older page before the floor. */
  prepend(page: readonly WireMessage[], hasMore: boolean): void {
    const older = page.filter((message) => message.seq < this.floor).sort((a, b) => a.seq - b.seq);
    this.messages = [...older.map((message) => asEvent(message, message.clientId ?? null)), ...this.messages];
    this.floor = older[0]?.seq ?? this.floor;
    this.hasOlder = hasMore;
  }

  private beginAt(seq: number): void {
    this.messages = [];
    this.floor = seq;
    this.cursor = seq - 1;
    this.hasOlder = seq > 1;
  }

  private drain(): DurableFrame[] {
    if (this.cursor === null) return [];
    for (const seq of this.held.keys()) if (seq <= this.cursor) this.held.delete(seq);
    const applied: DurableFrame[] = [];
    for (let next = this.held.get(this.cursor + 1); next; next = this.held.get(this.cursor + 1)) {
      this.held.delete(next.seq);
      this.cursor = next.seq;
      applied.push(next);
    }
    this.append(applied);
    return applied;
  }

  private append(events: readonly DurableFrame[]): void {
    const added = events.filter((event): event is MessageNewFrame => event.type === 'message.new');
    if (added.length > 0) this.messages = [...this.messages, ...added];
  }
}
