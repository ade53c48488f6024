/** Blocking, reporting, and what moderators did: an entry of its own, for apps that show messages of strangers. */

import type { ParleyClient } from './client';
import type { Conversation } from './protocol';
import { Derived, Family, type Readable, type Unsubscribe } from './store';
import type { ChatMessage } from './views';

export interface Block {
  userId: string;
  handle: string | null;
  createdAt: string;
}

export type ReportReason =
  | 'spam' | 'harassment' | 'hate' | 'sexual' | 'child_safety' | 'violence' | 'self_harm' | 'scam' | 'other';

/** In the order in which a sheet may show them. */
export const REPORT_REASONS: readonly ReportReason[] = [
  'spam', 'harassment', 'hate', 'sexual', 'child_safety', 'violence', 'self_harm', 'scam', 'other',
];

/** Of a message, or of a person. */
export type ReportTarget = { messageId: string; conversationId: string; messageKey?: string } | { userId: string };

/** What a moderator did to this user, and why. `until` null: for good, or it was done at once. */
export interface Notice {
  id: string;
  action: 'delete' | 'mute' | 'ban' | 'reject' | (string & {});
  reason: string;
  until: string | null;
  conversationId: string | null;
  messageId: string | null;
  createdAt: string;
}

export interface NoticePage {
  notices: Notice[];
  nextCursor: string | null;
}

const NOBODY: ReadonlySet<string> = new Set();

/** One for each client. `stop()` it with the client. */
export class Safety {
  /** The ids of those whom the user blocks; empty until it is known. */
  readonly blocked: Readable<ReadonlySet<string>>;
  /** Of the conversations in which a moderator lets the user say nothing: until when (ISO 8601). */
  readonly mutes: Readable<ReadonlyMap<string, string>>;

  private ids = NOBODY;
  private silenced: ReadonlyMap<string, string> = new Map();
  private readonly shownAnyway = new Set<string>();
  private readonly blockedView = new Derived(() => this.ids);
  private readonly mutesView = new Derived(() => this.silenced);
  private readonly typists: Family<readonly string[]>;
  private readonly stops: Unsubscribe[];

  constructor(private readonly client: ParleyClient) {
    this.blocked = this.blockedView;
    this.mutes = this.mutesView;
    this.typists = new Family((id) => this.client.typing(id).getSnapshot().filter((user) => !this.ids.has(user)));
    this.stops = [
      client.on('blocks.changed', () => void this.refresh()),
      client.on('blocked', ({ userIds }) => this.set(userIds)),
      client.on('moderation.notice', (frame) => this.noticed(frame as unknown as Notice)),
    ];
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }

  /** Whom the user blocks, the latest first. Raises `ApiError`. */
  async list(): Promise<Block[]> {
    const { blocks } = await this.client.request<{ blocks: Block[] }>('GET', '/api/blocks');
    this.set(blocks.map(({ userId }) => userId));
    return blocks;
  }

  /** Ends the conversations of the two; in groups their messages are collapsed. Raises `ApiError`. */
  async block(userId: string): Promise<void> {
    await this.client.request('PUT', `/api/blocks/${userId}`);
    this.set([...this.ids, userId]);
  }

  /** Brings their conversations back. Raises `ApiError`. */
  async unblock(userId: string): Promise<void> {
    await this.client.request('DELETE', `/api/blocks/${userId}`);
    this.set([...this.ids].filter((id) => id !== userId));
  }

  /** The conversations that ended by a block of this user's: to be read and reported. Raises `ApiError`. */
  async conversations(cursor?: string): Promise<{ conversations: Conversation[]; nextCursor: string | null }> {
    const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
    return this.client.request('GET', `/api/conversations?blocked=true${more}`);
  }

  /** Tells the moderators; the same again is one report. Raises `ApiError`. */
  async report(target: ReportTarget, reason: ReportReason, text?: string): Promise<void> {
    await this.client.request('POST', '/api/reports', { ...target, reason, ...(text && { text }) });
  }

  /** What moderators did to this user, the newest first. Raises `ApiError`. */
  notices(cursor?: string): Promise<NoticePage> {
    return this.client.request('GET', `/api/me/notices${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''}`);
  }

  /** Whether a message of a group is to be shown collapsed: its sender is blocked, and `showAnyway` was not called. */
  isCollapsed(message: Pick<ChatMessage, 'id' | 'senderId'>): boolean {
    return this.ids.has(message.senderId) && !this.shownAnyway.has(message.id ?? '');
  }

  /** Shows one collapsed message from here on. */
  showAnyway(messageId: string): void {
    this.shownAnyway.add(messageId);
    this.blockedView.invalidate();
  }

  /** As `client.typing`, without those who are blocked. */
  typing(conversationId: string): Readable<readonly string[]> {
    const own = this.typists.of(conversationId);
    return {
      getSnapshot: own.getSnapshot,
      subscribe: (listener) => {
        const stop = own.subscribe(listener);
        const stopTyping = this.client.typing(conversationId).subscribe(() => this.typists.invalidate(conversationId));
        return () => {
          stop();
          stopTyping();
        };
      },
    };
  }

  private async refresh(): Promise<void> {
    // Where that fails the next sync tells it.
    await this.list().catch(() => undefined);
  }

  private set(userIds: readonly string[]): void {
    this.ids = new Set(userIds);
    this.blockedView.invalidate();
    this.typists.invalidateAll();
  }

  private noticed({ action, conversationId, until }: Notice): void {
    if (action !== 'mute' || !conversationId || !until) return;
    this.silenced = new Map([...this.silenced, [conversationId, until]]);
    this.mutesView.invalidate();
  }
}

export function createSafety(client: ParleyClient): Safety {
  return new Safety(client);
}
