import { useConversations, useMessages, usePresence, useTyping, useWebSocketContext } from '@parley/client/react';
import type { ReactNode } from 'react';
import { Avatar } from './Avatar';
import { Composer } from './Composer';
import { ConnectionLine } from './ConnectionLine';
import { handleOf, lastSeen, partnerOf, titleOf } from './format';
import { Icon } from './icons';
import { Messages } from './Messages';

export function Chat({ id, onBack }: { id: string; onBack(): void }): ReactNode {
  const { client } = useWebSocketContext();
  const conversation = useConversations()?.find((one) => one.id === id);
  const list = useMessages(id);
  const { typists } = useTyping(id);
  const title = conversation ? titleOf(conversation, client.userId) : '';
  const partner = partnerOf(conversation, client.userId);
  const nameOf = (userId: string): string => handleOf(conversation, userId);
  const hide = async (): Promise<void> => {
    await client.hideConversation(id).then(onBack, () => {});
  };
  return (
    <section className="view" aria-label={`Conversation with ${title}`}>
      <header className="bar">
        <button className="round plain" onClick={onBack} aria-label="Back to conversations"><Icon name="back" /></button>
        <Avatar name={title} isGroup={conversation?.isGroup ?? false} userId={partner} />
        <div className="bar-text">
          <h2>{title}</h2>
          <ConnectionLine otherwise={<Subtitle typists={typists.map(nameOf)} partner={partner} people={conversation?.participantCount ?? conversation?.participants.length ?? 0} />} />
        </div>
        <button className="round plain" onClick={() => void hide()} aria-label="Hide this conversation" title="Hide this conversation"><Icon name="hide" /></button>
      </header>
      <Messages key={id} id={id} list={list} isGroup={conversation?.isGroup ?? false} nameOf={nameOf} typists={typists} />
      <Composer id={id} key={id} />
    </section>
  );
}

function Subtitle({ typists, partner, people }: { typists: string[]; partner: string | null; people: number }): ReactNode {
  if (typists.length > 0) return <span className="line typing-text">{partner ? '' : `${typists.join(', ')} `}typing…</span>;
  return partner ? <Seen userId={partner} /> : <span className="line">{people} people</span>;
}

function Seen({ userId }: { userId: string }): ReactNode {
  const presence = usePresence(userId);
  if (!presence) return <span className="line">&nbsp;</span>;
  return <span className={presence.isOnline ? 'line online' : 'line'}>{presence.isOnline ? 'online' : lastSeen(presence.lastSeenAt)}</span>;
}
