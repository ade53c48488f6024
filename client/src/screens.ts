/** The readable state of the whole client: lists and counts that a view subscribes to. */

import type { Outbox } from './outbox';
import type { Pending } from './pending';
import type { Room } from './room';
import type { Rooms } from './rooms';
import { Derived, Family, type Readable } from './store';
import { Views, type ChatMessage, type ConversationView, type Me, type MessageList } from './views';

export class Screens {
  /** Newest activity first. Null until the list has come. */
  readonly conversations = new Derived<readonly ConversationView[] | null>(() => (this.listed ? this.all().filter(({ isArchived }) => !isArchived) : null));
  readonly archived = new Derived<readonly ConversationView[]>(() => this.all().filter(({ isArchived }) => isArchived));
  readonly unread = new Derived<number>(() => this.sum());
  readonly isSynced = new Derived<boolean>(() => this.synced);
  private readonly messageLists = new Family<MessageList>((id) => this.messageList(id));
  private readonly knowns = new Family<ReadonlyMap<string, ChatMessage>>((id) => this.knownOf(id));
  private readonly arounds = new Family<readonly ChatMessage[]>((id) => this.aroundOf(id));
  private readonly windows = new Map<string, readonly string[]>();
  /** Hears which conversation changed; null for all of them. */
  onChange: (conversationId: string | null) => void = () => {};
  private readonly loadingOlder = new Set<string>();
  private readonly views: Views;
  private listed = false;
  private synced = false;

  constructor(
    private readonly rooms: Rooms,
    private readonly outbox: Outbox,
    me: Me,
    pending: Pending,
  ) {
    this.views = new Views(me, pending);
  }

  /** All that is known of a conversation's messages, by id, those apart included. */
  known(conversationId: string): Readable<ReadonlyMap<string, ChatMessage>> {
    return this.knowns.of(conversationId);
  }

  /** What is shown of the last page that was asked for around a place. */
  around(conversationId: string): Readable<readonly ChatMessage[]> {
    return this.arounds.of(conversationId);
  }

  setWindow(conversationId: string, ids: readonly string[]): void {
    this.windows.set(conversationId, ids);
  }

  messages(conversationId: string): Readable<MessageList> {
    return this.messageLists.of(conversationId);
  }

  changed(conversationId: string): void {
    this.knowns.invalidate(conversationId);
    this.arounds.invalidate(conversationId);
    this.onChange(conversationId);
    this.messageLists.invalidate(conversationId);
    this.conversations.invalidate();
    this.archived.invalidate();
    this.unread.invalidate();
  }

  changedAll(): void {
    this.knowns.invalidateAll();
    this.arounds.invalidateAll();
    this.windows.clear();
    this.onChange(null);
    this.messageLists.invalidateAll();
    this.conversations.invalidate();
    this.archived.invalidate();
    this.unread.invalidate();
  }

  setListed(): void {
    this.listed = true;
    this.conversations.invalidate();
  }

  setSynced(synced: boolean): void {
    if (synced === this.synced) return;
    this.synced = synced;
    this.isSynced.invalidate();
  }

  setLoadingOlder(conversationId: string, loading: boolean): void {
    if (loading) this.loadingOlder.add(conversationId);
    else this.loadingOlder.delete(conversationId);
    this.messageLists.invalidate(conversationId);
  }

  private messageList(id: string): MessageList {
    const room = this.rooms.get(id);
    return {
      messages: this.views.messages(room, this.known(id).getSnapshot(), this.outbox.of(id)),
      hasOlder: room?.order.hasOlder ?? false,
      isLoadingOlder: this.loadingOlder.has(id),
      isLoaded: (room?.order.cursor ?? null) !== null,
    };
  }

  private knownOf(id: string): ReadonlyMap<string, ChatMessage> {
    const room = this.rooms.get(id);
    return room ? this.views.known(room) : new Map();
  }

  private aroundOf(id: string): readonly ChatMessage[] {
    const known = this.known(id).getSnapshot();
    return (this.windows.get(id) ?? []).flatMap((messageId) => known.get(messageId) ?? []);
  }

  private all(): ConversationView[] {
    const views = this.rooms.all().flatMap((room) => this.view(room));
    return views.sort((a, b) => (activity(a) < activity(b) ? 1 : -1));
  }

  private view(room: Room): ConversationView[] {
    return room.meta ? [this.views.conversation(room, room.meta, this.outbox.of(room.id))] : [];
  }

  private sum(): number {
    return this.rooms.all().reduce((sum, room) => sum + (room.meta ? room.unread() : 0), 0);
  }
}

function activity({ lastMessage, createdAt }: ConversationView): string {
  return lastMessage?.createdAt ?? createdAt;
}
