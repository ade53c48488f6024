import type { MessageReactionFrame } from '../facets';
import type { Entry } from '../messages';

/**
 * The count, unless the message as told had it already; and, of this user's own, that they react or not, which what is
 * told to all left out. Nobody's reaction is mine.
 */
export function reacted(entry: Entry, event: MessageReactionFrame, userId: string): Entry | null {
  const { emoji, seq, count, on } = event;
  const counts = seq > entry.rev;
  const concernsMe = event.senderId === userId && seq > entry.mineRev;
  // Erased with its message: it tells nothing.
  if ((!counts && !concernsMe) || emoji === '') return counts ? { ...entry, rev: seq } : null;
  const before = entry.reactions.find((one) => one.emoji === emoji);
  const next = { emoji, count: counts ? count : (before?.count ?? 0), mine: concernsMe ? on : (before?.mine ?? false) };
  return { ...entry, reactions: withReaction(entry.reactions, next), rev: Math.max(entry.rev, seq) };
}

/** Each keeps its place while somebody reacts so. */
export function withReaction(all: Entry['reactions'], next: Entry['reactions'][number]): Entry['reactions'] {
  if (next.count <= 0) return all.filter(({ emoji }) => emoji !== next.emoji);
  const isKnown = all.some(({ emoji }) => emoji === next.emoji);
  return isKnown ? all.map((one) => (one.emoji === next.emoji ? next : one)) : [...all, next];
}
