/** What each thing the server says does to local state. Events of a conversation take one path, wherever they come from. */

import type { Events } from './events';
import type { Outbox } from './outbox';
import type { Pending } from './pending';
import type { Env } from './platform';
import type { PresenceBook } from './presence';
import {
  asEvent, isDurable,
  type AnswerFrame, type ClientFrame, type ConnectedFrame, type Conversation, type DurableFrame, type KnownFrame,
  type ConversationChangedFrame, type ConversationExpiredFrame, type MessageDeletedFrame, type MessageHiddenFrame, type MessageNewFrame, type ReceiptFrame, type ReceiptsAllFrame, type ServerFrame, type WireMessage,
} from './protocol';
import type { Receipts } from './receipts';
import type { Room } from './room';
import { differs, type Rooms } from './rooms';
import type { Screens } from './screens';
import type { Sync } from './sync';
import { Timers } from './timers';
import type { Typing } from './typing';

export interface Parts {
  userId: string;
  env: Env;
  events: Events;
  rooms: Rooms;
  sync: Sync;
  outbox: Outbox;
  receipts: Receipts;
  typing: Typing;
  presence: PresenceBook;
  screens: Screens;
  pending: Pending;
  send(frame: ClientFrame): boolean;
}

/** A gap is given this long to fill by itself before it is fetched. */
const GAP_PATIENCE_MS = 150;
/** In a group a receipt may complete what the others had before we connected: only a sync knows. */
const GROUP_RECEIPTS_MS = 15_000;
/** How often the server hears what is here: it finds what was lost unnoticed. */
const CLAIM_MS = 30_000;

export class Inbound {
  private readonly timers: Timers<'gap' | 'receipts' | 'claim'>;
  private readonly watched = new Set<{ id: string; upTo: number }>();
  private active = true;
  private cursorsAtOpening: Record<string, number> = {};
  /** What this connection's parts have said so far, until the last has come. */
  private greeting: { epoch: string; seamless: boolean; heads: Record<string, number> } | null = null;

  constructor(private readonly parts: Parts) {
    this.timers = new Timers(parts.env.clock);
  }

  opening(): void {
    this.cursorsAtOpening = this.parts.rooms.cursors();
  }

  connected(frame: ConnectedFrame, seamless: boolean): void {
    const { sync, receipts, presence, outbox, events } = this.parts;
    this.greeting = { epoch: frame.epoch, seamless, heads: {} };
    // A server of before names all at once, and says neither how many nor that this is the last.
    const isWhole = frame.last || (frame.conversationCount ?? 0) <= frame.conversationIds.length;
    this.greeted(frame.heads, isWhole);
    if (!seamless) this.catchUp();
    sync.start();
    receipts.connected();
    if (!seamless) presence.start();
    else outbox.start();
    events.emit('connected', frame);
  }

  /** Compared as a whole only: a conversation that no part has named yet is not one that is gone. */
  private greeted(heads: Record<string, number>, isLast: boolean | undefined): void {
    const { greeting, parts: { rooms } } = this;
    if (!greeting) return;
    // With the cursors of before: meanwhile the old link or an HTTP answer may have brought newer ones than the heads.
    if (rooms.enter(greeting.epoch, this.cursorsAtOpening, (id) => heads[id])) this.forgotten();
    Object.assign(greeting.heads, heads);
    if (!isLast) return;
    this.greeting = null;
    if (!greeting.seamless) return;
    if (differs(rooms, greeting.heads)) this.catchUp();
    else this.claim();
  }

  lost(code: number, reason: string): void {
    const { sync, presence, typing, screens, events } = this.parts;
    this.timers.clearAll();
    this.greeting = null;
    sync.stop();
    presence.stop();
    typing.clear();
    screens.setSynced(false);
    events.emit('disconnected', { code, reason });
  }

  /** Events are caught up first and what waits is sent then, so that a reader sees replies below what they answer. */
  synced(): void {
    this.parts.screens.setSynced(true);
    this.claim();
    this.parts.outbox.start();
    this.parts.events.emit('synced', {});
  }

  forgotten(): void {
    this.cursorsAtOpening = {};
    this.parts.receipts.forgetAll();
    this.parts.pending.clear();
    this.parts.screens.changedAll();
    this.parts.sync.requestList(true);
  }

  removed(conversationId: string): void {
    this.parts.rooms.remove(conversationId);
    this.parts.receipts.forget(conversationId);
    this.parts.screens.changed(conversationId);
  }

  described(conversation: Conversation): void {
    this.parts.rooms.ensure(conversation.id).describe(conversation);
    this.parts.screens.changed(conversation.id);
    this.compare(conversation.id, conversation.lastSeq);
  }

  frame(frame: ServerFrame): void {
    if (isDurable(frame)) return this.offer(frame);
    this.heed(frame as KnownFrame);
    this.parts.events.emit(frame.type, frame);
  }

  /** The server's answer to a sent message is the same event as its echo; whichever comes second is a repeat. */
  sent(message: WireMessage, clientId: string): void {
    this.offer(asEvent(message, clientId));
  }

  offer(event: DurableFrame): void {
    const room = this.parts.rooms.ensure(event.conversationId);
    this.applied(room, room.offer(event));
    if (room.order.hasGap && !this.timers.has('gap')) this.timers.set('gap', GAP_PATIENCE_MS, () => this.healGaps());
  }

  applied(room: Room, events: DurableFrame[]): void {
    const { outbox, pending, receipts, sync, screens } = this.parts;
    for (const event of events) this.take(event);
    const cursor = room.order.cursor ?? 0;
    outbox.settleUpTo(room.id, cursor);
    pending.settle(room.id, cursor);
    this.readWatched(room.id);
    // Receipts are about messages alone, and what was read needs no word of its own delivery.
    if (cursor > room.readSeq && room.hasMessageIn(receipts.said('delivered', room.id), cursor)) receipts.report('delivered', room.id, cursor);
    if (room.isUndescribed) sync.requestList(false);
    screens.changed(room.id);
  }

  /** Moves the user's read pointer, here at once and on the server as soon as it can be reached. */
  markRead(conversationId: string, seq: number): void {
    const { rooms, receipts, screens } = this.parts;
    const room = rooms.get(conversationId);
    if (!room || seq <= room.readSeq) return;
    const passes = room.hasMessageIn(room.readSeq, seq);
    room.readUpTo(seq);
    if (passes) receipts.report('read', conversationId, seq);
    screens.changed(conversationId);
  }

  /** While watched, and while a person may be looking, what is here of a conversation is read, as far as `upTo`. */
  watch(id: string, upTo: number): () => void {
    const watcher = { id, upTo };
    this.watched.add(watcher);
    this.readWatched(id);
    return () => void this.watched.delete(watcher);
  }

  activityChanged(active: boolean): void {
    this.active = active;
    for (const { id } of this.watched) this.readWatched(id);
  }

  stop(): void {
    this.timers.clearAll();
    this.parts.receipts.stop();
  }

  private readWatched(conversationId: string): void {
    if (!this.active) return;
    // What lies beyond the cursor may have a gap before it, which nobody has seen.
    const cursor = this.parts.rooms.cursorOf(conversationId);
    for (const { id, upTo } of this.watched) if (id === conversationId) this.markRead(id, Math.min(upTo, cursor));
  }

  private catchUp(): void {
    this.parts.screens.setSynced(false);
    this.parts.sync.request();
    this.parts.sync.requestList(true);
  }

  /** Where something is known to be missing, nothing is said of any. */
  private claim(): void {
    this.timers.set('claim', CLAIM_MS, () => this.claim());
    if (this.parts.sync.isCurrent) this.parts.send({ type: 'ping', cursors: this.parts.rooms.someCursors() });
  }

  private healGaps(): void {
    if (this.parts.rooms.all().some((room) => room.order.hasGap)) this.parts.sync.request();
  }

  private take(event: DurableFrame): void {
    const { userId, outbox, typing, events } = this.parts;
    const { senderId, clientId, conversationId } = event as MessageNewFrame;
    const type: string = event.type;
    if (type === 'message.new') {
      if (senderId === userId && clientId) outbox.settle(clientId);
      typing.show(conversationId, senderId, false);
    }
    if (type === 'message.deleted') this.lastGone(event as MessageDeletedFrame);
    if (type === 'conversation.changed' && (event as ConversationChangedFrame).removed?.includes(userId)) this.removed(conversationId);
    events.emit(event.type, event);
  }

  /** Which message is the last one now, only the list tells where no other is here. */
  private lastGone({ conversationId, messageId }: MessageDeletedFrame): void {
    const room = this.parts.rooms.get(conversationId);
    const wasLast = room?.meta?.lastMessage?.id === messageId;
    if (wasLast && !room?.messages.list.some(({ deletedAt }) => !deletedAt)) this.parts.sync.requestList(true);
  }

  /** Of a message that is not here the server's counts tell. */
  private hidden({ conversationId, messageId }: MessageHiddenFrame): void {
    const room = this.parts.rooms.get(conversationId);
    if (!room?.messages.find(messageId)) return this.parts.sync.request();
    room.messages.remove(messageId);
    this.parts.screens.changed(conversationId);
  }

  /** Which message is the last one now, only the list tells where no other is here. */
  private expired(frame: ConversationExpiredFrame): void {
    const room = this.parts.rooms.get(frame.conversationId);
    if (!room) return;
    room.expire(frame);
    if (!room.messages.list.some(({ deletedAt }) => !deletedAt)) this.parts.sync.requestList(true);
    this.parts.screens.changed(room.id);
  }

  private heed(frame: KnownFrame): void {
    switch (frame.type) {
      case 'heads':
        return this.greeted(frame.heads, frame.last);
      case 'receipts.all':
        return this.receiptsOfAll(frame);
      case 'message.delivered':
      case 'message.read':
        return this.receipt(frame);
      case 'typing.start':
      case 'typing.stop':
        return this.parts.typing.show(frame.conversationId, frame.senderId, frame.type === 'typing.start');
      case 'presence.update':
        return this.parts.presence.update(frame);
      case 'conversation.marked':
        this.parts.rooms.get(frame.conversationId)?.mark(frame);
        return this.parts.screens.changed(frame.conversationId);
      case 'message.hidden':
        return this.hidden(frame);
      case 'conversation.expired':
        return this.expired(frame);
      case 'sync':
        // Also where we have more than that: the server's history may have gone back.
        if (frame.lastSeq !== this.parts.rooms.cursorOf(frame.conversationId)) this.parts.sync.request();
        return;
      case 'conversation.new':
        return this.described(frame.conversation);
      case 'conversation.left':
        return this.removed(frame.conversationId);
      case 'ack':
      case 'error':
        return this.answer(frame as AnswerFrame);
    }
  }

  private receipt({ type, conversationId, senderId, seq }: ReceiptFrame): void {
    const { userId, rooms, sync, screens } = this.parts;
    const room = rooms.get(conversationId);
    if (!room) return;
    const kind = type === 'message.read' ? 'read' : 'delivered';
    if (senderId !== userId) {
      room.pointers.advance(kind, senderId, seq);
      const unsure = room.mayHaveCompleted(kind, seq) && !this.timers.has('receipts');
      if (unsure) this.timers.set('receipts', GROUP_RECEIPTS_MS, () => sync.request());
    } else if (kind === 'read') room.readUpTo(seq);
    screens.changed(conversationId);
  }

  private receiptsOfAll(frame: ReceiptsAllFrame): void {
    this.parts.rooms.get(frame.conversationId)?.pointers.merge(frame);
    this.parts.screens.changed(frame.conversationId);
  }

  private compare(conversationId: string, lastSeq: number): void {
    if (lastSeq > this.parts.rooms.cursorOf(conversationId)) this.parts.sync.request();
  }

  private answer(frame: AnswerFrame): void {
    this.parts.receipts.answered(frame);
    // To a `join`: how far the conversation is.
    if (frame.conversationId && frame.lastSeq !== undefined) this.compare(frame.conversationId, frame.lastSeq);
  }
}
