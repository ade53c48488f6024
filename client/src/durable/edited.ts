import type { MessageEditedFrame } from '../facets';
import { entryOf, reactionsOf, saysMine, type Entry } from '../messages';

/** The whole message as it stands. Who wrote it, and when, stays; so does whose the reactions are, where nobody says it. */
export function edited(entry: Entry, event: MessageEditedFrame): Entry | null {
  if (event.seq <= entry.rev) return null;
  const { seq, senderId, senderHandle, clientId, createdAt } = entry;
  const mineRev = saysMine(event) ? event.seq : entry.mineRev;
  const now = entryOf({ ...event, seq, senderId, senderHandle, clientId, createdAt, rev: event.seq });
  return { ...now, mineRev, reactions: reactionsOf(event, entry.reactions) };
}
