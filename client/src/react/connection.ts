/** Hooks on the connection itself. */

import { useEffect, useRef } from 'react';
import type { AdapterState, WsAdapter } from '../adapter';
import type { ConnectionState } from '../connection';
import type { EventName, EventOf, Handler } from '../events';
import { useWebSocketContext } from './context';
import { useReadable } from './useReadable';

export interface WebSocketHandle extends Pick<WsAdapter, 'connect' | 'disconnect' | 'reconnect' | 'send' | 'on' | 'off'> {
  isConnected: boolean;
  connectionState: AdapterState;
  /** The same in full: why it ended, and when the next attempt comes. */
  connection: ConnectionState;
  /** Whether all that was missed is here. */
  isSynced: boolean;
}

export function useWebSocket(): WebSocketHandle {
  const { client, wsAdapter } = useWebSocketContext();
  const connection = useReadable(client.connection);
  const isSynced = useReadable(client.isSynced);
  const connectionState = wsAdapter.getConnectionState();
  return { ...wsAdapter, connection, connectionState, isConnected: connection.status === 'connected', isSynced };
}

/** Calls the latest `handler` for each event of this name while mounted. */
export function useWebSocketEvent<E extends EventName>(event: E, handler: Handler<E>): void {
  const { wsAdapter } = useWebSocketContext();
  const latest = useRef(handler);
  useEffect(() => {
    latest.current = handler;
  });
  useEffect(() => wsAdapter.on(event, ((payload: EventOf<E>) => latest.current(payload)) as Handler<E>), [wsAdapter, event]);
}
