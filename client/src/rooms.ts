/** All conversations of this device, of one epoch of the server's database. No I/O. */

import type { DurableFrame, SyncAnswer } from './protocol';
import { Room } from './room';

/** Conversations in one word to the server. */
const SOME = 16;

export class Rooms {
  /** Goes up whenever local state is forgotten: an answer asked for before that is of no use. */
  incarnation = 0;
  /** The server's word for "since when", from the last complete sync. */
  asOf: string | null = null;
  private epoch: string | null = null;
  private turn = 0;
  private removals = 0;
  private readonly removed = new Map<string, number>();
  private readonly rooms = new Map<string, Room>();

  constructor(private readonly userId: string) {}

  get(id: string): Room | undefined {
    return this.rooms.get(id);
  }

  ensure(id: string): Room {
    let room = this.rooms.get(id);
    if (!room) this.rooms.set(id, (room = new Room(id, this.userId)));
    return room;
  }

  all(): Room[] {
    return [...this.rooms.values()];
  }

  remove(id: string): boolean {
    this.removed.set(id, ++this.removals);
    return this.rooms.delete(id);
  }

  /** This moment, for `wasRemoved`: to be taken before the server is asked. */
  get mark(): number {
    return this.removals;
  }

  /** What was asked for before still knows of it. */
  wasRemoved(id: string, since: number): boolean {
    return (this.removed.get(id) ?? 0) > since;
  }

  /** Where a first sync has already said how far we are. */
  cursors(): Record<string, number> {
    const known = this.all().filter((room) => room.timeline.cursor !== null);
    return Object.fromEntries(known.map((room) => [room.id, room.timeline.cursor ?? 0]));
  }

  /** The cursors of some conversations, in turn. */
  someCursors(): Record<string, number> {
    const all = Object.entries(this.cursors());
    if (this.turn >= all.length) this.turn = 0;
    return Object.fromEntries(all.slice(this.turn, (this.turn += SOME)));
  }

  /**
   * Notes the epoch. True if it is another one than before, or if a cursor that was taken before asking lies beyond its
   * head: the server's history went back (a restore), whatever its epoch. Then everything of the old one is forgotten.
   */
  enter(epoch: string, cursors: Record<string, number>, heads: Record<string, number>): boolean {
    const ahead = Object.entries(cursors).some(([id, cursor]) => cursor > (heads[id] ?? cursor));
    const changed = ahead || (this.epoch !== null && this.epoch !== epoch);
    if (changed) this.forget();
    this.epoch = epoch;
    return changed;
  }

  private forget(): void {
    this.incarnation++;
    this.rooms.clear();
    this.removed.clear();
    this.asOf = null;
  }

  /** Applies a sync's answer, asked for at `mark`; gives the rooms it concerned and the events it brought to each. */
  merge(answer: SyncAnswer, mark: number): { room: Room; events: DurableFrame[] }[] {
    const entries = Object.entries(answer.conversations).filter(([id]) => !this.wasRemoved(id, mark));
    for (const id of answer.left) this.remove(id);
    if (answer.complete) this.asOf = answer.asOf;
    return entries.map(([id, entry]) => {
      const room = this.ensure(id);
      return { room, events: room.merge(entry) };
    });
  }
}

/** Whether these heads hold something that `rooms` has not. */
export function isBehind(rooms: Rooms, heads: Record<string, number>): boolean {
  return Object.entries(heads).some(([id, head]) => (rooms.get(id)?.timeline.cursor ?? -1) < head);
}
