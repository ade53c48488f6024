import type { ConversationView } from '@parley/client';
import { useConversations, useTyping, useUnread, useWebSocketContext } from '@parley/client/react';
import type { ReactNode } from 'react';
import { Avatar } from './Avatar';
import { ConnectionLine } from './ConnectionLine';
import { handleOf, partnerOf, short, titleOf } from './format';
import { Icon, Mark } from './icons';

export function ConversationList({ onOpen, onNew }: { onOpen(id: string): void; onNew(): void }): ReactNode {
  const conversations = useConversations();
  const unread = useUnread();
  return (
    <section className="view" aria-label="Conversations">
      <header className="bar bar-large">
        <div className="bar-text">
          <h2>Chats{unread > 0 && <span className="badge" aria-label={`${unread} unread`}>{unread}</span>}</h2>
          <ConnectionLine />
        </div>
        <button className="round" onClick={onNew} aria-label="New conversation" title="New conversation"><Icon name="compose" /></button>
      </header>
      <div className="scroll">
        {conversations === null && <p className="empty">Loading…</p>}
        {conversations?.length === 0 && <p className="empty">No conversation yet. Start one with “+”.</p>}
        <ul className="rows">
          {conversations?.map((conversation) => (
            <li key={conversation.id}><Row conversation={conversation} onOpen={onOpen} /></li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function Row({ conversation, onOpen }: { conversation: ConversationView; onOpen(id: string): void }): ReactNode {
  const { userId } = useWebSocketContext().client;
  const { id, isGroup, lastMessage, unreadCount } = conversation;
  const title = titleOf(conversation, userId);
  return (
    <button className={unreadCount > 0 ? 'row unread' : 'row'} onClick={() => onOpen(id)}>
      <Avatar name={title} isGroup={isGroup} userId={partnerOf(conversation, userId)} />
      <span className="row-text">
        <span className="row-title">{title}</span>
        <Preview conversation={conversation} />
      </span>
      <span className="row-side">
        <span className="row-time">{lastMessage && short(lastMessage.createdAt)}</span>
        {unreadCount > 0 && <span className="badge" aria-label={`${unreadCount} unread`}>{unreadCount}</span>}
      </span>
    </button>
  );
}

function Preview({ conversation }: { conversation: ConversationView }): ReactNode {
  const { typists } = useTyping(conversation.id);
  const last = conversation.lastMessage;
  if (typists.length > 0) return <span className="row-preview typing-text">typing…</span>;
  if (!last) return <span className="row-preview">Say hello 👋</span>;
  const author = conversation.isGroup && !last.isMine ? `${handleOf(conversation, last.senderId)}: ` : '';
  return (
    <span className="row-preview">
      {last.isMine && <Mark status={last.status} />}
      <span className="clip">{author}{last.text}</span>
    </span>
  );
}
