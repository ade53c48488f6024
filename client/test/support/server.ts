/** A server that keeps the contract in memory, with the faults of a network at hand. */

import type { Conversation, MessageNewFrame, SyncQuestion, WireMessage } from '../../src';
import { FakeSocket } from './socket';

interface Log {
  meta: { id: string; participants: { id: string; handle: string }[] };
  events: (MessageNewFrame | { type: string; conversationId: string; seq: number; timestamp: string })[];
  read: Map<string, number>;
  delivered: Map<string, number>;
  hiddenUpTo: Map<string, number>;
}

type Fault = 'none' | 'refused' | 'hanging' | 'answer lost';

export class FakeServer {
  epoch = 'e1';
  /** What happens to REST calls, and to new sockets. `answer lost`: done, but nobody hears of it. */
  http: Fault = 'none';
  ws: 'none' | 'refused' | 'silent' = 'none';
  /** Events that are not sent live, as if a gateway had lost them. */
  mute: (seq: number) => boolean = () => false;
  /** Milliseconds between an HTTP request's effect and its answer. */
  answerDelayMs = 0;
  /** Sync gives at most this many events per conversation and answer. */
  syncPage = 1000;
  /** Of these nobody knows whether they are online; of those away they are not. */
  unknown = new Set<string>();
  away = new Set<string>();
  /** Conversations in one frame of `connected` and its parts, in one answer of sync, and people that a list names. */
  headsPerFrame: number | null = null;
  syncConversations = Infinity;
  namedPeople = Infinity;
  /** Answers before the server does; undefined: it is not its own. An answer with a `status` is refused with that. */
  own: (method: string, path: string, body: unknown) => unknown = () => undefined;
  readonly calls: { method: string; path: string; body: unknown }[] = [];
  readonly logs = new Map<string, Log>();
  private snapshots = 0;
  private readonly left = new Map<string, Set<string>>();
  private readonly sockets = new Map<FakeSocket, string>();

  /** `tokens`: which user a token is of. */
  constructor(readonly tokens: Record<string, string>) {
    FakeSocket.onNew = (socket) => void Promise.resolve().then(() => this.accept(socket));
  }

  /** A JWT of this user, as the server would take it; `version` tells one from the next. */
  jwt(user: string, version = 1): string {
    const token = ['{}', JSON.stringify({ sub: user, version }), 'signature'].map((part) => btoa(part)).join('.');
    this.admit(token, user);
    return token;
  }

  admit(token: string, user: string): void {
    this.tokens[token] = user;
  }

  conversation(id: string, ...participants: string[]): void {
    this.logs.set(id, {
      meta: { id, participants: participants.map((user) => ({ id: user, handle: `h-${user.slice(0, 2)}` })) },
      events: [], read: new Map(), delivered: new Map(), hiddenUpTo: new Map(),
    });
  }

  post(id: string, senderId: string, text: string, clientId: string | null = null): MessageNewFrame {
    const log = this.log(id);
    const seq = log.events.length + 1;
    const now = new Date().toISOString();
    const event: MessageNewFrame = {
      type: 'message.new', timestamp: now, conversationId: id, messageId: `${id}-${seq}`, seq, senderId, senderHandle: 'h',
      text, status: 'sent', clientId, replyTo: null, mediaUrl: null, createdAt: now,
    };
    log.events.push(event);
    log.read.set(senderId, seq);
    if (!this.mute(seq)) this.tell(id, event);
    return event;
  }

  /** A durable event of a type that no client knows yet. */
  postUnknown(id: string): void {
    const log = this.log(id);
    const event = { type: 'message.starred', conversationId: id, seq: log.events.length + 1, timestamp: new Date().toISOString() };
    log.events.push(event);
    this.tell(id, event);
  }

  receipt(id: string, senderId: string, kind: 'delivered' | 'read', seq: number): void {
    this.log(id)[kind].set(senderId, seq);
    this.tell(id, { type: `message.${kind}`, conversationId: id, messageId: `${id}-${seq}`, seq, senderId, status: kind });
  }

  tell(id: string, frame: object): void {
    for (const [socket, user] of this.sockets) if (this.isIn(id, user)) socket.receive(frame);
  }

  /** To all sockets of one user. */
  say(user: string, frame: object): void {
    for (const [socket, whose] of this.sockets) if (whose === user) socket.receive(frame);
  }

  kick(id: string, user: string): void {
    this.left.set(user, (this.left.get(user) ?? new Set()).add(id));
    const log = this.log(id);
    log.meta.participants = log.meta.participants.filter((participant) => participant.id !== user);
  }

  /** What hiding does for one user: nothing of before is theirs any more. */
  hide(id: string, user: string): void {
    this.log(id).hiddenUpTo.set(user, this.log(id).events.length);
  }

  heads(user: string): Record<string, number> {
    return Object.fromEntries(this.of(user).map(([id, log]) => [id, log.events.length]));
  }

  fetch: typeof fetch = async (input, init) => {
    const path = String(input).replace('http://parley.test', '');
    const body: unknown = init?.body ? JSON.parse(String(init.body)) : null;
    const method = init?.method ?? 'GET';
    this.calls.push({ method, path, body });
    if (this.http === 'refused') throw new TypeError('fetch failed');
    const user = this.tokens[String((init?.headers as Record<string, string>)['Authorization']).replace('Bearer ', '')];
    if (this.http === 'hanging') return this.never(init);
    const own = this.own(method, path, body);
    const answer = own !== undefined ? json((own as { status?: number }).status ?? 200, own) : user ? this.answer(user, method, path, body) : json(401, { error: 'no', code: 'unauthorized' });
    if (this.http === 'answer lost') return this.never(init);
    if (this.answerDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.answerDelayMs));
    return answer;
  };

  callsTo(path: string): { method: string; path: string; body: unknown }[] {
    return this.calls.filter((call) => call.path.startsWith(path));
  }

  private never(init: RequestInit | undefined): Promise<Response> {
    return new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
  }

  private accept(socket: FakeSocket): void {
    if (socket.isClosed || this.ws === 'silent') return;
    if (this.ws === 'refused') return socket.drop(1006);
    const user = this.tokens[socket.protocols[1] ?? ''];
    if (!user) {
      socket.receive({ type: 'error', code: 'unauthorized', message: 'Authentication failed' });
      return socket.drop(4401);
    }
    this.sockets.set(socket, user);
    socket.onSend = (frame) => this.hear(socket, user, frame);
    const all = Object.entries(this.heads(user));
    const [first, ...rest] = this.parts(all);
    const greeting = { userId: user, connectionId: 'c', epoch: this.epoch, heartbeatSeconds: 25, reconnectJitterMs: 1000, maxFrameBytes: 65536 };
    socket.receive({ type: 'connected', ...greeting, ...first, ...(this.headsPerFrame && { conversationCount: all.length }) });
    for (const part of rest) socket.receive({ type: 'heads', ...part });
  }

  private parts(all: [string, number][]): object[] {
    const size = this.headsPerFrame;
    if (size === null) return [{ conversationIds: all.map(([id]) => id), heads: Object.fromEntries(all) }];
    const starts = Array.from({ length: Math.max(1, Math.ceil(all.length / size)) }, (_, n) => n * size);
    return starts.map((at) => {
      const part = all.slice(at, at + size);
      return { conversationIds: part.map(([id]) => id), heads: Object.fromEntries(part), ...(at + size >= all.length && { last: true }) };
    });
  }

  private hear(socket: FakeSocket, user: string, frame: { type: string; ref?: string; conversationId?: unknown; seq?: unknown }): void {
    if (frame.type === 'ping') return socket.receive({ type: 'pong', ref: frame.ref ?? null });
    if (frame.type === 'delivered' || frame.type === 'read') {
      const log = this.log(String(frame.conversationId));
      log[frame.type].set(user, Math.max(log[frame.type].get(user) ?? 0, Number(frame.seq)));
      this.tell(log.meta.id, { type: `message.${frame.type}`, conversationId: log.meta.id, messageId: 'm', seq: frame.seq, senderId: user, status: frame.type });
    }
    if (frame.ref) socket.receive({ type: 'ack', ref: frame.ref });
  }

  private answer(user: string, method: string, path: string, body: unknown): Response {
    const [, , kind, id] = path.split('?')[0]!.split('/');
    if (path === '/api/sync') return json(200, this.sync(user, body as SyncQuestion));
    if (kind === 'presence') return json(200, this.presence(OTHER_OF(path)));
    if (kind?.startsWith('conversations') && !id) return json(200, { conversations: this.of(user).map(([, log]) => this.describe(user, log)), nextCursor: null });
    if (method === 'POST' && id) return this.send(user, id, body as { text: string; clientId: string });
    if (method === 'GET' && id) return this.page(user, id, Number(/before=(\d+)/.exec(path)?.[1] ?? 1e9));
    if (method === 'DELETE' && id) {
      this.hide(id, user);
      return json(200, { success: true });
    }
    return json(404, { error: 'not here', code: 'not_found' });
  }

  private send(user: string, id: string, { text, clientId }: { text: string; clientId: string }): Response {
    if (!this.isIn(id, user)) return json(403, { error: 'not a participant', code: 'forbidden' });
    const first = this.log(id).events.find((event) => 'clientId' in event && event.clientId === clientId && event.senderId === user);
    const event = (first as MessageNewFrame | undefined) ?? this.post(id, user, text, clientId);
    return json(first ? 200 : 201, { message: this.wire(user, event) });
  }

  private page(user: string, id: string, before: number): Response {
    const all = this.log(id).events.filter((event): event is MessageNewFrame => event.type === 'message.new' && event.seq < before && event.seq > (this.log(id).hiddenUpTo.get(user) ?? 0));
    const messages = all.slice(-50).map((event) => this.wire(user, event));
    return json(200, { messages, pagination: { page: 1, limit: 50, total: all.length, hasMore: all.length > 50 } });
  }

  private presence(userId: string): unknown {
    if (this.unknown.has(userId)) return { presence: [], unknown: [userId] };
    return { presence: [{ userId, isOnline: !this.away.has(userId), lastSeenAt: null }], unknown: [] };
  }

  private sync(user: string, { conversations: cursors, after = '' }: SyncQuestion): unknown {
    const waiting = this.of(user).map(([id]) => id).filter((id) => id > after).sort();
    const given = waiting.slice(0, this.syncConversations);
    const next = waiting.length > given.length ? { next: given.at(-1) } : {};
    let complete = !('next' in next);
    const entries = this.of(user).filter(([id]) => given.includes(id) || (after !== '' && id <= after && id in cursors)).map(([id, log]) => {
      const hidden = log.hiddenUpTo.get(user) ?? 0;
      const known = (cursors[id] ?? Infinity) <= log.events.length ? cursors[id] : undefined;
      const from = Math.max(known ?? log.events.length - 50, hidden, 0);
      const events = log.events.slice(from, from + this.syncPage);
      const done = from + events.length === log.events.length;
      complete &&= done;
      const others = log.meta.participants.map((p) => p.id).filter((other) => other !== user);
      const least = (pointers: Map<string, number>): number => Math.min(...others.map((other) => pointers.get(other) ?? 0));
      return [id, {
        events, firstSeq: from + 1, lastSeq: from + events.length, complete: done,
        readSeq: log.read.get(user) ?? 0, unreadCount: this.unread(user, log), deliveredUpTo: least(log.delivered), readUpTo: least(log.read),
      }];
    });
    const left = Object.keys(cursors).filter((id) => !this.of(user).some(([mine]) => mine === id));
    const asOf = this.syncConversations < Infinity ? String(++this.snapshots) : 'now';
    return { epoch: this.epoch, asOf, conversations: Object.fromEntries(entries), left, complete, ...next };
  }

  private describe(user: string, log: Log): Conversation {
    const last = log.events.filter((event): event is MessageNewFrame => event.type === 'message.new').at(-1);
    return {
      ...log.meta, participants: log.meta.participants.slice(0, this.namedPeople),
      ...(this.namedPeople < Infinity && { participantCount: log.meta.participants.length }), isGroup: log.meta.participants.length > 2, name: null, bountyId: null,
      createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z',
      lastMessage: last ? { id: last.messageId, seq: last.seq, text: last.text, senderId: last.senderId, createdAt: last.createdAt } : null,
      unreadCount: this.unread(user, log), lastSeq: log.events.length, readSeq: log.read.get(user) ?? 0,
    };
  }

  private unread(user: string, log: Log): number {
    return log.events.filter((event) => 'text' in event && event.senderId !== user && event.seq > (log.read.get(user) ?? 0)).length;
  }

  private wire(user: string, event: MessageNewFrame): WireMessage {
    const { messageId: id, conversationId, seq, senderId, senderHandle, text, createdAt } = event;
    const others = this.log(conversationId).meta.participants.filter((p) => p.id !== user);
    const read = others.every((p) => (this.log(conversationId).read.get(p.id) ?? 0) >= seq);
    return {
      id, conversationId, seq, senderId, senderHandle, text, createdAt, updatedAt: createdAt,
      mediaUrl: null, replyTo: null, isPinned: false, status: read ? 'read' : 'sent',
    };
  }

  private of(user: string): [string, Log][] {
    return [...this.logs].filter(([id, log]) => this.isIn(id, user) && log.hiddenUpTo.get(user) !== log.events.length);
  }

  private isIn(id: string, user: string): boolean {
    return this.log(id).meta.participants.some((participant) => participant.id === user);
  }

  private log(id: string): Log {
    const log = this.logs.get(id);
    if (!log) throw new Error(`no conversation ${id}`);
    return log;
  }
}

function OTHER_OF(path: string): string {
  return decodeURIComponent(path.split('userIds=')[1] ?? '').split(',')[0] ?? '';
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
}
