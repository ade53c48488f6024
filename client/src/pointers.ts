/** How far the others of a conversation have come, from which a message's status derives. No I/O. */

import type { SyncEntry, WireMessage, WireStatus } from './protocol';

type Kind = 'delivered' | 'read';

export class Pointers {
  /** What the server said of all others together: nobody is behind it. */
  private readonly all: Record<Kind, number> = { delivered: 0, read: 0 };
  private readonly each: Record<Kind, Map<string, number>> = { delivered: new Map(), read: new Map() };

  /** One participant has everything up to and with `seq`. Read implies delivered; nothing moves backwards. */
  advance(kind: Kind, userId: string, seq: number): void {
    raise(this.each[kind], userId, seq);
    if (kind === 'read') raise(this.each.delivered, userId, seq);
  }

  /** Takes over what a sync says of all others together. */
  merge({ deliveredUpTo, readUpTo }: Pick<SyncEntry, 'deliveredUpTo' | 'readUpTo'>): void {
    this.all.read = Math.max(this.all.read, readUpTo ?? 0);
    this.all.delivered = Math.max(this.all.delivered, deliveredUpTo ?? 0, this.all.read);
  }

  /** Learns from a page: a status holds for everything up to its message. */
  learn(message: WireMessage): void {
    if (message.status === 'delivered') this.merge({ deliveredUpTo: message.seq, readUpTo: 0 });
    if (message.status === 'read') this.merge({ deliveredUpTo: message.seq, readUpTo: message.seq });
  }

  /** Up to which seq every one of `others` has come, as far as is known: never too far. */
  upTo(kind: Kind, others: readonly string[]): number {
    const slowest = Math.min(...others.map((userId) => this.each[kind].get(userId) ?? 0));
    return others.length === 0 ? this.all[kind] : Math.max(this.all[kind], slowest);
  }

  /** The status of the sender's own message at `seq`. */
  status(seq: number, others: readonly string[]): WireStatus {
    if (seq <= this.upTo('read', others)) return 'read';
    return seq <= this.upTo('delivered', others) ? 'delivered' : 'sent';
  }
}

function raise(pointers: Map<string, number>, userId: string, seq: number): void {
  pointers.set(userId, Math.max(pointers.get(userId) ?? 0, seq));
}
