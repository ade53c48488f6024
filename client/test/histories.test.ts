/** State + events = state: the same histories that the server's own reducers run. */

import { expect, test } from 'vitest';
import histories from '../../tests/contract/histories.json';
import type { ConversationExpiredFrame, DurableFrame, SyncEntry, WireMessage } from '../src';
import { Room } from '../src/room';

const AT = '2026-11-22T20:15:00.000Z';

interface Step {
  live?: object;
  sync?: object;
  asking?: boolean;
  expired?: ConversationExpiredFrame;
  page?: { asOfSeq: number; hasMore: boolean; messages: object[] };
}

function event(told: object): DurableFrame {
  return { timestamp: AT, conversationId: 'room', createdAt: AT, ...told } as unknown as DurableFrame;
}

function take(room: Room, { live, sync, asking, expired, page }: Step): void {
  if (live) room.offer(event(live));
  if (sync) {
    const entry = { deliveredUpTo: 0, readUpTo: 0, ...sync } as SyncEntry;
    room.merge({ ...entry, events: entry.events.map(event) });
  }
  if (expired) room.expire(expired);
  if (asking) room.answers.begin();
  if (!page) return;
  room.prepend({ ...page, messages: page.messages as WireMessage[] });
  room.answers.end();
}

test.each(histories)('$name', ({ userId, steps, state }) => {
  const room = new Room('room', userId);
  for (const step of steps as Step[]) take(room, step);
  const messages = room.messages.list.map(({ messageId, text, rev, deletedAt, isPinned, reactions }) => (
    { id: messageId, text, rev, deleted: deletedAt !== null, pinned: isPinned, reactions }
  ));
  expect({ cursor: room.order.cursor, messages, unread: room.unread() }).toEqual(state);
});
