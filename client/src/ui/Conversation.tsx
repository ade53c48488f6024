import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useConversations, useMarkRead, useMessages, useSendMessage, useTyping, useWebSocketContext } from '../react';
import type { ChatMessage } from '../views';
import { useDraft } from './useDraft';
import { makeStyles, useKit } from './kit';
import { MessageList } from './MessageList';
import { nameOf, partnerOf, titleOf } from './people';
import { KeyboardRoom, View } from './seams/primitives';
import type { Key } from './seams/primitives-types';
import type { MessageListHandle } from './useJump';
import { useMessageActions } from './useMessageActions';

export interface ConversationProps {
  id: string;
  /** A message to show at first; the newest, or the first unread one, by itself. */
  at?: string | null;
  /** Leaves the conversation; null where the list stands beside it. */
  onBack?: (() => void) | null;
  /** The conversation is off the list, or the reader pressed Escape. */
  onLeave?(): void;
  /** The field takes the focus: where there is a keyboard anyway. */
  autoFocus?: boolean;
}

const nothing = (): void => {};

/** One conversation: who it is with, its messages, and a field to write. */
export function Conversation({ id, at = null, onBack = null, onLeave = nothing, autoFocus = false }: ConversationProps): ReactNode {
  const { client } = useWebSocketContext();
  const { strings, components: { Composer, Header } } = useKit();
  const styles = useStyles();
  const conversation = useConversations()?.find((one) => one.id === id);
  const list = useMessages(id);
  const { typists, setTyping } = useTyping(id);
  const send = useSendMessage(id);
  const draft = useDraft(id);
  const [replyTo, setReply] = useState<ChatMessage | null>(null);
  const [upTo, setUpTo] = useState<number | null>(null);
  const messages = useRef<MessageListHandle>(null);
  const actions = useMessageActions(id, setReply);
  const readSeqAtOpening = useAtOpening(conversation && { readSeq: conversation.readSeq, unread: conversation.unreadCount });
  const name = useCallback((userId: string) => nameOf(conversation, userId, strings), [conversation?.participants, strings]);
  useMarkRead(id, { upTo });
  useEffect(() => void (at !== null && list.isLoaded && messages.current?.toMessage(at)), [at, list.isLoaded]);
  const title = conversation ? titleOf(conversation, client.userId, strings) : '';
  const write = (text: string): void => {
    draft.save(text);
    setTyping(text !== '');
  };
  const post = (text: string): void => {
    send({ text, ...(replyTo?.id && { replyTo: replyTo.id }) });
    setReply(null);
  };
  const escape = (): void => (replyTo ? setReply(null) : onLeave());
  const press = (event: Key): void => void (event.key === 'Escape' && escape());
  const replyAuthor = useMemo(() => replyTo && (replyTo.isMine ? strings.you : name(replyTo.senderId)), [replyTo, strings, name]);
  return (
    <KeyboardRoom style={styles.page}>
      <View style={styles.page} onKeyDown={press} testID="parley-conversation">
        <Header conversation={conversation} title={title} partner={partnerOf(conversation, client.userId)} typists={typists.map(name)} onBack={onBack} onHidden={onLeave} />
        <MessageList
          ref={messages} conversationId={id} list={list} isGroup={conversation?.isGroup ?? false} nameOf={name} isTyping={typists.length > 0}
          readSeqAtOpening={readSeqAtOpening} actions={actions} onNewestInSight={setUpTo}
        />
        <Composer draft={draft.text} onDraft={write} onSend={post} replyTo={replyTo} replyAuthor={replyAuthor} onCancelReply={() => setReply(null)} onEscape={escape} autoFocus={autoFocus} />
      </View>
    </KeyboardRoom>
  );
}

/** How far was read when the conversation was opened: reading on does not move the line. Null where all was read. */
function useAtOpening(now: { readSeq: number; unread: number } | undefined): number | null {
  const [opening, setOpening] = useState(now);
  // A conversation opened by a link is known later than its screen.
  if (!opening && now) setOpening(now);
  return opening && opening.unread > 0 ? opening.readSeq : null;
}

const useStyles = makeStyles(({ color }) => ({
  page: { flex: 1, minHeight: 0, minWidth: 0, backgroundColor: color.page },
}));
