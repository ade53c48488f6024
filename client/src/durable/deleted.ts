import type { MessageDeletedFrame } from '../facets';
import { tombstone, type Entry } from '../messages';

export function deleted(entry: Entry, { seq, timestamp, deletedBy }: MessageDeletedFrame): Entry | null {
  return seq > entry.rev ? { ...tombstone(entry, timestamp, deletedBy), rev: seq } : null;
}
