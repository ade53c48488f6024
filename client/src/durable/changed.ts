import type { ConversationChangedFrame } from '../facets';
import type { Conversation } from '../protocol';
import type { State } from './index';

/** The description is no part of the order: a list may be ahead of the event, or come behind it. */
export function changed(state: State, event: ConversationChangedFrame): boolean {
  state.change(event);
  return true;
}

/** A conversation after a change of its name, its settings or its people. */
export function withChange(meta: Conversation, event: ConversationChangedFrame, userId: string): Conversation {
  const { type, timestamp, conversationId, seq, senderId, added = [], removed = [], roles = {}, ...said } = event;
  const gone = [...removed, ...added.map(({ id }) => id)];
  const stay = meta.participants.filter(({ id }) => !gone.includes(id));
  // Where not all are named, who joins is one of those that are not.
  const areAllNamed = (meta.participantCount ?? 0) <= meta.participants.length;
  const joined = areAllNamed ? added.map((one) => ({ handle: null, ...one })) : [];
  const participants = [...stay, ...joined].map((one) => ({ ...one, ...(roles[one.id] && { role: roles[one.id]! }) }));
  return { ...meta, ...said, participants, ...(roles[userId] && { role: roles[userId] }) };
}
