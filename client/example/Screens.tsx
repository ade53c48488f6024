import type { ParleyClient } from '@parley/client';
import { Chat, ChatProvider, type Route } from '@parley/client/ui';
import { useEffect, useState, type ReactNode } from 'react';
import { SafeAreaProvider, SafeAreaView } from 'react-native-safe-area-context';

/** The kit, and the conversation of a notification that was tapped. */
export function Screens({ client, tapped }: { client: ParleyClient; tapped?: string | undefined }): ReactNode {
  const [route, setRoute] = useState<Route>({ conversation: null });
  useEffect(() => void (tapped && setRoute({ conversation: tapped })), [tapped]);
  return (
    <SafeAreaProvider>
      <SafeAreaView style={{ flex: 1 }}>
        <ChatProvider client={client}><Chat route={route} onNavigate={setRoute} /></ChatProvider>
      </SafeAreaView>
    </SafeAreaProvider>
  );
}
