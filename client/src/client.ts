/** The client: composes connection, sync, outbox and the rest, and is all that an app talks to. */

import type { Account, AccountOf } from './account';
import { Actions } from './actions';
import { Api, type MessageEdit, type MembersPage, type MembersQuery, type NewConversation, type OutgoingMessage } from './api';
import { CloseCode } from './codes';
import { Connection, type ConnectionState } from './connection';
import { Events } from './events';
import { Groups } from './groups';
import type { History, Keeper } from './history';
import { Inbound } from './inbound';
import { Outbox } from './outbox';
import { Pages } from './pages';
import { Pending } from './pending';
import { barePlatform, systemClock, type Clock, type Env, type Platform, type SocketConstructor } from './platform';
import { PresenceBook } from './presence';
import type { ClientFrame, Conversation, MessageReceipts, Presence } from './protocol';
import { Receipts } from './receipts';
import { Rooms } from './rooms';
import { Screens } from './screens';
import { Expiring } from './expiring';
import type { Search, SearchOf } from './search';
import type { Readable, Unsubscribe } from './store';
import { Sync } from './sync';
import { Tokens, WRONG_USER, type TokenProvider } from './tokens';
import { Typing } from './typing';
import type { ChatMessage, ConversationView, MessageList } from './views';
import { webPlatform } from './web';

const EVENT_BYTES = 2048;

export interface ClientOptions {
  /** The backend's address, such as `https://chat.example.com`. */
  url: string;
  /**
   * Whose client this is: the `sub` of the tokens. Another user needs another client: a token of somebody else stops
   * this one, requests and socket alike, with the code 4999, until `connect()`.
   */
  userId: string;
  getToken: TokenProvider;
  /** Shown on the user's own messages until the server has answered. */
  handle?: string;
  /** Storage, network and visibility. By itself the browser's where there is one, else none: nothing is remembered. */
  platform?: Platform;
  /** `keepHistory()` of `@parley/client/history`: a start without a network then shows what was here before. */
  history?: History;
  /** `keepAccount()` of `@parley/client/account`: profile, drafts, saved messages, marks and devices of this user. */
  account?: AccountOf;
  /** `findMessages()` of `@parley/client/search`: finding messages again. */
  search?: SearchOf;
  WebSocket?: SocketConstructor;
  fetch?: typeof fetch;
  clock?: Clock;
  /** Uniform in [0, 1). */
  random?: () => number;
}

export class ParleyClient {
  readonly userId: string;
  /**
   * Hears a frame type or one of the client's own events; returns how to stop. Durable events (`message.new`) come in
   * their conversation's order and once each, whether they arrived live or were caught up.
   */
  readonly on: Events['on'];
  readonly off: Events['off'];
  readonly connection: Readable<ConnectionState>;
  /** Newest activity first, without archived ones. Null until the list has come. */
  readonly conversations: Readable<readonly ConversationView[] | null>;
  readonly archived: Readable<readonly ConversationView[]>;
  /** What is this user's own over all devices; null unless it was asked for (`ClientOptions.account`). */
  readonly account: Account | null;
  /** Names, settings, members, roles and links of groups. */
  readonly groups: Groups;
  /** Finds messages by their words; null unless it was asked for (`ClientOptions.search`). */
  readonly search: Search | null;
  /** Unread messages over all conversations. */
  readonly unread: Readable<number>;
  /** Whether all that was missed is here. */
  readonly isSynced: Readable<boolean>;

  private readonly api: Api;
  private readonly link: Connection;
  private readonly inbound: Inbound;
  private readonly outbox: Outbox;
  private readonly presences: PresenceBook;
  private readonly rooms: Rooms;
  private readonly screens: Screens;
  private readonly sync: Sync;
  private readonly typists: Typing;
  private readonly platform: Platform;
  private readonly pages: Pages;
  private readonly pending: Pending;
  private readonly actions: Actions;
  private readonly history: Keeper | null;
  private loaded: Promise<void> | null = null;
  private watching: Unsubscribe[] = [];

  constructor(options: ClientOptions) {
    const { userId, handle = '' } = options;
    const url = options.url.replace(/\/+$/, '');
    const env: Env = { clock: options.clock ?? systemClock, random: options.random ?? Math.random };
    const events = new Events();
    const onError = (error: unknown): void => events.emit('failure', error);
    const send = (frame: ClientFrame): boolean => this.link.send(frame);
    const tokens = new Tokens(options.getToken, userId, { onForeign: () => this.stopForWrongUser() }, env);

    this.userId = userId;
    this.platform = options.platform ?? (typeof document === 'undefined' ? barePlatform() : webPlatform());
    this.api = new Api({ url, fetch: options.fetch ?? ((input, init) => fetch(input, init)) }, tokens, env.clock);
    this.rooms = new Rooms(userId);
    this.outbox = new Outbox(this.platform.storage, `parley/${userId}/outbox/`, {
      post: (id, message) => this.api.send(id, message),
      onSent: (message, clientId) => this.inbound.sent(message, clientId),
      onChanged: (id) => this.screens.changed(id),
      onError,
    }, env);
    this.pending = new Pending(this.rooms, (id) => this.screens.changed(id));
    this.screens = new Screens(this.rooms, this.outbox, { userId, handle }, this.pending);
    this.pages = new Pages(this.api, this.rooms, this.screens);
    this.actions = new Actions(this.api, this.rooms, this.pending);
    this.history = options.history?.({ rooms: this.rooms, storage: this.platform.storage, env, onError }) ?? null;
    const expiring = new Expiring(this.rooms, env.clock, (id) => this.screens.changed(id));
    this.screens.onChange = (id) => {
      this.history?.changed(id);
      expiring.look(id);
    };
    this.sync = new Sync(this.api, this.rooms, {
      onApplied: (room, applied) => this.inbound.applied(room, applied),
      onRemoved: (id) => this.inbound.removed(id),
      onForgotten: () => this.inbound.forgotten(),
      onListed: () => this.screens.setListed(),
      onSynced: () => this.inbound.synced(),
      onBlocked: (userIds) => events.emit('blocked', { userIds }),
      onError,
    }, env);
    this.typists = new Typing(send, env);
    this.presences = new PresenceBook((userIds) => this.api.presence(userIds), onError, env);
    this.inbound = new Inbound({
      userId, env, events, rooms: this.rooms, sync: this.sync, outbox: this.outbox, screens: this.screens,
      receipts: new Receipts(send, env), typing: this.typists, presence: this.presences, pending: this.pending, send,
    });
    this.link = new Connection({
      url: `${url.replace(/^http/, 'ws')}/messages/subscribe?acks=1`,
      userId,
      WebSocket: options.WebSocket ?? (globalThis.WebSocket as unknown as SocketConstructor),
      backgroundGraceMs: this.platform.backgroundGraceMs,
    }, tokens, env, {
      onOpening: () => this.inbound.opening(),
      onConnected: (frame, seamless) => this.inbound.connected(frame, seamless),
      onFrame: (frame) => this.inbound.frame(frame),
      onLost: (code, reason) => {
        this.api.abandon();
        this.inbound.lost(code, reason);
      },
    });
    this.account = options.account?.({ api: this.api, events, rooms: this.rooms, screens: this.screens, storage: this.platform.storage, env, onError }) ?? null;
    this.groups = new Groups(this.api, () => this.rooms.userId);
    this.search = options.search?.({ api: this.api, events }) ?? null;
    this.on = events.on;
    this.off = events.off;
    this.connection = this.link.state;
    this.conversations = this.screens.conversations;
    this.archived = this.screens.archived;
    this.unread = this.screens.unread;
    this.isSynced = this.screens.isSynced;
  }

  /** Connects and stays connected until `disconnect()`; sends what an earlier process left unsent. */
  connect(): void {
    if (this.watching.length === 0) {
      this.watching = [
        this.platform.watchNetwork((fact) => this.link.networkChanged(fact)),
        this.platform.watchActivity((active) => this.activityChanged(active)),
      ];
    }
    this.outbox.start();
    this.account?.start();
    if (!this.history) return this.link.connect();
    this.loaded ??= this.history.load().then((any) => {
      if (any) this.screens.setListed();
      this.screens.changedAll();
    });
    const { watching } = this;
    // Unless disconnected meanwhile.
    void this.loaded.then(() => watching === this.watching && this.link.connect());
  }

  /** Closes the socket and stops sending. What is unsent stays stored for the next `connect()`. */
  disconnect(): void {
    for (const stop of this.watching) stop();
    this.watching = [];
    this.outbox.stop();
    this.account?.stop();
    this.link.disconnect();
    this.inbound.stop();
  }

  /** Drops the socket, if any, and opens a new one at once. */
  reconnect(): void {
    this.connect();
    this.link.reconnect();
  }

  /** Newest 50 messages first, older ones by `loadOlder`. */
  messages(conversationId: string): Readable<MessageList> {
    return this.screens.messages(conversationId);
  }

  /** The ids of those who are typing there. */
  typing(conversationId: string): Readable<readonly string[]> {
    return this.typists.of(conversationId);
  }

  /** Null until something is known. */
  presence(userId: string): Readable<Presence | null> {
    return this.presences.of(userId);
  }

  /**
   * Shows the message at once, keeps it across restarts, and sends it when the network allows; its `status` tells.
   * Returns its `clientId`. Raises `RangeError` for a blank text.
   */
  send(conversationId: string, message: OutgoingMessage): string {
    const text = message.text.trim();
    if (text === '' && !message.forward) throw new RangeError('a message needs a text');
    this.typists.sent(conversationId);
    return this.outbox.add(conversationId, { ...message, text }).clientId;
  }

  /** Sends a failed message again. */
  retry(clientId: string): void {
    this.outbox.retry(clientId);
  }

  /** Drops a message that has not been sent; false where it is too late for that. */
  discard(clientId: string): boolean {
    return this.outbox.discard(clientId);
  }

  /** Marks all that is here of a conversation, or up to `seq`, as read. */
  markRead(conversationId: string, seq?: number): void {
    this.inbound.markRead(conversationId, seq ?? this.rooms.get(conversationId)?.order.cursor ?? 0);
  }

  /**
   * Until the returned function is called, what is there and comes counts as read while the app is in front: up to `upTo`,
   * the seq of the newest message that is in sight, or all of it.
   */
  watch(conversationId: string, upTo: number = Infinity): Unsubscribe {
    return this.inbound.watch(conversationId, upTo);
  }

  /** To be called at every keystroke, and with false when the draft is emptied. */
  setTyping(conversationId: string, isTyping: boolean): void {
    this.typists.set(conversationId, isTyping);
  }

  /** Fetches one more page of history, once however often it is asked meanwhile. Raises `ApiError`. */
  loadOlder(conversationId: string): Promise<void> {
    return this.pages.older(conversationId);
  }

  /**
   * Fetches what is around a place, such as what a reply or a search names. True where that is among `messages()` now;
   * else it is in `around()`, and stays true there as things change. Raises `ApiError`.
   */
  loadAround(conversationId: string, seq: number): Promise<boolean> {
    return this.pages.around(conversationId, seq);
  }

  /** What the last `loadAround` brought that lies apart from `messages()`, oldest first; empty for none. */
  around(conversationId: string): Readable<readonly ChatMessage[]> {
    return this.screens.around(conversationId);
  }

  /** All messages that are known of a conversation, by id: those apart too. */
  known(conversationId: string): Readable<ReadonlyMap<string, ChatMessage>> {
    return this.screens.known(conversationId);
  }

  /** Fetches the pinned messages, newest 100: they are in `known()`, each `isPinned`. Raises `ApiError`. */
  loadPinned(conversationId: string): Promise<void> {
    return this.pages.pinned(conversationId);
  }

  /**
   * Shows the new text at once. Raises `ApiError` where the server refuses (`too_late`, `changed`, `deleted`, …), and the
   * message is then as before.
   */
  edit(conversationId: string, messageId: string, edit: MessageEdit): Promise<void> {
    return this.actions.edit(conversationId, messageId, edit);
  }

  /** For all, or on this user's devices alone. Raises `ApiError`, and the message is then as before. */
  deleteMessage(conversationId: string, messageId: string, deletedFor: 'all' | 'me' = 'all'): Promise<void> {
    return this.actions.delete(conversationId, messageId, deletedFor);
  }

  /** Reacts, or takes that back. Raises `ApiError`, and the reaction is then as before. */
  react(conversationId: string, messageId: string, emoji: string, on: boolean): Promise<void> {
    return this.actions.react(conversationId, messageId, emoji, on);
  }

  /** Pins for all, or takes that back. Raises `ApiError`, and the pin is then as before. */
  pin(conversationId: string, messageId: string, isPinned: boolean): Promise<void> {
    return this.actions.pin(conversationId, messageId, isPinned);
  }

  /** Who has one of the user's own messages, and who has read it; in a group anybody's. Raises `ApiError`. */
  seenBy(conversationId: string, messageId: string): Promise<MessageReceipts> {
    return this.api.receipts(conversationId, messageId);
  }

  /** Opens a conversation, or finds the one that these two already have. Raises `ApiError`. */
  async createConversation(asked: NewConversation): Promise<Conversation> {
    const conversation = await this.api.createConversation(asked);
    this.inbound.described(conversation);
    return conversation;
  }

  /** Takes a conversation off this user's list; a new message brings it back. Raises `ApiError`. */
  async hideConversation(conversationId: string): Promise<void> {
    await this.api.hideConversation(conversationId);
    this.inbound.removed(conversationId);
    // A message may have brought it back before the answer came.
    this.sync.request();
  }

  /** Raises `ApiError`, with status 400 where it is no Expo push token. */
  async registerPushToken(device: { token: string; deviceId?: string; platform?: 'ios' | 'android' }): Promise<void> {
    await this.api.registerPushToken(device);
  }

  /** To be called at sign-out, while the user's token still serves. Raises `ApiError`. */
  async removePushToken(token: string): Promise<void> {
    await this.api.removePushToken(token);
  }

  /**
   * Says something of the app's own to all in a conversation, who hear it by `on('event')`: live and not kept. False
   * without a connection. Raises `RangeError` where `data` is over 2 KiB of JSON; what else the server refuses comes as
   * an `error` event.
   */
  sendEvent(conversationId: string, name: string, data: unknown = null): boolean {
    if (JSON.stringify(data).length > EVENT_BYTES) throw new RangeError('an event carries at most 2 KiB');
    return this.link.send({ type: 'event', conversationId, name, data });
  }

  /** A page of a conversation's people: `participants` names the first 50 alone. Raises `ApiError`. */
  members(conversationId: string, query: MembersQuery = {}): Promise<MembersPage> {
    return this.api.members(conversationId, query);
  }

  /** A request of the app's own, as this user: for routes that have no method here. Raises `ApiError`. */
  request<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<T> {
    return this.api.call(method, path, body);
  }

  /** Sends a frame as it is, for what has no method here; false without a connection. Raises `RangeError` if too big. */
  sendFrame(frame: ClientFrame): boolean {
    return this.link.send(frame);
  }

  /** What is queued is this user's and stays stored; not one request goes out with the token of another. */
  private stopForWrongUser(): void {
    this.outbox.stop();
    this.account?.stop();
    this.link.stop(CloseCode.WrongUser, WRONG_USER);
  }

  private activityChanged(active: boolean): void {
    this.link.activityChanged(active);
    this.inbound.activityChanged(active);
  }
}

/** Makes a client; it does nothing until `connect()`. */
export function createClient(options: ClientOptions): ParleyClient {
  return new ParleyClient(options);
}
