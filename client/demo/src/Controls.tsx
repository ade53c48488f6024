import type { ConnectionState } from '@parley/client';
import { useWebSocket, useWebSocketContext } from '@parley/client/react';
import type { ReactNode } from 'react';
import type { DemoUser } from './config';
import { Icon } from './icons';

interface WhoProps {
  name: string;
  user: DemoUser;
  users: DemoUser[];
  onUser(user: DemoUser): void;
  onSignIn(): void;
}

interface Props extends WhoProps {
  locked: boolean;
  onLock(on: boolean): void;
  airplane: boolean;
  onAirplane(on: boolean): void;
  onCut(): void;
  conversationId: string | null;
}

/** What one does to a phone from outside: take its network, cut its connection, put it away. */
export function Controls({ locked, onLock, airplane, onAirplane, onCut, conversationId, ...who }: Props): ReactNode {
  const { client } = useWebSocketContext();
  const { isConnected, connection } = useWebSocket();
  const sendTen = (): void => {
    for (let n = 1; n <= 10; n++) client.send(conversationId ?? '', { text: `${n} of 10` });
  };
  return (
    <div className="controls" role="group" aria-label={`Controls of ${who.user.handle}’s phone`}>
      <Who {...who} />
      <Chip connection={connection} />
      <button role="switch" aria-checked={airplane} title="Airplane mode" onClick={() => onAirplane(!airplane)}><Icon name="plane" size={18} />Airplane</button>
      <button onClick={onCut} disabled={!isConnected} title="Breaks the connection, as a tunnel does"><Icon name="cut" size={18} />Kill socket</button>
      <button aria-pressed={locked} onClick={() => onLock(!locked)}><Icon name={locked ? 'unlock' : 'lock'} size={18} />{locked ? 'Unlock' : 'Lock'}</button>
      <button onClick={sendTen} disabled={conversationId === null || locked} title="Sends ten messages at once"><Icon name="burst" size={18} />Send ten</button>
    </div>
  );
}

const SOMEBODY = 'somebody';

export function Who({ name, user, users, onUser, onSignIn }: WhoProps): ReactNode {
  const choose = (id: string): void => {
    const chosen = users.find((one) => one.id === id);
    if (chosen) onUser(chosen);
    else onSignIn();
  };
  return (
    <label className="who">
      <span className="sr">Who has this device</span>
      <select value={user.id} name={name} onChange={({ target }) => choose(target.value)}>
        {users.map(({ id, handle }) => <option key={id} value={id}>{handle}</option>)}
        <option value={SOMEBODY}>somebody else…</option>
      </select>
      <Icon name="down" size={14} />
    </label>
  );
}

const WORDS: Readonly<Record<ConnectionState['status'], string>> = {
  connected: 'Connected', connecting: 'Connecting…', waiting: 'Reconnecting…', offline: 'No network', asleep: 'Asleep', stopped: 'Stopped', idle: 'Disconnected',
};

export function Chip({ connection: { status } }: { connection: ConnectionState }): ReactNode {
  return <span className={status === 'connected' ? 'chip good' : 'chip'} data-state={status}>{WORDS[status]}</span>;
}
