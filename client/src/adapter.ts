/** `wsAdapter`, the names an existing app calls, over a client. */

import type { ParleyClient } from './client';
import type { Status } from './connection';
import type { EventName, EventOf, Handler } from './events';
import type { ClientFrame, MessageNewFrame } from './protocol';
import type { Unsubscribe } from './store';

export type AdapterState = 'connected' | 'connecting' | 'reconnecting' | 'disconnected';

const STATES: Record<Status, AdapterState> = {
  idle: 'disconnected', stopped: 'disconnected', connecting: 'connecting', connected: 'connected',
  waiting: 'reconnecting', offline: 'reconnecting', asleep: 'reconnecting',
};

export interface WsAdapter {
  connect(): void;
  disconnect(): void;
  reconnect(): void;
  /** Sends a frame of this type; false without a connection. */
  send(type: ClientFrame['type'], data?: object): boolean;
  /** Asks for a conversation's events. The server joins all of a user's conversations by itself, so this is a check. */
  joinConversation(conversationId: string): boolean;
  /** Ends one's typing there. Its events keep coming, for the list and the badge. */
  leaveConversation(conversationId: string): void;
  sendTyping(conversationId: string, isTyping: boolean): void;
  /** Hears an event; returns how to stop. `message.new` leaves out the user's own, as older servers did. */
  on<E extends EventName>(event: E, handler: Handler<E>): Unsubscribe;
  off<E extends EventName>(event: E, handler: Handler<E>): void;
  isConnected(): boolean;
  getConnectionState(): AdapterState;
}

export function createWsAdapter(client: ParleyClient): WsAdapter {
  const subscriptions = new Map<unknown, Map<string, Unsubscribe>>();
  const adapter: WsAdapter = {
    connect: () => client.connect(),
    disconnect: () => client.disconnect(),
    reconnect: () => client.reconnect(),
    send: (type, data = {}) => client.sendFrame({ ...data, type } as ClientFrame),
    joinConversation: (conversationId) => client.sendFrame({ type: 'join', conversationId }),
    leaveConversation: (conversationId) => client.setTyping(conversationId, false),
    sendTyping: (conversationId, isTyping) => client.setTyping(conversationId, isTyping),
    on(event, handler) {
      adapter.off(event, handler);
      const stop = client.on(event, othersOnly(client.userId, handler));
      const byEvent = subscriptions.get(handler) ?? new Map<string, Unsubscribe>();
      subscriptions.set(handler, byEvent.set(event, stop));
      return () => adapter.off(event, handler);
    },
    off(event, handler) {
      const byEvent = subscriptions.get(handler);
      byEvent?.get(event)?.();
      byEvent?.delete(event);
      if (byEvent?.size === 0) subscriptions.delete(handler);
    },
    isConnected: () => adapter.getConnectionState() === 'connected',
    getConnectionState: () => STATES[client.connection.getSnapshot().status],
  };
  return adapter;
}

function othersOnly<E extends EventName>(userId: string, handler: Handler<E>): Handler<E> {
  return (event: EventOf<E>) => {
    const { type, senderId } = event as MessageNewFrame;
    if (type !== 'message.new' || senderId !== userId) handler(event);
  };
}
