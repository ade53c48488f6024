import * as Notifications from 'expo-notifications';
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { clientOf, registerDevice, supabase } from './parley';
import { Screens } from './Screens';

/** Whoever is signed in talks. How people sign in is your app's: here, whatever Supabase session there is. */
export function App(): ReactNode {
  const [user, setUser] = useState<{ id: string; email?: string } | null>(null);
  useEffect(() => supabase.auth.onAuthStateChange((_event, session) => setUser(session?.user ?? null)).data.subscription.unsubscribe, []);
  const client = useMemo(() => (user ? clientOf(user.id, user.email ?? '') : null), [user?.id]);
  // An emulator has no push token: the app works without.
  useEffect(() => void (client && registerDevice(client).catch(console.warn)), [client]);
  const tapped = Notifications.useLastNotificationResponse()?.notification.request.content.data;
  return client && <Screens key={client.userId} client={client} tapped={tapped?.['conversationId'] as string | undefined} />;
}
