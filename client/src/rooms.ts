/** All conversations of this device, of one epoch of the server's database. No I/O. */

import type { DurableFrame, SyncAnswer } from './protocol';
import { Room } from './room';

/** Conversations in one word to the server. */
const SOME = 16;
/** Conversations in one question: with their names it stays below the 1 MiB that the server takes. */
const MOST_NAMED = 20_000;

export class Rooms {
  /** Goes up whenever local state is forgotten, of one conversation or of all: an answer asked for before is of no use. */
  incarnation = 0;
  /** The server's word for "since when", from the last complete sync. */
  asOf: string | null = null;
  /** What is here is of that database. */
  epoch: string | null = null;
  private turn = 0;
  private readonly rooms = new Map<string, Room>();

  constructor(readonly userId: string) {}

  get(id: string): Room | undefined {
    return this.rooms.get(id);
  }

  /** Everything up to and with this seq is here; -1 where nobody has said where we begin. */
  cursorOf(id: string): number {
    return this.get(id)?.order.cursor ?? -1;
  }

  ensure(id: string): Room {
    let room = this.rooms.get(id);
    if (!room) this.rooms.set(id, (room = new Room(id, this.userId)));
    return room;
  }

  all(): Room[] {
    return [...this.rooms.values()];
  }

  remove(id: string): void {
    this.incarnation++;
    this.rooms.delete(id);
  }

  /** Where a first sync has already said how far we are; of those in `but` nothing. */
  cursors(but: ReadonlySet<string> = new Set()): Record<string, number> {
    const known = this.all().filter(({ id, order }) => order.cursor !== null && !but.has(id));
    return Object.fromEntries(known.slice(0, MOST_NAMED).map(({ id, order }) => [id, order.cursor ?? 0]));
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
  enter(epoch: string, cursors: Record<string, number>, headOf: (id: string) => number | undefined): boolean {
    const ahead = Object.entries(cursors).some(([id, cursor]) => cursor > (headOf(id) ?? cursor));
    const changed = ahead || (this.epoch !== null && this.epoch !== epoch);
    if (changed) this.forget();
    this.epoch = epoch;
    return changed;
  }

  private forget(): void {
    this.incarnation++;
    this.rooms.clear();
    this.asOf = null;
  }

  /** Applies a sync's answer, the last one if complete; gives the rooms it concerned and the events it brought to each. */
  merge(answer: SyncAnswer, asOf: string): { room: Room; events: DurableFrame[] }[] {
    if (answer.complete) this.asOf = asOf;
    return Object.entries(answer.conversations).map(([id, entry]) => {
      const room = this.ensure(id);
      return { room, events: room.merge(entry) };
    });
  }
}

/** Whether these heads hold something that `rooms` has not, or lack a conversation that it lists. */
export function differs(rooms: Rooms, heads: Record<string, number>): boolean {
  const isBehind = Object.entries(heads).some(([id, head]) => rooms.cursorOf(id) < head);
  return isBehind || rooms.all().some((room) => room.meta && !(room.id in heads));
}
