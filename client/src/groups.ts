/** What a group is called, how it is set, who comes in and leaves: asked of the server once, told to all by an event. */

import type { Api } from './api';
import type { Conversation, GroupSettings, Timestamp } from './protocol';

export type Role = 'owner' | 'admin' | 'member';

/** What is left out stays; null clears. */
export interface GroupChange {
  name?: string | null;
  description?: string | null;
  avatar?: string | null;
  settings?: Partial<GroupSettings>;
}

export interface Invite {
  id: string;
  createdBy: string;
  createdAt: Timestamp;
  expiresAt: Timestamp;
  /** Null: as many as the group has room for. */
  maxUses: number | null;
  uses: number;
}

export interface InvitePreview {
  name: string | null;
  avatarUrl: string | null;
  participantCount: number;
}

/** Every method raises `ApiError`; its `code` says why, `not_allowed` where one's role does not do. */
export class Groups {
  constructor(
    private readonly api: Pick<Api, 'call'>,
    private readonly userId: () => string,
  ) {}

  async update(id: string, change: GroupChange): Promise<Conversation> {
    return (await this.api.call<{ conversation: Conversation }>('PATCH', `/api/conversations/${id}`, change)).conversation;
  }

  /** Who was not in it before. `history: 'all'` shows newcomers what was said before. */
  async add(id: string, userIds: readonly string[], history: 'none' | 'all' = 'none'): Promise<string[]> {
    return (await this.api.call<{ added: string[] }>('POST', `/api/conversations/${id}/members`, { userIds, history })).added;
  }

  async remove(id: string, userId: string): Promise<void> {
    await this.api.call('DELETE', `/api/conversations/${id}/members/${userId}`);
  }

  /** Where this user owned it alone, who stands longest owns it from then on. */
  leave(id: string): Promise<void> {
    return this.remove(id, this.userId());
  }

  /** Refused with `last_owner` where nobody else owns it. */
  async setRole(id: string, userId: string, role: Role): Promise<void> {
    await this.api.call('PATCH', `/api/conversations/${id}/members/${userId}`, { role });
  }

  async invites(id: string): Promise<Invite[]> {
    return (await this.api.call<{ invites: Invite[] }>('GET', `/api/conversations/${id}/invites`)).invites;
  }

  /** The `token` is told this once: put it into the link. `expiresIn` in seconds, 7 days by default. */
  async createInvite(id: string, asked: { expiresIn?: number; maxUses?: number } = {}): Promise<Invite & { token: string }> {
    return (await this.api.call<{ invite: Invite & { token: string } }>('POST', `/api/conversations/${id}/invites`, asked)).invite;
  }

  async revokeInvite(id: string, inviteId: string): Promise<void> {
    await this.api.call('DELETE', `/api/conversations/${id}/invites/${inviteId}`);
  }

  previewInvite(token: string): Promise<InvitePreview> {
    return this.api.call('GET', `/api/invites/${encodeURIComponent(token)}`);
  }

  async join(token: string): Promise<Conversation> {
    return (await this.api.call<{ conversation: Conversation }>('POST', `/api/invites/${encodeURIComponent(token)}`)).conversation;
  }
}
