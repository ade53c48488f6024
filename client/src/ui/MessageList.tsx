import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode, type Ref } from 'react';
import type { MessagesHandle } from '../react';
import type { ChatMessage } from '../views';
import type { BubbleHandlers } from './Bubble';
import { makeStyles, useKit } from './kit';
import { announce } from './seams/announce';
import { View } from './seams/primitives';
import type { ScrollerHandle } from './seams/scroller-types';
import { useJump, type MessageListHandle } from './useJump';
import type { MessageActions } from './useMessageActions';
import { useOlder, OlderTrouble } from './Older';

export interface MessageListProps {
  ref?: Ref<MessageListHandle>;
  conversationId: string;
  list: MessagesHandle;
  isGroup: boolean;
  nameOf(userId: string): string;
  isTyping: boolean;
  /** Messages of others past this seq were unread when the conversation was opened; null where all was read. */
  readSeqAtOpening: number | null;
  actions: MessageActions;
  /** The seq of the newest message in sight. */
  onNewestInSight(seq: number): void;
}

const keyOf = (message: ChatMessage): string => message.key;
/** A pause of this long begins a new run of one person's messages. */
const RUN_MS = 5 * 60_000;

/** The messages of a conversation: holds its place while older ones load, follows the end while the reader is there. */
export function MessageList(props: MessageListProps): ReactNode {
  const { ref, conversationId, list, isGroup, nameOf, isTyping, readSeqAtOpening, actions, onNewestInSight } = props;
  const { messages, isLoaded } = list;
  const { strings, times, components } = useKit();
  const { Bubble, DateSeparator, EmptyState, JumpToNewest, MessageMenu, Scroller, TypingBubble, UnreadSeparator } = components;
  const styles = useStyles();
  const scroller = useRef<ScrollerHandle>(null);
  const { flashing, jump } = useJump(ref, scroller, conversationId, messages);
  const [atEnd, setAtEnd] = useState(true);
  const [newest, setNewest] = useState<string | null>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const [menu, setMenu] = useState<{ message: ChatMessage; at: { x: number; y: number } | null } | null>(null);
  const seen = useRef(0);
  const older = useOlder(list);
  const byId = useMemo(() => new Map(messages.map((message) => [message.id ?? '', message])), [messages]);
  const on = useMemo<BubbleHandlers>(() => ({ act: actions.act, menu: (message, at) => setMenu({ message, at }), quote: jump, focus: setFocused }), [actions, jump]);
  const firstUnread = useMemo(() => unreadIndex(messages, readSeqAtOpening), [messages, readSeqAtOpening]);
  useNews(messages, scroller, nameOf);
  const inSight = useCallback((index: number) => {
    const message = messages[index];
    if (!message) return;
    setNewest(message.key);
    const seq = message.seq ?? lastSeq(messages, index);
    if (seq <= seen.current) return;
    seen.current = seq;
    onNewestInSight(seq);
  }, [messages, onNewestInSight]);
  const tabStop = focused !== null && messages.some(({ key }) => key === focused) ? focused : newest;
  const render = useCallback((message: ChatMessage, index: number) => {
    const before = messages[index - 1];
    const after = messages[index + 1];
    const isNewDay = !before || !times.isSameDay(before.createdAt, message.createdAt);
    const isUnread = index === firstUnread;
    const quoted = message.replyTo === null ? null : byId.get(message.replyTo) ?? null;
    return (
      <View>
        {isNewDay && <DateSeparator time={message.createdAt} />}
        {isUnread && <UnreadSeparator />}
        <Bubble
          message={message} first={isNewDay || isUnread || !isRun(before, message)} last={!after || !isRun(message, after) || !times.isSameDay(message.createdAt, after.createdAt)}
          author={nameOf(message.senderId)} isGroup={isGroup} quoted={quoted} quotedAuthor={quoted && (quoted.isMine ? strings.you : nameOf(quoted.senderId))}
          position={index + 1} isTabStop={message.key === tabStop} isFlashing={message.key === flashing} actions={actions.offered(message)} on={on}
        />
      </View>
    );
  }, [messages, times, firstUnread, byId, nameOf, isGroup, strings, tabStop, flashing, actions, on, Bubble, DateSeparator, UnreadSeparator]);
  if (messages.length === 0) return <View style={styles.box}><EmptyState text={isLoaded ? strings.noMessage : strings.loading} /></View>;
  return (
    <View style={styles.box}>
      <Scroller
        ref={scroller} items={messages} keyOf={keyOf} render={render} label={strings.messages} testID="parley-messages"
        footer={isTyping ? <TypingBubble /> : <View style={styles.foot} />} startAt={firstUnread > 0 ? firstUnread : undefined}
        onNearStart={older.onNearStart} onAtEnd={setAtEnd} onNewestInSight={inSight}
        textOf={(message) => `[${times.clock(message.createdAt)}] ${message.isMine ? strings.you : nameOf(message.senderId)}: ${message.text}`}
      />
      <OlderTrouble {...older} />
      {!atEnd && <JumpToNewest count={unseen(messages, seen.current)} onPress={() => scroller.current?.toEnd()} />}
      {menu && <MessageMenu {...menu} actions={actions.offered(menu.message)} onAct={(action) => actions.act(menu.message, action)} onClose={() => setMenu(null)} />}
    </View>
  );
}

/** One's own message is followed to the end; another's is said to a screen reader, wherever the reader is. */
function useNews(messages: readonly ChatMessage[], scroller: { current: ScrollerHandle | null }, nameOf: (userId: string) => string): void {
  const last = messages[messages.length - 1];
  const before = useRef(last?.key);
  useEffect(() => {
    if (!last || before.current === last.key) return;
    before.current = last.key;
    if (last.isMine) scroller.current?.toEnd();
    else announce(`${nameOf(last.senderId)}: ${last.text}`);
  }, [last?.key]);
}

function isRun(before: ChatMessage | undefined, after: ChatMessage): boolean {
  return before?.senderId === after.senderId && Date.parse(after.createdAt) - Date.parse(before.createdAt) < RUN_MS;
}

function unreadIndex(messages: readonly ChatMessage[], readSeq: number | null): number {
  return readSeq === null ? -1 : messages.findIndex(({ seq, isMine }) => !isMine && seq !== null && seq > readSeq);
}

function lastSeq(messages: readonly ChatMessage[], index: number): number {
  for (let at = index; at >= 0; at--) if (messages[at]?.seq != null) return messages[at]!.seq!;
  return 0;
}

function unseen(messages: readonly ChatMessage[], seq: number): number {
  let count = 0;
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at]!;
    if (message.seq !== null && message.seq <= seq) break;
    if (!message.isMine) count++;
  }
  return count;
}

const useStyles = makeStyles(({ color }) => ({
  box: { flex: 1, minHeight: 0, backgroundColor: color.surface },
  foot: { height: 10 },
}));
