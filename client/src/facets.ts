/** What may be told of a message beside its words, and the events that tell it. */

import type { GroupSettings, Participant, Timestamp } from './protocol';

export interface MessageReaction {
  emoji: string;
  count: number;
  /** Whether this user reacts so. Left out of what is told to all alike. */
  mine?: boolean;
}

/** A file of a message: its bytes are at `GET /api/attachments/{id}`, for who sees the message. */
export interface Attachment {
  id: string;
  kind: 'image' | 'video' | 'voice' | 'file' | 'avatar';
  name: string;
  contentType: string;
  size: number;
  width: number | null;
  height: number | null;
  durationMs: number | null;
  waveform: readonly number[] | null;
  /** Base64 of a picture of some twenty bytes, to show until the real one is there. */
  thumbhash: string | null;
}

/** Whose words a forwarded message holds. */
export interface Forwarded {
  senderId: string;
}

/** What a link leads to, as the sender's app found it. */
export interface Preview {
  url: string;
  title?: string | null;
  description?: string | null;
}

/** Ids of users, or all who are in the conversation. */
export type Mentions = readonly string[] | 'all';

/** As it stands. What is left out is empty, or unknown to an older server. */
export interface Facets {
  /** The seq of the last event that touched the message. */
  rev?: number | null;
  editedAt?: Timestamp | null;
  deletedAt?: Timestamp | null;
  /** Who deleted it; null where nobody did: it expired. */
  deletedBy?: string | null;
  by?: DeletedBy | null;
  reactions?: MessageReaction[] | null;
  isPinned?: boolean | null;
  /** JSON of the app's own. */
  data?: unknown;
  attachments?: readonly Attachment[] | null;
  /** The text stands for the files, for apps that know none. */
  placeholder?: boolean | null;
  mentions?: Mentions | null;
  forwarded?: Forwarded | null;
  preview?: Preview | null;
  /** From then on it is gone for everybody, and no event tells of it. */
  expiresAt?: Timestamp | null;
  /** Deleted by this user, on their own devices alone. */
  hidden?: boolean;
}

export type DeletedBy = 'author' | 'admin' | 'moderator' | 'retention' | 'erasure';

interface Touches {
  timestamp: Timestamp;
  conversationId: string;
  seq: number;
  /** Who did it. */
  senderId: string;
  messageId: string;
  messageSeq: number;
}

export interface MessageEditedFrame extends Touches, Facets {
  type: 'message.edited';
  text: string;
  replyTo?: string | null;
  mediaUrl?: string | null;
}

export interface MessageDeletedFrame extends Touches {
  type: 'message.deleted';
  deletedBy: string | null;
  by: DeletedBy;
}

export interface MessageReactionFrame extends Touches {
  type: 'message.reaction';
  emoji: string;
  on: boolean;
  count: number;
}

export interface MessagePinnedFrame extends Touches {
  type: 'message.pinned';
  isPinned: boolean;
}

export interface ConversationChangedFrame {
  type: 'conversation.changed';
  timestamp: Timestamp;
  conversationId: string;
  seq: number;
  senderId: string;
  name?: string | null;
  description?: string | null;
  avatarUrl?: string | null;
  settings?: GroupSettings;
  added?: (Pick<Participant, 'id'> & Partial<Participant>)[];
  removed?: string[];
  roles?: Record<string, string>;
  participantCount?: number;
}

/** To the devices of one user; not durable. */
export interface MessageHiddenFrame {
  type: 'message.hidden';
  timestamp: Timestamp;
  conversationId: string;
  messageId: string;
  messageSeq: number;
}

/** Messages whose time was over were erased; what this user counts now, as of a head. To their devices; not durable. */
export interface ConversationExpiredFrame {
  type: 'conversation.expired';
  timestamp: Timestamp;
  conversationId: string;
  upToSeq: number;
  unreadCount: number;
  mentionCount: number;
  asOfSeq: number;
}

/** A message that this user scheduled; not durable. */
export interface ScheduledChangedFrame {
  type: 'scheduled.changed';
  timestamp: Timestamp;
  scheduledId: string;
  conversationId: string;
  state: 'waiting' | 'sent' | 'failed' | 'cancelled';
  /** Why it failed. */
  failure: string | null;
}

/** What became of a file that this user uploads; not durable. */
export interface AttachmentFrame {
  type: 'attachment.ready' | 'attachment.rejected';
  timestamp: Timestamp;
  attachment: Attachment & { state: string; reason: string | null };
}

/** Who has a message and who has read it, without its sender. */
export interface MessageReceipts {
  delivered: { userId: string }[];
  read: { userId: string; at?: Timestamp | null }[];
}
