/** The routes of one's own things, kept in memory as the server keeps them: put before a `FakeServer`'s own. */

import type { Draft } from '../../src/account';
import type { FakeServer } from './server';

interface Marks {
  isArchived: boolean;
  isPinned: boolean;
  isMarkedUnread: boolean;
}

const FIELDS: Record<string, keyof Marks> = { archive: 'isArchived', pinned: 'isPinned', 'unread-mark': 'isMarkedUnread' };

export class FakeAccount {
  readonly drafts = new Map<string, Draft>();
  readonly saved: string[] = [];
  readonly marks = new Map<string, Marks>();
  devices = [{ id: 'd1', platform: 'ios', deviceId: null, sessionId: null, registeredAt: 't', lastSeenAt: 't' }];
  user: { id: string; handle: string | null; displayName: string | null; avatarUrl: string | null };
  totals = { messages: 0, mentions: 0, conversations: 0, marked: 0 };
  /** Refuses the next requests that change something with this code. */
  refuses: string | null = null;

  constructor(
    private readonly server: FakeServer,
    userId: string,
  ) {
    this.user = { id: userId, handle: 'me', displayName: null, avatarUrl: null };
    server.own = (method, path, body) => this.answer(method, path, body);
  }

  private answer(method: string, path: string, body: unknown): unknown {
    const [, , kind, id, what] = path.split('?')[0]!.split('/');
    if (this.refuses && method !== 'GET' && kind !== 'sync') return { status: 409, error: 'no', code: this.refuses };
    if (kind === 'drafts') return this.draft(method, id, path, body as Draft);
    if (kind === 'saved') return this.save(method, id);
    if (kind === 'unread') return this.totals;
    if (kind === 'people') return { people: [this.user] };
    if (kind === 'me' && id === 'devices') return this.device(method, what);
    if (kind === 'me') return this.profile(method, body as { displayName?: string });
    if (kind === 'conversations' && what && FIELDS[what]) return this.mark(method, id!, FIELDS[what]);
    return undefined;
  }

  private draft(method: string, id: string | undefined, path: string, body: Draft): unknown {
    if (id === undefined) return { drafts: [...this.drafts.values()].filter(({ text }) => text !== null) };
    const at = method === 'PUT' ? body.updatedAt : decodeURIComponent(/updatedAt=([^&]+)/.exec(path)![1]!);
    const before = this.drafts.get(id);
    if (!before || at > before.updatedAt) {
      const draft: Draft = method === 'PUT' ? { ...body, conversationId: id } : { conversationId: id, text: null, replyTo: null, attachments: [], updatedAt: at };
      this.drafts.set(id, draft);
      if (before || draft.text !== null) this.server.say(this.user.id, { type: 'draft', ...draft });
    }
    const stands = this.drafts.get(id)!;
    return { success: true, drafts: stands.text === null ? [] : [stands] };
  }

  private save(method: string, id: string | undefined): unknown {
    if (id === undefined) return { messages: [...this.saved].reverse().map((one) => ({ id: one })), nextCursor: null };
    const at = this.saved.indexOf(id);
    if (method === 'PUT' && at < 0) this.saved.push(id);
    if (method === 'DELETE' && at >= 0) this.saved.splice(at, 1);
    if ((method === 'PUT') === at < 0) this.server.say(this.user.id, { type: 'saved', messageId: id, on: method === 'PUT' });
    return { success: true };
  }

  private device(method: string, id: string | undefined): unknown {
    if (method === 'DELETE') this.devices = this.devices.filter((one) => one.id !== id);
    return { devices: this.devices };
  }

  private profile(method: string, body: { displayName?: string }): unknown {
    if (method === 'PATCH') {
      this.user = { ...this.user, ...body };
      const { id: userId, ...shown } = this.user;
      this.server.say(userId, { type: 'user.changed', userId, ...shown });
    }
    return { user: this.user };
  }

  private mark(method: string, id: string, field: keyof Marks): unknown {
    const marks = { ...(this.marks.get(id) ?? { isArchived: false, isPinned: false, isMarkedUnread: false }), [field]: method === 'PUT' };
    this.marks.set(id, marks);
    this.server.say(this.user.id, { type: 'conversation.marked', conversationId: id, ...marks });
    return { success: true };
  }
}
