/** What a person does to a message: shown at once, asked of the server, taken back where that refuses. */

import type { Api, MessageEdit } from './api';
import { tombstone } from './messages';
import type { Pending } from './pending';
import type { Rooms } from './rooms';

export class Actions {
  constructor(
    private readonly api: Api,
    private readonly rooms: Rooms,
    private readonly pending: Pending,
  ) {}

  edit(id: string, messageId: string, edit: MessageEdit): Promise<void> {
    return this.pending.run(id, messageId, edit, async () => (await this.api.edit(id, messageId, edit)).rev);
  }

  /** Nothing brings it back, so its place needs no event to show it. */
  delete(id: string, messageId: string, deletedFor: 'all' | 'me'): Promise<void> {
    return this.pending.run(id, messageId, { deletedFor }, async () => {
      await this.api.delete(id, messageId, deletedFor);
      const messages = this.rooms.get(id)?.messages;
      const entry = messages?.find(messageId);
      if (deletedFor === 'me') messages?.remove(messageId);
      else if (entry && !entry.deletedAt) messages?.replace(tombstone(entry, entry.createdAt, this.rooms.userId));
    });
  }

  react(id: string, messageId: string, emoji: string, on: boolean): Promise<void> {
    return this.pending.run(id, messageId, { emoji, on }, () => this.api.set(id, messageId, `reactions/${encodeURIComponent(emoji)}`, on));
  }

  pin(id: string, messageId: string, isPinned: boolean): Promise<void> {
    return this.pending.run(id, messageId, { isPinned }, () => this.api.set(id, messageId, 'pin', isPinned));
  }
}
