import { useWebSocket, WebSocketProvider } from '@parley/client/react';
import { Chat, ChatProvider, useUrlRoute, type Route } from '@parley/client/ui';
import { useMemo, useState, type ReactNode } from 'react';
import type { Theme } from './App';
import type { DemoUser } from './config';
import { Chip, Who } from './Controls';
import { makeClient } from './device';
import { NewConversation } from './NewConversation';
import { Radio } from './radio';

interface Props {
  user: DemoUser;
  users: DemoUser[];
  theme: Theme;
  onUser(user: DemoUser): void;
  onSignIn(): void;
}

/** The same kit in a window: two panes, and the page's address says what is open. */
export function Desktop({ user, users, theme, onUser, onSignIn }: Props): ReactNode {
  const [radio] = useState(() => new Radio());
  const client = useMemo(() => makeClient('desktop', user, radio), [user.id, radio]);
  const ports = useMemo(() => ({ storage: radio.platform('desktop').storage }), [radio]);
  return (
    <WebSocketProvider client={client} key={user.id}>
      <main className="desktop">
        <div className="desktop-bar">
          <Who name="desktop" user={user} users={users} onUser={onUser} onSignIn={onSignIn} />
          <State />
        </div>
        <div className="window"><ChatProvider theme={theme} locale="en" ports={ports}><Screens user={user} /></ChatProvider></div>
      </main>
    </WebSocketProvider>
  );
}

function State(): ReactNode {
  return <Chip connection={useWebSocket().connection} />;
}

function Screens({ user }: { user: DemoUser }): ReactNode {
  const { route, onNavigate } = useUrlRoute();
  const [isNew, setNew] = useState(false);
  const go = (next: Route): void => (setNew(false), onNavigate(next));
  if (isNew) return <NewConversation me={user.id} onOpen={(id) => go({ conversation: id })} onBack={() => setNew(false)} />;
  return <Chat route={route} onNavigate={onNavigate} onNew={() => setNew(true)} />;
}
