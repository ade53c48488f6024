/** What a screen shows, built from rooms and the outbox. Objects keep their identity until what they show changes. */

import type { Attachment, Forwarded, Mentions, MessageReaction, Preview } from './facets';
import { entryOf, type Entry } from './messages';
import type { OutboxItem, OutboxState } from './outbox';
import type { Pending } from './pending';
import type { Conversation, LastMessage, WireStatus } from './protocol';
import type { Room } from './room';


export type MessageStatus = OutboxState | WireStatus;

export interface ChatMessage {
  /** Stays the same from the first tap on "send" through every state: the list key. */
  key: string;
  conversationId: string;
  /** Null until the server has it. */
  id: string | null;
  seq: number | null;
  clientId: string | null;
  senderId: string;
  senderHandle: string | null;
  isMine: boolean;
  text: string;
  replyTo: string | null;
  mediaUrl: string | null;
  createdAt: string;
  editedAt: string | null;
  /** Its words, files and reactions are gone; who replied to it still does. */
  isDeleted: boolean;
  isPinned: boolean;
  reactions: readonly Required<MessageReaction>[];
  /** JSON of the app's own. */
  data: unknown;
  attachments: readonly Attachment[];
  /** The text only stands for the files. */
  placeholder: boolean;
  mentions: Mentions;
  /** Whose words it holds, where it was forwarded. */
  forwarded: Forwarded | null;
  preview: Preview | null;
  /** When it ends by itself. */
  expiresAt: string | null;
  /** Of one's own: queued, sending, sent, delivered (to all others), read (by all others), failed. */
  status: MessageStatus;
  /** Why it failed. */
  error: string | null;
}

export interface MessageList {
  /** Oldest first; what is not yet sent comes last, in the order of writing. */
  messages: readonly ChatMessage[];
  hasOlder: boolean;
  isLoadingOlder: boolean;
  /** False until the first sync or page has come. */
  isLoaded: boolean;
}

export interface ConversationView extends Omit<Conversation, 'lastMessage'> {
  /** The newest, one's own unsent ones included. */
  lastMessage: ChatMessage | null;
}

export interface Me {
  userId: string;
  handle: string;
}

export class Views {
  private readonly shown = new Map<string, Map<string, ChatMessage>>();
  private readonly listed = new Map<string, ConversationView>();

  constructor(
    private readonly me: Me,
    private readonly pending: Pending,
  ) {}

  /** All that is known of a conversation, by id. */
  known(room: Room): ReadonlyMap<string, ChatMessage> {
    const placed = room.messages.all.flatMap((entry) => this.shownPlaced(room, entry));
    return new Map(this.keep(room.id, placed).map((message) => [message.id ?? '', message]));
  }

  messages(room: Room | undefined, known: ReadonlyMap<string, ChatMessage>, unsent: readonly OutboxItem[]): ChatMessage[] {
    const cursor = room?.order.cursor ?? 0;
    const placed = (room?.messages.list ?? []).flatMap(({ messageId }) => known.get(messageId) ?? []);
    const waiting = unsent.filter((item) => item.seq === null || item.seq > cursor).map((item) => this.waiting(item));
    return [...placed, ...this.keep(`unsent ${unsent[0]?.conversationId}`, waiting)];
  }

  conversation(room: Room, meta: Conversation, unsent: readonly OutboxItem[]): ConversationView {
    const before = this.listed.get(room.id);
    const last = this.last(room, meta, unsent);
    const lastMessage = before?.lastMessage && last && isSame(before.lastMessage, last) ? before.lastMessage : last;
    const view = { ...meta, ...room.marks, lastMessage, unreadCount: room.unread(), mentionCount: room.mentions(), lastSeq: room.lastSeq, readSeq: room.readSeq };
    if (before && isSame(before, view)) return before;
    this.listed.set(room.id, view);
    return view;
  }

  private last(room: Room, meta: Conversation, unsent: readonly OutboxItem[]): ChatMessage | null {
    const item = unsent[unsent.length - 1];
    if (item) return this.waiting(item);
    const listed = meta.lastMessage;
    // What was deleted is not the last message, whatever the list said before.
    const isGone = listed !== null && this.isGone(room.messages.find(listed.id));
    const entry = [...room.messages.list].reverse().find((one) => !this.isGone(one));
    if (entry && (isGone || entry.seq >= (listed?.seq ?? 0))) return this.shownPlaced(room, entry)[0] ?? null;
    return listed && !isGone ? this.placed(room, fromList(listed, meta)) : null;
  }

  private isGone(entry: Entry | undefined): boolean {
    return entry !== undefined && this.pending.shown(entry)?.deletedAt !== null;
  }

  private shownPlaced(room: Room, entry: Entry): ChatMessage[] {
    const shown = this.pending.shown(entry);
    return shown ? [this.placed(room, shown)] : [];
  }

  private placed(room: Room, entry: Entry): ChatMessage {
    const { messageId, seq, clientId, senderId, senderHandle, text, replyTo, mediaUrl, createdAt, editedAt, isPinned, reactions, data, attachments, placeholder, mentions, forwarded, preview, expiresAt } = entry;
    const isMine = senderId === this.me.userId;
    const seen = seq <= room.readSeq ? 'read' : 'delivered';
    return {
      key: (isMine && clientId) || messageId, conversationId: room.id, id: messageId, seq, clientId, senderId, senderHandle,
      isMine, text, replyTo, mediaUrl, createdAt, editedAt, isDeleted: entry.deletedAt !== null, isPinned, reactions, data,
      attachments, placeholder, mentions, forwarded, preview, expiresAt,
      status: isMine ? room.pointers.status(seq, room.others) : seen, error: null,
    };
  }

  private waiting(item: OutboxItem): ChatMessage {
    const { clientId, conversationId, text, replyTo, mediaUrl, state, error, seq, carried } = item;
    return {
      key: clientId, conversationId, id: null, seq, clientId, senderId: this.me.userId, senderHandle: this.me.handle,
      isMine: true, text, replyTo, mediaUrl, createdAt: new Date(item.writtenAt).toISOString(), editedAt: null, isDeleted: false,
      isPinned: false, reactions: NO_REACTIONS, data: null, attachments: NO_FILES, placeholder: false, mentions: carried?.mentions ?? NOBODY,
      forwarded: null, preview: carried?.preview ?? null, expiresAt: null, status: state, error,
    };
  }

  private keep(id: string, messages: ChatMessage[]): ChatMessage[] {
    const old = this.shown.get(id);
    const kept = messages.map((message) => {
      const before = old?.get(message.key);
      return before && isSame(before, message) ? before : message;
    });
    this.shown.set(id, new Map(kept.map((message) => [message.key, message])));
    return kept;
  }
}

const NO_REACTIONS: ChatMessage['reactions'] = [];
const NOBODY: Mentions = [];
const NO_FILES: ChatMessage['attachments'] = [];

function isSame<T extends object>(a: T, b: T): boolean {
  return (Object.keys(b) as (keyof T)[]).every((field) => a[field] === b[field]);
}

function fromList(last: LastMessage, meta: Conversation): Entry {
  const senderHandle = meta.participants.find(({ id }) => id === last.senderId)?.handle ?? null;
  return entryOf({ ...last, messageId: last.id, senderHandle });
}
