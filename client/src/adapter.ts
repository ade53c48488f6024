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
  const filters = new WeakMap<object, object>();
  /** Always the same filter for the same handler, so that `off` finds what `on` gave. */
  const others = <E extends EventName>(handler: Handler<E>): Handler<E> => {
    const filter = (filters.get(handler) as Handler<E> | undefined) ?? othersOnly(client.userId, handler);
    filters.set(handler, filter);
    return filter;
  };
  const getConnectionState = (): AdapterState => STATES[client.connection.getSnapshot().status];
  return {
    connect: () => client.connect(),
    disconnect: () => client.disconnect(),
    reconnect: () => client.reconnect(),
    send: (type, data = {}) => client.sendFrame({ ...data, type } as ClientFrame),
    joinConversation: (conversationId) => client.sendFrame({ type: 'join', conversationId }),
    leaveConversation: (conversationId) => client.setTyping(conversationId, false),
    sendTyping: (conversationId, isTyping) => client.setTyping(conversationId, isTyping),
    on: (event, handler) => client.on(event, others(handler)),
    off: (event, handler) => client.off(event, others(handler)),
    isConnected: () => getConnectionState() === 'connected',
    getConnectionState,
  };
}

function othersOnly<E extends EventName>(userId: string, handler: Handler<E>): Handler<E> {
  return (event: EventOf<E>) => {
    const { type, senderId } = event as MessageNewFrame;
    if (type !== 'message.new' || senderId !== userId) handler(event);
  };
}
