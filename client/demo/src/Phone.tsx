import { useConversations, useWebSocketContext, WebSocketProvider } from '@parley/client/react';
import { Chat, ChatProvider, type Route } from '@parley/client/ui';
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import type { Theme } from './App';
import type { DemoUser } from './config';
import { Controls } from './Controls';
import { makeClient, useFirstConversation, usePushToken } from './device';
import { clock } from './format';
import { Icon } from './icons';
import { LockScreen } from './LockScreen';
import { NewConversation } from './NewConversation';
import { Notice } from './Notice';
import type { Push } from './pushes';
import { Radio } from './radio';

interface Props {
  name: string;
  user: DemoUser;
  users: DemoUser[];
  pushes: Push[];
  theme: Theme;
  onUser(user: DemoUser): void;
  onSignIn(): void;
  dismiss(gone: (push: Push) => boolean): void;
}

/** One phone: its own connection, storage and network, and the kit on its screen. */
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

const CLOSED: Route = { conversation: null };

function Body({ name, user, users, pushes, theme, onUser, onSignIn, dismiss, radio }: Props & { radio: Radio }): ReactNode {
  const [route, setRoute] = useState(CLOSED);
  const [isNew, setNew] = useState(false);
  const [airplane, setAirplane] = useState(radio.airplane);
  const [locked, setLocked] = useState(false);
  const { client } = useWebSocketContext();
  const shown = useUnreadPushes(pushes, user.id, locked ? null : route.conversation);
  const ports = useMemo(() => ({ storage: radio.platform(name).storage }), [radio, name]);
  const lock = (on: boolean): void => {
    setLocked(on);
    radio.setActive(!on);
  };
  const go = (next: Route): void => {
    setNew(false);
    setRoute(next);
    dismiss((push) => push.userId === user.id && push.data.conversationId === next.conversation);
  };
  const tap = ({ data }: Push): void => go({ conversation: data.conversationId, message: data.messageId });
  useFirstConversation(client, users);
  usePushToken(client, name);
  useEffect(() => () => radio.setActive(true), [radio]);
  return (
    <article className="phone-stand" aria-label={`${user.handle}’s phone`}>
      <div className={locked ? 'phone locked' : 'phone'}>
        <StatusBar airplane={airplane} />
        {locked ? <LockScreen pushes={shown} onUnlock={() => lock(false)} onTap={(push) => (lock(false), tap(push))} /> : (
          <>
            <Banner push={shown[0]} onTap={tap} onGone={(key) => dismiss((push) => push.key === key)} />
            <ChatProvider theme={theme} locale="en" ports={ports}>
              {isNew ? <NewConversation me={user.id} onOpen={(id) => go({ conversation: id })} onBack={() => setNew(false)} /> : (
                <Chat panes="one" route={route} onNavigate={go} onNew={() => setNew(true)} />
              )}
            </ChatProvider>
          </>
        )}
      </div>
      <Controls
        name={name} user={user} users={users} onUser={onUser} onSignIn={onSignIn} locked={locked} onLock={lock} airplane={airplane}
        onAirplane={(on) => (radio.setAirplane(on), setAirplane(on))} onCut={() => radio.cut()} conversationId={route.conversation}
      />
    </article>
  );
}

/** This person's, but not of what is open or has been read, here or on another device. */
function useUnreadPushes(pushes: Push[], userId: string, open: string | null): Push[] {
  const conversations = useConversations();
  const readSeq = (id: string): number => conversations?.find((one) => one.id === id)?.readSeq ?? 0;
  return pushes.filter((push) => push.userId === userId && push.data.conversationId !== open && push.data.seq > readSeq(push.data.conversationId));
}

const BANNER_MS = 5000;

function Banner({ push, onTap, onGone }: { push: Push | undefined; onTap(push: Push): void; onGone(key: number): void }): ReactNode {
  const key = push?.key;
  useEffect(() => {
    if (key === undefined) return;
    const timer = setTimeout(() => onGone(key), BANNER_MS);
    return () => clearTimeout(timer);
  }, [key]);
  if (!push) return null;
  return <div className="banner" aria-live="polite"><Notice key={push.key} push={push} onTap={() => onTap(push)} /></div>;
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
