/** The REST half: every route an app needs, with a token, a deadline and errors that say what to do next. */

import type { Clock } from './platform';
import type { Mentions, Preview } from './facets';
import type { Conversation, Member, MessageReceipts, PresenceAnswer, SyncAnswer, SyncQuestion, WireMessage } from './protocol';
import { within } from './timers';
import type { Tokens } from './tokens';

const DEADLINE_MS = 15_000;
/** A sync's answer may be 2 MiB: on a slow link a shorter deadline would fail for ever, over and over. */
const LONG_DEADLINE_MS = 120_000;

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

/** What a message carries beside its text. */
export interface Carried {
  /** Ids of users, or all: they are notified. */
  mentions?: Mentions | undefined;
  /** A message that this user sees: a copy of its text and files is sent, which says who wrote it. */
  forward?: { conversationId: string; messageId: string } | undefined;
  preview?: Preview | undefined;
  /** Seconds from the sending on; then it is gone, for all. */
  expiresIn?: number | undefined;
}

export interface OutgoingMessage extends Carried {
  /** May be empty beside a forward. */
  text: string;
  replyTo?: string | undefined;
  mediaUrl?: string | undefined;
  /** Ids of files that are ready, made for this conversation. */
  attachments?: readonly string[] | undefined;
}

export interface NewConversation {
  participantIds: string[];
  isGroup?: boolean;
  name?: string;
  bountyId?: string;
}

export interface MembersQuery {
  /** Part of a name or handle. */
  q?: string;
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string | null;
}

export interface MembersPage {
  members: Member[];
  nextCursor: string | null;
}

export interface MessagePage {
  messages: WireMessage[];
  pagination: { page: number; limit: number; total: number; hasMore: boolean };
  /** The messages are as they were when the order had come so far. Older servers leave it out. */
  asOfSeq?: number;
}

export interface PageQuery {
  before?: number;
  around?: number;
  pinned?: boolean;
  limit: number;
}

export interface MessageEdit {
  text: string;
  data?: unknown;
  /** Refused with the code `changed` where the message was touched since. */
  ifRev?: number;
}

export interface ApiOptions {
  url: string;
  fetch: typeof fetch;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export class Api {
  /** The requests under way that this client makes again by itself. */
  private readonly repeated = new Set<AbortController>();

  constructor(
    private readonly options: ApiOptions,
    private readonly tokens: Tokens,
    private readonly clock: Clock,
  ) {}

  /** Fails the requests that are made again anyway: the path they went by is dead, and they would hang on it. */
  abandon(): void {
    for (const request of this.repeated) request.abort();
  }

  conversations(cursor: string | null): Promise<{ conversations: Conversation[]; nextCursor: string | null }> {
    const path = `/api/conversations?limit=100&archived=all${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
    return this.call('GET', path, undefined, DEADLINE_MS);
  }

  async createConversation(asked: NewConversation): Promise<Conversation & { existing: boolean }> {
    const answer = await this.call<{ conversation: Conversation & { existing: boolean } }>('POST', '/api/conversations', asked);
    return answer.conversation;
  }

  hideConversation(id: string): Promise<unknown> {
    return this.call('DELETE', `/api/conversations/${id}`);
  }

  messages(id: string, query: PageQuery): Promise<MessagePage> {
    return this.call('GET', `/api/conversations/${id}/messages?${queryOf(query)}`);
  }

  async edit(id: string, messageId: string, edit: MessageEdit): Promise<WireMessage> {
    return (await this.call<{ message: WireMessage }>('PATCH', messagePath(id, messageId), edit)).message;
  }

  delete(id: string, messageId: string, whose: 'all' | 'me'): Promise<unknown> {
    return this.call('DELETE', `${messagePath(id, messageId)}?for=${whose}`);
  }

  /** Sets or takes back; gives the seq of the last event that touched the message. */
  async set(id: string, messageId: string, what: string, on: boolean): Promise<number> {
    return (await this.call<{ rev: number }>(on ? 'PUT' : 'DELETE', `${messagePath(id, messageId)}/${what}`)).rev;
  }

  receipts(id: string, messageId: string): Promise<MessageReceipts> {
    return this.call('GET', `${messagePath(id, messageId)}/receipts`);
  }

  async send(id: string, message: OutgoingMessage & { clientId: string }): Promise<WireMessage> {
    const path = `/api/conversations/${id}/messages`;
    return (await this.call<{ message: WireMessage }>('POST', path, message, DEADLINE_MS)).message;
  }

  sync(question: SyncQuestion): Promise<SyncAnswer> {
    return this.call('POST', '/api/sync', question, LONG_DEADLINE_MS);
  }

  presence(userIds: string[]): Promise<PresenceAnswer> {
    const query = userIds.map(encodeURIComponent).join(',');
    return this.call('GET', `/api/presence?userIds=${query}`, undefined, DEADLINE_MS);
  }

  members(id: string, query: MembersQuery): Promise<MembersPage> {
    return this.call('GET', `/api/conversations/${id}/members?${queryOf(query)}`);
  }

  registerPushToken(device: { token: string; deviceId?: string; platform?: 'ios' | 'android' }): Promise<unknown> {
    return this.call('POST', '/notifications/register-token', device);
  }

  removePushToken(token: string): Promise<unknown> {
    return this.call('DELETE', '/notifications/token', { token });
  }

  /**
   * Asks once, and once more with a fresh token where the first was refused. Raises `ApiError`. A request with a
   * deadline of its own is one that the client makes again by itself, and may be abandoned; `signal` aborts this one.
   */
  async call<T>(method: Method, path: string, body?: object, repeatedMs?: number, signal?: AbortSignal): Promise<T> {
    const request = { method, path, body, repeatedMs, signal };
    const first = await this.ask(request, false);
    const { response, content } = first.response.status === 401 ? await this.ask(request, true) : first;
    if (response.ok) return content as T;
    throw refusal(response, content);
  }

  private async ask({ method, path, body, repeatedMs, signal }: Request, force: boolean): Promise<Answer> {
    const token = await this.tokens.get(force);
    if (token === null) throw new ApiError(401, 'unauthorized', 'nobody is signed in');
    const abort = new AbortController();
    const end = (): void => abort.abort();
    if (signal?.aborted) throw new ApiError(0, 'unreachable', 'aborted');
    signal?.addEventListener('abort', end);
    const headers = { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) };
    const asked = this.fetch(path, { method, headers, signal: abort.signal, ...(body && { body: JSON.stringify(body) }) });
    if (repeatedMs) this.repeated.add(abort);
    // Covers the body too, and a platform whose fetch does not heed its signal.
    return within(this.clock, repeatedMs ?? DEADLINE_MS, asked, abort)
      .catch((error: unknown) => {
        throw new ApiError(0, 'unreachable', String(error));
      })
      .finally(() => {
        this.repeated.delete(abort);
        signal?.removeEventListener('abort', end);
      });
  }

  private async fetch(path: string, init: RequestInit): Promise<Answer> {
    const response = await this.options.fetch(this.options.url + path, init);
    const text = await response.text();
    try {
      return { response, content: JSON.parse(text || 'null') };
    } catch (error) {
      // Of an error's body the status says enough; half of a good one is none.
      if (response.ok) throw error;
      return { response, content: null };
    }
  }
}

function messagePath(id: string, messageId: string): string {
  return `/api/conversations/${id}/messages/${messageId}`;
}

function queryOf(query: object): string {
  const given = Object.entries(query).filter(([, value]) => value != null);
  return given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
}

interface Request {
  method: Method;
  path: string;
  body: object | undefined;
  repeatedMs: number | undefined;
  signal: AbortSignal | undefined;
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
