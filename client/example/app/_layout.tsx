import type { ParleyClient } from '@parley/client';
import { WebSocketProvider } from '@parley/client/react';
import type { Session } from '@supabase/supabase-js';
import * as Notifications from 'expo-notifications';
import { router, Stack } from 'expo-router';
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { clientOf, registerDevice } from '../lib/parley';
import { SignIn } from '../lib/SignIn';
import { supabase } from '../lib/supabase';

export default function Layout(): ReactNode {
  const user = useSession()?.user;
  const client = useMemo(() => (user ? clientOf(user.id, user.email ?? '') : null), [user?.id]);
  if (!client) return <SignIn />;
  return (
    <WebSocketProvider client={client} key={client.userId}>
      <Push client={client} />
      <Stack screenOptions={{ headerBackTitle: 'Back' }} />
    </WebSocketProvider>
  );
}

function useSession(): Session | null {
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_event, next) => setSession(next));
    return () => data.subscription.unsubscribe();
  }, []);
  return session;
}

/** Registers this device, and opens the conversation whose notification was tapped. */
function Push({ client }: { client: ParleyClient }): ReactNode {
  useEffect(() => {
    // An emulator has no push token: the app works without.
    registerDevice(client).catch((error: unknown) => console.warn('no push on this device', error));
  }, [client]);
  const tapped = Notifications.useLastNotificationResponse();
  useEffect(() => {
    const id = tapped?.notification.request.content.data?.['conversationId'];
    if (typeof id === 'string') router.push(`/${id}`);
  }, [tapped]);
  return null;
}
