/** One conversation's events in their one order: no gap, no repeat, whatever order they arrive in. No I/O. */

import { isDurable, type DurableFrame, type SyncEntry } from './protocol';

/** Events beyond a gap are held up to this many; what comes after is left to the sync that heals the gap. */
const MOST_HELD = 500;

export class Order {
  /** Every durable event up to and with this seq has been given out. Null until a first sync says where we begin. */
  cursor: number | null = null;
  /** The oldest seq from which on nothing is missing. */
  floor = 1;
  /** Whether there is something older than the floor. */
  hasOlder = false;
  private held = new Map<number, DurableFrame>();

  /** `onBegin`: what is here of before the floor belongs to no order any more. */
  constructor(private readonly onBegin: () => void) {}

  /** Whether events wait behind one that has not come. */
  get hasGap(): boolean {
    return this.held.size > 0;
  }

  /** Takes an event in; gives those whose turn it is, in order: none for a repeat or behind a gap. */
  offer(event: DurableFrame): DurableFrame[] {
    if (this.held.size < MOST_HELD) this.held.set(event.seq, event);
    return this.drain();
  }

  /** Takes a sync's answer in, which tells all up to its `lastSeq`; gives what is new, in order. */
  merge(entry: SyncEntry): DurableFrame[] {
    const events = entry.events.filter(isDurable).sort((a, b) => a.seq - b.seq);
    const first = entry.firstSeq ?? events[0]?.seq ?? entry.lastSeq + 1;
    // Begins later than we ended: what lies between is no longer ours to see (hidden), or only pages have it.
    if (this.cursor === null || (events.length > 0 && first > this.cursor + 1)) this.beginAt(first);
    const { cursor } = this;
    const fresh = events.filter((event) => event.seq > (cursor ?? 0));
    this.cursor = Math.max(this.cursor ?? 0, entry.lastSeq);
    return [...fresh, ...this.drain()];
  }

  /** Older messages are here down to `floor`. */
  lower(floor: number | undefined, hasOlder: boolean): void {
    this.floor = Math.min(this.floor, floor ?? this.floor);
    this.hasOlder = hasOlder;
  }

  private beginAt(seq: number): void {
    this.floor = seq;
    this.cursor = seq - 1;
    this.hasOlder = seq > 1;
    this.onBegin();
  }

  private drain(): DurableFrame[] {
    if (this.cursor === null) return [];
    for (const seq of this.held.keys()) if (seq <= this.cursor) this.held.delete(seq);
    const given: DurableFrame[] = [];
    for (let next = this.held.get(this.cursor + 1); next; next = this.held.get(this.cursor + 1)) {
      this.held.delete(next.seq);
      this.cursor = next.seq;
      given.push(next);
    }
    return given;
  }
}
