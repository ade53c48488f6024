/** Changes of messages that are shown before the server has said yes, and taken back where it says no. No I/O. */

import { withReaction } from './durable/reaction';
import { tombstone, type Entry } from './messages';
import type { Rooms } from './rooms';

export type Change = { text: string; data?: unknown } | { deletedFor: 'all' | 'me' } | { emoji: string; on: boolean } | { isPinned: boolean };

interface Waiting {
  readonly conversationId: string;
  readonly messageId: string;
  readonly change: Change;
  /** The event that carries it; null until the server has answered. */
  rev: number | null;
}

export class Pending {
  private waiting: Waiting[] = [];
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(
    private readonly rooms: Rooms,
    private readonly onChanged: (conversationId: string) => void,
  ) {}

  /** The message as this user wants it; null for one that they hide. */
  shown(entry: Entry): Entry | null {
    if (this.waiting.length === 0) return entry;
    const mine = this.waiting.filter(({ messageId }) => messageId === entry.messageId);
    return mine.reduce<Entry | null>((now, { change }) => now && this.changed(now, change), entry);
  }

  /**
   * Shows the change, asks, and shows it until its event has come; one after another for each message. `ask` gives the
   * seq of that event, none where there is none. Raises what `ask` raises, with the change taken back.
   */
  async run(conversationId: string, messageId: string, change: Change, ask: () => Promise<number | null | undefined | void>): Promise<void> {
    const waiting: Waiting = { conversationId, messageId, change, rev: null };
    this.waiting.push(waiting);
    this.onChanged(conversationId);
    const turn = (this.turns.get(messageId) ?? Promise.resolve()).catch(() => {}).then(ask);
    this.turns.set(messageId, turn);
    try {
      waiting.rev = (await turn) || 0;
      this.settle(conversationId, this.rooms.cursorOf(conversationId));
    } catch (error) {
      this.waiting = this.waiting.filter((one) => one !== waiting);
      throw error;
    } finally {
      this.onChanged(conversationId);
      if (this.turns.get(messageId) === turn) this.turns.delete(messageId);
    }
  }

  /** The order has come so far: it holds what was answered with a `rev` up to `cursor`. */
  settle(conversationId: string, cursor: number): void {
    this.waiting = this.waiting.filter((one) => one.conversationId !== conversationId || one.rev === null || one.rev > cursor);
  }

  /** Of another database nothing is known. */
  clear(): void {
    this.waiting = this.waiting.filter(({ rev }) => rev === null);
  }

  private changed(entry: Entry, change: Change): Entry | null {
    if ('text' in change) return { ...entry, text: change.text, ...('data' in change && { data: change.data }) };
    if ('isPinned' in change) return { ...entry, isPinned: change.isPinned };
    if ('deletedFor' in change) return change.deletedFor === 'me' ? null : tombstone(entry, entry.createdAt, this.rooms.userId);
    const before = entry.reactions.find(({ emoji }) => emoji === change.emoji);
    if ((before?.mine ?? false) === change.on) return entry;
    const count = (before?.count ?? 0) + (change.on ? 1 : -1);
    return { ...entry, reactions: withReaction(entry.reactions, { emoji: change.emoji, count, mine: change.on }) };
  }
}
