import type { MessagePinnedFrame } from '../facets';
import type { Entry } from '../messages';

export function pinned(entry: Entry, { seq, isPinned }: MessagePinnedFrame): Entry | null {
  return seq > entry.rev ? { ...entry, isPinned, rev: seq } : null;
}
