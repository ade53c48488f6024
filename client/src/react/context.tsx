/** The client of the tree below, connected while the provider is mounted. */

import { createContext, useContext, useEffect, useMemo, type ReactNode } from 'react';
import { createWsAdapter, type WsAdapter } from '../adapter';
import type { ParleyClient } from '../client';

export interface WebSocketContextValue {
  client: ParleyClient;
  wsAdapter: WsAdapter;
}

const Context = createContext<WebSocketContextValue | null>(null);

/** Connects `client` when mounted and disconnects it when unmounted. Give another user another client. */
export function WebSocketProvider({ client, children }: { client: ParleyClient; children?: ReactNode }): ReactNode {
  const value = useMemo(() => ({ client, wsAdapter: createWsAdapter(client) }), [client]);
  useEffect(() => {
    client.connect();
    return () => client.disconnect();
  }, [client]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

/** The client and the `wsAdapter` of the nearest provider. */
export function useWebSocketContext(): WebSocketContextValue {
  const value = useContext(Context);
  if (!value) throw new Error('useWebSocketContext: there is no <WebSocketProvider> above this component');
  return value;
}
