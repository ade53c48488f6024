/** The wire: every frame and REST shape as the server documents it, and nothing that acts on them. */

import type {
  AttachmentFrame, ConversationChangedFrame, ConversationExpiredFrame, Facets, MessageDeletedFrame, MessageEditedFrame, MessageHiddenFrame, MessagePinnedFrame, MessageReactionFrame, ScheduledChangedFrame,
} from './facets';

export type * from './facets';

/** ISO 8601 in UTC with milliseconds. */
export type Timestamp = string;

export interface Participant {
  id: string;
  handle: string | null;
  displayName?: string | null;
  avatarUrl?: string | null;
  role?: string;
}

/** One of a conversation's people, as the route for all of them gives them. */
export interface Member extends Participant {
  role: string;
  joinedAt: Timestamp | null;
}

export interface LastMessage {
  id: string;
  seq: number;
  text: string;
  senderId: string;
  createdAt: Timestamp;
}

/** Who may add people, edit what the group is called, pin and send; and how long a message stays, and one waits. */
export interface GroupSettings {
  add: 'members' | 'admins';
  edit: 'members' | 'admins';
  pin: 'members' | 'admins';
  send: 'members' | 'admins';
  expireSeconds: number | null;
  slowSeconds: number;
}

export interface Conversation {
  id: string;
  isGroup: boolean;
  name: string | null;
  description?: string | null;
  avatarUrl?: string | null;
  /** What its people may do; null of two people. Older servers leave it out. */
  settings?: GroupSettings | null;
  /** This user's own. */
  role?: string;
  bountyId: string | null;
  createdAt: Timestamp;
  updatedAt: Timestamp;
  /** The first 50; `client.members` gives all. */
  participants: Participant[];
  /** Of all of them. Older servers leave it out, and name everyone. */
  participantCount?: number;
  lastMessage: LastMessage | null;
  unreadCount: number;
  /** Of these, those that mention this user. Older servers leave it out. */
  mentionCount?: number;
  lastSeq: number;
  readSeq: number;
  /** How this user keeps it. Older servers leave all of them out. */
  isArchived?: boolean;
  isPinned?: boolean;
  isMarkedUnread?: boolean;
  /** Until when nothing of it rings; null: it does. */
  mutedUntil?: Timestamp | null;
}

/** What the server knows of a message's way: sent, then had by all others, then read by all others. */
export type WireStatus = 'sent' | 'delivered' | 'read';

export interface WireMessage extends Facets {
  id: string;
  conversationId: string;
  seq: number;
  senderId: string;
  senderHandle: string | null;
  text: string;
  createdAt: Timestamp;
  updatedAt: Timestamp;
  mediaUrl: string | null;
  replyTo: string | null;
  isPinned: boolean;
  status: WireStatus;
  clientId?: string | null;
}

export interface ConnectedFrame {
  type: 'connected';
  timestamp: Timestamp;
  userId: string;
  connectionId: string;
  /** With `heads`: of the newest 1,000 conversations. The others follow in `heads` frames. */
  conversationIds: string[];
  heads: Record<string, number>;
  epoch: string;
  heartbeatSeconds: number;
  reconnectJitterMs: number;
  maxFrameBytes: number;
  /** Of all conversations. Older servers leave it out, and name all of them here. */
  conversationCount?: number;
  /** True where no `heads` frame follows. */
  last?: boolean;
}

/** More of what `connected` began. */
export interface HeadsFrame {
  type: 'heads';
  timestamp: Timestamp;
  conversationIds: string[];
  heads: Record<string, number>;
  last?: boolean;
}

export interface MessageNewFrame extends Facets {
  type: 'message.new';
  timestamp: Timestamp;
  conversationId: string;
  messageId: string;
  seq: number;
  senderId: string;
  senderHandle: string | null;
  text: string;
  status: 'sent';
  clientId: string | null;
  replyTo: string | null;
  mediaUrl: string | null;
  createdAt: Timestamp;
}

/** A pointer: `senderId` has everything up to and with `seq`, which is not a number of this frame's own. */
export interface ReceiptFrame {
  type: 'message.delivered' | 'message.read';
  timestamp: Timestamp;
  conversationId: string;
  messageId: string;
  seq: number;
  senderId: string;
  /** Left out by servers of an older release. */
  senderHandle?: string | null;
  status: 'delivered' | 'read';
}

/** In conversations of more than 50: what every one of the others has, and has read. Nobody is named. */
export interface ReceiptsAllFrame {
  type: 'receipts.all';
  timestamp: Timestamp;
  conversationId: string;
  deliveredUpTo: number;
  readUpTo: number;
}

export interface TypingFrame {
  type: 'typing.start' | 'typing.stop';
  timestamp: Timestamp;
  conversationId: string;
  senderId: string;
  /** Left out by servers of an older release. */
  senderHandle?: string | null;
}

export interface SyncFrame {
  type: 'sync';
  timestamp: Timestamp;
  conversationId: string;
  lastSeq: number;
}

export interface PresenceFrame {
  type: 'presence.update';
  timestamp: Timestamp;
  conversationId: string;
  userId: string;
  senderId: string;
  isOnline: boolean;
  lastSeenAt: Timestamp | null;
}

export interface ConversationNewFrame {
  type: 'conversation.new';
  timestamp: Timestamp;
  conversationId: string;
  conversation: Conversation;
}

export interface ConversationLeftFrame {
  type: 'conversation.left';
  timestamp: Timestamp;
  conversationId: string;
}

/** How this user keeps a conversation, as another device of theirs said. Like the next three not durable. */
export interface ConversationMarkedFrame {
  type: 'conversation.marked';
  timestamp: Timestamp;
  conversationId: string;
  isArchived: boolean;
  isPinned: boolean;
  isMarkedUnread: boolean;
}

/** What this user has begun to write there; null: nothing any more. */
export interface DraftFrame {
  type: 'draft';
  timestamp: Timestamp;
  conversationId: string;
  text: string | null;
  replyTo: string | null;
  attachments: string[];
  updatedAt: Timestamp;
}

export interface SavedFrame {
  type: 'saved';
  timestamp: Timestamp;
  messageId: string;
  on: boolean;
}

/** Somebody is shown otherwise now. */
export interface UserChangedFrame {
  type: 'user.changed';
  timestamp: Timestamp;
  userId: string;
  handle: string | null;
  displayName: string | null;
  avatarUrl: string | null;
}

/** What an app says to itself, live to all in the conversation and not kept. Any of them may have sent it: check `data`. */
export interface EventFrame {
  type: 'event';
  timestamp: Timestamp;
  conversationId: string;
  senderId: string;
  name: string;
  data: unknown;
}

export interface ReconnectFrame {
  type: 'reconnect';
  timestamp: Timestamp;
  afterMs: number;
}

export interface ErrorFrame {
  type: 'error';
  timestamp: Timestamp;
  code: string;
  message: string;
  ref?: string | null;
  /** Before a close for which there is no room, at this gateway (1013) or for this user (4504): when to come again. */
  retryAfterMs?: number;
}

export interface AnswerFrame {
  type: 'pong' | 'ack';
  timestamp: Timestamp;
  ref?: string | null;
  conversationId?: string;
  lastSeq?: number;
}

/** A type this version does not know. With a `seq` it is durable and moves the cursor like any other. */
export interface UnknownFrame {
  type: string;
  timestamp: Timestamp;
  conversationId?: string;
  seq?: number;
  [field: string]: unknown;
}

export type KnownFrame =
  | ConnectedFrame
  | HeadsFrame
  | KnownDurable
  | MessageHiddenFrame
  | ConversationExpiredFrame
  | ScheduledChangedFrame
  | AttachmentFrame
  | ReceiptFrame
  | ReceiptsAllFrame
  | TypingFrame
  | SyncFrame
  | PresenceFrame
  | ConversationNewFrame
  | ConversationLeftFrame
  | ConversationMarkedFrame
  | DraftFrame
  | SavedFrame
  | UserChangedFrame
  | EventFrame
  | ReconnectFrame
  | ErrorFrame
  | AnswerFrame;

export type KnownType = KnownFrame['type'];
export type ServerFrame = KnownFrame | UnknownFrame;
/** The frame of one type; of a type this version does not know, the open shape. */
export type FrameOf<T extends string> = T extends KnownType ? KnownOf<KnownFrame, T> : UnknownFrame;
type KnownOf<F extends KnownFrame, T> = F extends KnownFrame ? (T extends F['type'] ? F & { type: T } : never) : never;

/** The durable kinds that this version knows. */
export type KnownDurable =
  | MessageNewFrame
  | MessageEditedFrame
  | MessageDeletedFrame
  | MessageReactionFrame
  | MessagePinnedFrame
  | ConversationChangedFrame;

/** A durable event: it has a `seq` of its own in its conversation's one order. */
export type DurableFrame = KnownDurable | (UnknownFrame & { conversationId: string; seq: number });

export type ClientFrame =
  /** `cursors`: conversations of which this client believes that it has everything up to that seq. */
  | { type: 'ping'; cursors?: Record<string, number>; ref?: string }
  | { type: 'join' | 'leave'; conversationId: string; ref?: string }
  | { type: 'typing'; conversationId: string; isTyping: boolean; ref?: string }
  | { type: 'state'; active: boolean; ref?: string }
  | { type: 'delivered' | 'read'; conversationId: string; seq: number; ref?: string }
  | { type: 'auth'; token: string; ref?: string }
  | { type: 'event'; conversationId: string; name: string; data: unknown; ref?: string };

export interface SyncQuestion {
  /** Up to which seq this client has everything. */
  conversations: Record<string, number>;
  /** That of the last complete answer. */
  asOf?: string;
  /** `next` of the answer before. */
  after?: string;
  /** Messages as they stand, instead of all that happened to them. */
  compact?: boolean;
}

export interface SyncEntry {
  events: ServerFrame[];
  firstSeq: number | null;
  lastSeq: number;
  complete: boolean;
  readSeq: number;
  unreadCount: number;
  mentionCount?: number;
  deliveredUpTo: number;
  readUpTo: number;
  /** Ids of messages that this user hid for themselves since `asOf`. */
  hidden?: string[];
}

export interface SyncAnswer {
  epoch: string;
  asOf: string;
  conversations: Record<string, SyncEntry>;
  left: string[];
  complete: boolean;
  /** More conversations wait than this answer holds: ask again from here. */
  next?: string | null;
  /** All whom the user blocks, where that changed since `asOf`. */
  blockedUsers?: string[];
}

export interface Presence {
  userId: string;
  isOnline: boolean;
  lastSeenAt: Timestamp | null;
}

export interface PresenceAnswer {
  presence: Presence[];
  /** Of whom the server knows nothing at this moment: neither online nor offline. Older servers leave it out. */
  unknown?: string[];
}

/** Types whose `seq` points at another event instead of numbering their own. */
const POINTERS: ReadonlySet<string> = new Set(['message.delivered', 'message.read']);

/** Reads one text frame. Null for what is no frame (not JSON, no `type`): such input is dropped, never thrown. */
export function parseFrame(data: unknown): ServerFrame | null {
  if (typeof data !== 'string' || data === '') return null;
  try {
    const value: unknown = JSON.parse(data);
    return isFrame(value) ? value : null;
  } catch {
    return null;
  }
}

function isFrame(value: unknown): value is ServerFrame {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

/** Whether this frame takes a place in its conversation's order, known type or not. */
export function isDurable(frame: ServerFrame): frame is DurableFrame {
  const { type, conversationId, seq } = frame as UnknownFrame;
  return !POINTERS.has(type) && typeof conversationId === 'string' && Number.isInteger(seq);
}

/** The same message as a live event, so that an HTTP answer and its echo take one path. */
export function asEvent({ id, updatedAt: _, ...message }: WireMessage, clientId: string | null): MessageNewFrame {
  return { ...message, type: 'message.new', timestamp: message.createdAt, messageId: id, status: 'sent', clientId };
}
