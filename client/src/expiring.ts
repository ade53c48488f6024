/** Messages that end by themselves: tombstones from that moment on by this device's clock, with or without a network. */

import type { Clock, Timer } from './platform';
import type { Rooms } from './rooms';
import { LONGEST_MS } from './timers';

export class Expiring {
  private at = Infinity;
  private timer: Timer | undefined;

  constructor(
    private readonly rooms: Rooms,
    private readonly clock: Clock,
    private readonly onExpired: (conversationId: string) => void,
  ) {}

  /** Something changed there; null: everywhere. */
  look(conversationId: string | null): void {
    const rooms = conversationId === null ? this.rooms.all() : [this.rooms.get(conversationId)];
    const soonest = Math.min(...rooms.map((room) => room?.messages.endsAt ?? Infinity), Infinity);
    if (soonest < this.at) this.wait(soonest);
  }

  private wait(at: number): void {
    this.clock.clearTimeout(this.timer);
    this.at = at;
    if (at < Infinity) this.timer = this.clock.setTimeout(() => this.expire(), Math.min(Math.max(at - this.clock.now(), 0), LONGEST_MS));
  }

  private expire(): void {
    this.at = Infinity;
    const now = this.clock.now();
    for (const room of this.rooms.all()) if (room.messages.expire(now)) this.onExpired(room.id);
    this.look(null);
  }
}
