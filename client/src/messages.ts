/** The messages of one conversation as they stand: those in order, and some that lie apart. No I/O. */

import type { Attachment, Facets, Forwarded, Mentions, MessageReaction, Preview } from './facets';
import type { WireMessage } from './protocol';

/** A message in its place. A change makes a new one of it: its identity tells whether it changed. */
export interface Entry {
  readonly messageId: string;
  readonly seq: number;
  readonly clientId: string | null;
  readonly senderId: string;
  readonly senderHandle: string | null;
  readonly text: string;
  readonly replyTo: string | null;
  readonly mediaUrl: string | null;
  readonly createdAt: string;
  /** All that touched it up to and with this seq is in here. */
  readonly rev: number;
  /** The same of this user's own reactions, which a frame for all leaves out. */
  readonly mineRev: number;
  readonly editedAt: string | null;
  readonly deletedAt: string | null;
  readonly deletedBy: string | null;
  readonly isPinned: boolean;
  readonly reactions: readonly Required<MessageReaction>[];
  readonly data: unknown;
  readonly attachments: readonly Attachment[];
  readonly placeholder: boolean;
  readonly mentions: Mentions;
  readonly forwarded: Forwarded | null;
  readonly preview: Preview | null;
  readonly expiresAt: string | null;
}

/** A message as a frame, a page or a list tells it. */
export interface Said extends Facets {
  messageId: string;
  seq: number;
  senderId: string;
  text: string;
  createdAt: string;
  senderHandle?: string | null;
  clientId?: string | null;
  replyTo?: string | null;
  mediaUrl?: string | null;
}

const NONE: readonly Required<MessageReaction>[] = [];
/** What a deletion leaves of it, and what is left out where there is none. */
const EMPTY = {
  mediaUrl: null, editedAt: null, isPinned: false, data: null, attachments: [] as readonly Attachment[], placeholder: false,
  mentions: [] as Mentions, forwarded: null, preview: null, expiresAt: null,
};
const UNSAID = { ...EMPTY, clientId: null, senderHandle: null, replyTo: null, deletedAt: null, deletedBy: null };

/** `asOfSeq`: of the answer that told it for this user alone; a frame for all says nothing of whose the reactions are. */
export function entryOf(said: Said, asOfSeq = 0): Entry {
  const { messageId, seq, senderId, text, createdAt, rev } = said;
  const given = Object.entries(UNSAID).map(([name, none]) => [name, said[name as keyof typeof UNSAID] ?? none]);
  return {
    ...(Object.fromEntries(given) as typeof UNSAID), messageId, seq, senderId, text, createdAt, rev: rev ?? seq,
    mineRev: Math.max(asOfSeq, (saysMine(said) && rev) || seq), reactions: reactionsOf(said, NONE),
  };
}

export function saysMine({ reactions }: Facets): boolean {
  return !!reactions?.length && reactions.every(({ mine }) => mine !== undefined);
}

/** As told; whose they are, where that is left out, as `before`. */
export function reactionsOf({ reactions }: Facets, before: Entry['reactions']): Entry['reactions'] {
  const isMine = (emoji: string): boolean => before.some((one) => one.emoji === emoji && one.mine);
  return reactions?.length ? reactions.map(({ emoji, count, mine }) => ({ emoji, count, mine: mine ?? isMine(emoji) })) : NONE;
}

/** What a deletion leaves. */
export function tombstone(entry: Entry, deletedAt: string, deletedBy: string | null): Entry {
  return { ...entry, ...EMPTY, text: '', deletedAt, deletedBy, reactions: NONE };
}

/** When it ends by itself, in ms. */
function endOf({ expiresAt }: Entry): number {
  return expiresAt ? Date.parse(expiresAt) : Infinity;
}

export function saidIn({ id, ...message }: WireMessage): Said {
  return { ...message, messageId: id };
}

export class Messages {
  private ordered: Entry[] = [];
  /** Of a page that fits nowhere yet: around a place, or the pinned. */
  private apart = new Map<string, Entry>();
  private shown: readonly Entry[] | null = null;
  /** When the next of them ends by itself, in ms, or earlier. */
  endsAt = Infinity;

  /** Ascending by seq, nothing missing. Its identity stays until something changes. */
  get list(): readonly Entry[] {
    return (this.shown ??= [...this.ordered]);
  }

  /** All that is known, those apart included, in no order. */
  get all(): readonly Entry[] {
    return [...this.apart.values(), ...this.ordered];
  }

  find(messageId: string): Entry | undefined {
    return this.ordered[this.placeOf(messageId)] ?? this.apart.get(messageId);
  }

  /** Leaves tombstones of what ended by then; gives whether anything did. */
  expire(now: number): boolean {
    if (now < this.endsAt) return false;
    const over = this.all.filter((entry) => endOf(entry) <= now);
    for (const entry of over) this.replace(tombstone(entry, entry.expiresAt!, null));
    this.endsAt = this.all.reduce((soonest, entry) => Math.min(soonest, endOf(entry)), Infinity);
    return over.length > 0;
  }

  append(entry: Entry): void {
    this.apart.delete(entry.messageId);
    this.ordered.push(entry);
    this.noteEnds(entry);
  }

  prepend(entries: readonly Entry[]): void {
    for (const { messageId } of entries) this.apart.delete(messageId);
    this.ordered.unshift(...entries);
    this.noteEnds(...entries);
  }

  /** Puts a message beside the order, or what is newer of it in its place. */
  put(entry: Entry): void {
    const known = this.find(entry.messageId);
    if (!known) {
      this.apart.set(entry.messageId, entry);
      this.noteEnds(entry);
    } else if (entry.rev > known.rev || (entry.rev === known.rev && entry.mineRev > known.mineRev)) this.replace(entry);
  }

  replace(entry: Entry): void {
    const at = this.placeOf(entry.messageId);
    if (at >= 0) this.ordered[at] = entry;
    else if (this.apart.has(entry.messageId)) this.apart.set(entry.messageId, entry);
    this.noteEnds(entry);
  }

  remove(messageId: string): void {
    this.apart.delete(messageId);
    this.ordered = this.ordered.filter((entry) => entry.messageId !== messageId);
    this.shown = null;
  }

  /** Of what lies apart the pinned stay. */
  forgetApart(): void {
    for (const [id, { isPinned }] of this.apart) if (!isPinned) this.apart.delete(id);
  }

  clear(): void {
    this.ordered = [];
    this.apart.clear();
    this.shown = null;
  }

  private noteEnds(...entries: readonly Entry[]): void {
    for (const entry of entries) this.endsAt = Math.min(this.endsAt, endOf(entry));
    this.shown = null;
  }

  /** -1 for none. What is touched is mostly new, so the search begins at the end. */
  private placeOf(messageId: string): number {
    let at = this.ordered.length - 1;
    while (at >= 0 && this.ordered[at]!.messageId !== messageId) at--;
    return at;
  }
}
