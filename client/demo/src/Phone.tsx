import { createClient, type ParleyClient } from '@parley/client';
import { useConversations, useWebSocket, useWebSocketContext, WebSocketProvider } from '@parley/client/react';
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { Chat } from './Chat';
import { tokenOf, type DemoUser } from './config';
import { Controls } from './Controls';
import { ConversationList } from './ConversationList';
import { clock } from './format';
import { Icon } from './icons';
import { LockScreen } from './LockScreen';
import { NewConversation } from './NewConversation';
import { Notice } from './Notice';
import type { Push } from './pushes';
import { Radio } from './radio';

export type Screen = { at: 'list' } | { at: 'new' } | { at: 'chat'; id: string };

interface Props {
  name: string;
  user: DemoUser;
  users: DemoUser[];
  pushes: Push[];
  onUser(user: DemoUser): void;
  dismiss(gone: (push: Push) => boolean): void;
}

/** One phone: its own connection, storage and network. */
export function Phone(props: Props): ReactNode {
  const { name, user } = props;
  const [radio] = useState(() => new Radio());
  const client = useMemo(() => makeClient(name, user, radio), [name, user.id, radio]);
  return (
    <WebSocketProvider client={client} key={user.id}>
      <Body {...props} radio={radio} />
    </WebSocketProvider>
  );
}

function makeClient(name: string, user: DemoUser, radio: Radio): ParleyClient {
  return createClient({
    url: location.origin, userId: user.id, handle: user.handle, getToken: tokenOf(user),
    platform: radio.platform(name), WebSocket: radio.WebSocket, fetch: radio.fetch,
  });
}

function Body({ name, user, users, pushes, onUser, dismiss, radio }: Props & { radio: Radio }): ReactNode {
  const [screen, setScreen] = useState<Screen>({ at: 'list' });
  const [airplane, setAirplane] = useState(radio.airplane);
  const [locked, setLocked] = useState(false);
  const { client } = useWebSocketContext();
  const shown = pushes.filter(({ userId, data }) => userId === user.id && (locked || screen.at !== 'chat' || screen.id !== data.conversationId));
  const lock = (on: boolean): void => {
    setLocked(on);
    radio.setActive(!on);
  };
  const open = (id: string): void => {
    setScreen({ at: 'chat', id });
    dismiss((push) => push.userId === user.id && push.data.conversationId === id);
  };
  useFirstConversation(client, users);
  usePushToken(client, name);
  useEffect(() => () => radio.setActive(true), [radio]);
  return (
    <article className="phone-stand" aria-label={`${user.handle}’s phone`}>
      <div className={locked ? 'phone locked' : 'phone'}>
        <StatusBar airplane={airplane} />
        {locked ? (
          <LockScreen pushes={shown} onUnlock={() => lock(false)} onTap={(push) => (lock(false), open(push.data.conversationId))} />
        ) : (
          <>
            <Banner push={shown[0]} onTap={open} onGone={(key) => dismiss((push) => push.key === key)} />
            <Screens screen={screen} setScreen={setScreen} open={open} people={users.filter(({ id }) => id !== user.id)} />
          </>
        )}
      </div>
      <Controls
        name={name} user={user} users={users} onUser={onUser} locked={locked} onLock={lock} airplane={airplane}
        onAirplane={(on) => (radio.setAirplane(on), setAirplane(on))} onCut={() => radio.cut()}
        conversationId={screen.at === 'chat' ? screen.id : null}
      />
    </article>
  );
}

function Screens({ screen, setScreen, open, people }: { screen: Screen; setScreen(screen: Screen): void; open(id: string): void; people: DemoUser[] }): ReactNode {
  const back = (): void => setScreen({ at: 'list' });
  if (screen.at === 'chat') return <Chat id={screen.id} onBack={back} />;
  if (screen.at === 'new') return <NewConversation people={people} onOpen={open} onBack={back} />;
  return <ConversationList onOpen={open} onNew={() => setScreen({ at: 'new' })} />;
}

const BANNER_MS = 5000;

function Banner({ push, onTap, onGone }: { push: Push | undefined; onTap(id: string): void; onGone(key: number): void }): ReactNode {
  const key = push?.key;
  useEffect(() => {
    if (key === undefined) return;
    const timer = setTimeout(() => onGone(key), BANNER_MS);
    return () => clearTimeout(timer);
  }, [key]);
  if (!push) return null;
  return <div className="banner" aria-live="polite"><Notice key={push.key} push={push} onTap={() => onTap(push.data.conversationId)} /></div>;
}

function StatusBar({ airplane }: { airplane: boolean }): ReactNode {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 5000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="status-bar" aria-hidden="true">
      <span>{clock(now)}</span>
      <span className="island" />
      <span className="status-icons">{airplane ? <Icon name="plane" size={15} /> : <span className="bars"><i /><i /><i /><i /></span>}<span className="battery" /></span>
    </div>
  );
}

/** As an app does at its start. The token moves along when the phone changes hands. */
function usePushToken(client: ParleyClient, name: string): void {
  const { isConnected } = useWebSocket();
  useEffect(() => {
    // Without it no push comes; the next connection tries again.
    if (isConnected) client.registerPushToken({ token: `ExponentPushToken[demo-${name}]`, deviceId: name }).catch(() => {});
  }, [client, name, isConnected]);
}

/** An empty demo would have nobody to talk to: the first two people get a conversation. */
function useFirstConversation(client: ParleyClient, users: DemoUser[]): void {
  const isEmpty = useConversations()?.length === 0;
  const [first, second] = users;
  useEffect(() => {
    if (!isEmpty || !first || !second || client.userId !== first.id) return;
    // Whoever has hidden it, or has no network, finds “+” instead.
    client.createConversation({ participantIds: [second.id] }).catch(() => {});
  }, [isEmpty, client, first, second]);
}
