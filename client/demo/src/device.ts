/** What a device does at its start. */

import { createClient, type ParleyClient } from '@parley/client';
import { useConversations, useWebSocket } from '@parley/client/react';
import { useEffect } from 'react';
import { tokenOf, type DemoUser } from './config';
import type { Radio } from './radio';

/** A client over this device's own network and storage. */
export function makeClient(name: string, user: DemoUser, radio: Radio): ParleyClient {
  return createClient({
    url: location.origin, userId: user.id, handle: user.handle, getToken: tokenOf(user),
    platform: radio.platform(name), WebSocket: radio.WebSocket, fetch: radio.fetch,
  });
}

/** As an app does at its start. The token moves along when the phone changes hands. */
export function usePushToken(client: ParleyClient, name: string): void {
  const { isConnected } = useWebSocket();
  useEffect(() => {
    // Without it no push comes; the next connection tries again.
    if (isConnected) client.registerPushToken({ token: `ExponentPushToken[demo-${name}]`, deviceId: name }).catch(() => {});
  }, [client, name, isConnected]);
}

/** An empty demo would have nobody to talk to: the first two people get a conversation. */
export function useFirstConversation(client: ParleyClient, users: DemoUser[]): void {
  const isEmpty = useConversations()?.length === 0;
  const [first, second] = users;
  useEffect(() => {
    if (!isEmpty || !first || !second || client.userId !== first.id) return;
    // Whoever has hidden it, or has no network, finds “+” instead.
    client.createConversation({ participantIds: [second.id] }).catch(() => {});
  }, [isEmpty, client, first, second]);
}
