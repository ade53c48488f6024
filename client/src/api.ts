/** The REST half: every route an app needs, with a token, a deadline and errors that say what to do next. */

import type { Clock } from './platform';
import type { Conversation, Presence, SyncAnswer, WireMessage } from './protocol';
import { within } from './timers';
import type { Tokens } from './tokens';

const DEADLINE_MS = 15_000;

/** An answer that is no success. `status` 0 is no answer at all (no network, or none in time). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Whether the same request may succeed later. A refused one (403, 400, …) will not. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status >= 500 || [401, 408, 425, 429].includes(this.status);
  }
}

export interface OutgoingMessage {
  text: string;
  replyTo?: string | undefined;
  mediaUrl?: string | undefined;
}

export interface NewConversation {
  participantIds: string[];
  isGroup?: boolean;
  name?: string;
  bountyId?: string;
}

export interface MessagePage {
  messages: WireMessage[];
  pagination: { page: number; limit: number; total: number; hasMore: boolean };
}

export interface ApiOptions {
  url: string;
  fetch: typeof fetch;
}

type Method = 'GET' | 'POST' | 'DELETE';

export class Api {
  constructor(
    private readonly options: ApiOptions,
    private readonly tokens: Tokens,
    private readonly clock: Clock,
  ) {}

  conversations(cursor: string | null): Promise<{ conversations: Conversation[]; nextCursor: string | null }> {
    return this.call('GET', `/api/conversations?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
  }

  async createConversation(asked: NewConversation): Promise<Conversation & { existing: boolean }> {
    const answer = await this.call<{ conversation: Conversation & { existing: boolean } }>('POST', '/api/conversations', asked);
    return answer.conversation;
  }

  hideConversation(id: string): Promise<unknown> {
    return this.call('DELETE', `/api/conversations/${id}`);
  }

  messagesBefore(id: string, seq: number): Promise<MessagePage> {
    return this.call('GET', `/api/conversations/${id}/messages?before=${seq}&limit=50`);
  }

  async send(id: string, message: OutgoingMessage & { clientId: string }): Promise<WireMessage> {
    const answer = await this.call<{ message: WireMessage }>('POST', `/api/conversations/${id}/messages`, message);
    return answer.message;
  }

  sync(conversations: Record<string, number>, asOf: string | null): Promise<SyncAnswer> {
    return this.call('POST', '/api/sync', asOf === null ? { conversations } : { conversations, asOf });
  }

  async presence(userIds: string[]): Promise<Presence[]> {
    const query = userIds.map(encodeURIComponent).join(',');
    return (await this.call<{ presence: Presence[] }>('GET', `/api/presence?userIds=${query}`)).presence;
  }

  registerPushToken(device: { token: string; deviceId?: string; platform?: 'ios' | 'android' }): Promise<unknown> {
    return this.call('POST', '/notifications/register-token', device);
  }

  removePushToken(token: string): Promise<unknown> {
    return this.call('DELETE', '/notifications/token', { token });
  }

  /** Asks once, and once more with a fresh token where the first was refused. Raises `ApiError`. */
  private async call<T>(method: Method, path: string, body?: object): Promise<T> {
    const first = await this.ask(method, path, body, false);
    const { response, content } = first.response.status === 401 ? await this.ask(method, path, body, true) : first;
    if (response.ok) return content as T;
    throw refusal(response, content);
  }

  private async ask(method: Method, path: string, body: object | undefined, force: boolean): Promise<Answer> {
    const token = await this.tokens.get(force);
    if (token === null) throw new ApiError(401, 'unauthorized', 'nobody is signed in');
    const headers = { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) };
    const abort = new AbortController();
    const asked = this.fetch(path, { method, headers, signal: abort.signal, ...(body && { body: JSON.stringify(body) }) });
    // Holds for the body too, and where a platform's fetch does not heed its signal.
    return within(this.clock, DEADLINE_MS, asked, () => abort.abort()).catch((error: unknown) => {
      throw new ApiError(0, 'unreachable', String(error));
    });
  }

  private async fetch(path: string, init: RequestInit): Promise<Answer> {
    const response = await this.options.fetch(this.options.url + path, init);
    return { response, content: await response.json().catch(() => null) };
  }
}

interface Answer {
  response: Response;
  content: unknown;
}

function refusal(response: Response, content: unknown): ApiError {
  const { error, code, field } = (content ?? {}) as { error?: string; code?: string; field?: string };
  const seconds = Number(response.headers.get('Retry-After'));
  const hint = seconds > 0 ? seconds * 1000 : null;
  return new ApiError(response.status, code ?? 'unknown', error ?? `HTTP ${response.status}`, field ?? null, hint);
}
