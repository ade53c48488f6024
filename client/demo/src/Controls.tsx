import { useWebSocket, useWebSocketContext } from '@parley/client/react';
import type { ReactNode } from 'react';
import type { DemoUser } from './config';
import { useConnectionText } from './ConnectionLine';
import { Icon } from './icons';

interface Props {
  name: string;
  user: DemoUser;
  users: DemoUser[];
  onUser(user: DemoUser): void;
  locked: boolean;
  onLock(on: boolean): void;
  airplane: boolean;
  onAirplane(on: boolean): void;
  onCut(): void;
  conversationId: string | null;
}

/** What one does to a phone from outside: take its network, cut its connection, put it away. */
export function Controls({ name, user, users, onUser, locked, onLock, airplane, onAirplane, onCut, conversationId }: Props): ReactNode {
  const { client } = useWebSocketContext();
  const { isConnected } = useWebSocket();
  const text = useConnectionText();
  const sendTen = (): void => {
    for (let n = 1; n <= 10; n++) client.send(conversationId ?? '', { text: `${n} of 10` });
  };
  return (
    <div className="controls" role="group" aria-label={`Controls of ${user.handle}’s phone`}>
      <label className="who">
        <span className="sr">Who has this phone</span>
        <select value={user.id} name={name} onChange={({ target }) => onUser(users.find(({ id }) => id === target.value) ?? user)}>
          {users.map(({ id, handle }) => <option key={id} value={id}>{handle}</option>)}
        </select>
        <Icon name="down" size={14} />
      </label>
      <span className={isConnected ? 'chip good' : 'chip'} data-state={isConnected ? 'connected' : 'not connected'}>{text ?? 'Connected'}</span>
      <button role="switch" aria-checked={airplane} title="Airplane mode" onClick={() => onAirplane(!airplane)}><Icon name="plane" size={18} />Airplane</button>
      <button onClick={onCut} disabled={!isConnected} title="Breaks the connection, as a tunnel does"><Icon name="cut" size={18} />Kill socket</button>
      <button aria-pressed={locked} onClick={() => onLock(!locked)}><Icon name={locked ? 'unlock' : 'lock'} size={18} />{locked ? 'Unlock' : 'Lock'}</button>
      <button onClick={sendTen} disabled={conversationId === null || locked} title="Sends ten messages at once"><Icon name="burst" size={18} />Send ten</button>
    </div>
  );
}
