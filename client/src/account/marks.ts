/** How this user keeps conversations in the list: shown at once, asked of the server, taken back where that refuses. */

import type { Api } from '../api';
import type { Rooms } from '../rooms';
import type { Screens } from '../screens';

export interface MarksParts {
  api: Pick<Api, 'call'>;
  rooms: Rooms;
  screens: Screens;
}

type Mark = 'isArchived' | 'isPinned' | 'isMarkedUnread';
const PATHS: Record<Mark, string> = { isArchived: 'archive', isPinned: 'pinned', isMarkedUnread: 'unread-mark' };

/** Each raises `ApiError` where the server refuses, and all is as before. */
export class Marks {
  constructor(private readonly parts: MarksParts) {}

  /** Out of the list, until a new message brings it back; one that is muted stays. */
  archive(conversationId: string, on: boolean): Promise<void> {
    return this.set(conversationId, 'isArchived', on);
  }

  pin(conversationId: string, on: boolean): Promise<void> {
    return this.set(conversationId, 'isPinned', on);
  }

  /** Until this user reads further. */
  markUnread(conversationId: string, on: boolean): Promise<void> {
    return this.set(conversationId, 'isMarkedUnread', on);
  }

  /** Everything, in all conversations. The server tells of each by `message.read`. */
  async readAll(): Promise<void> {
    await this.parts.api.call('POST', '/api/conversations/read-all', {});
  }

  private async set(id: string, mark: Mark, on: boolean): Promise<void> {
    const before = this.show(id, mark, on);
    try {
      await this.parts.api.call(on ? 'PUT' : 'DELETE', `/api/conversations/${id}/${PATHS[mark]}`);
    } catch (error) {
      this.show(id, mark, before);
      throw error;
    }
  }

  /** Gives how it was. */
  private show(id: string, mark: Mark, on: boolean): boolean {
    const room = this.parts.rooms.get(id);
    if (!room) return !on;
    const { marks } = room;
    room.mark({ ...marks, [mark]: on });
    this.parts.screens.changed(id);
    return marks[mark];
  }
}
