import { memo, type ReactNode } from 'react';
import { useTyping, useWebSocketContext } from '../react';
import type { ConversationView } from '../views';
import { makeStyles, useKit } from './kit';
import { nameOf, partnerOf, titleOf } from './people';
import { Pressy } from './Pressy';
import { Text, View } from './seams/primitives';

export interface ConversationRowProps {
  conversation: ConversationView;
  isSelected: boolean;
  isTabStop: boolean;
  onOpen(id: string): void;
  onFocus(id: string): void;
}

/** One conversation of the list: with whom, the newest message, when, and how much is unread. */
export const ConversationRow = memo(function ConversationRow({ conversation, isSelected, isTabStop, onOpen, onFocus }: ConversationRowProps): ReactNode {
  const { userId } = useWebSocketContext().client;
  const { strings, times, components: { Avatar } } = useKit();
  const styles = useStyles();
  const { id, isGroup, lastMessage, unreadCount } = conversation;
  const title = titleOf(conversation, userId, strings);
  return (
    <Pressy onPress={() => onOpen(id)} onFocus={() => onFocus(id)} tabIndex={isTabStop ? 0 : -1} aria-current={isSelected || undefined} style={[styles.row, isSelected && styles.selected]} hover={isSelected ? styles.selected : undefined} testID="parley-row">
      <Avatar name={title} isGroup={isGroup} userId={partnerOf(conversation, userId)} />
      <View style={styles.words}>
        <View style={styles.line}>
          <Text numberOfLines={1} dir="auto" style={styles.title}>{title}</Text>
          <Text style={[styles.time, unreadCount > 0 && styles.fresh]}>{lastMessage ? times.short(lastMessage.createdAt) : ''}</Text>
        </View>
        <View style={styles.line}>
          <Preview conversation={conversation} />
          {unreadCount > 0 && (
            <View style={styles.badge}><Text maxFontSizeMultiplier={1.3} style={styles.count} aria-label={strings.unread(unreadCount)} role="img" testID="parley-unread-count">{times.number(unreadCount)}</Text></View>
          )}
        </View>
      </View>
    </Pressy>
  );
});

function Preview({ conversation }: { conversation: ConversationView }): ReactNode {
  const { typists } = useTyping(conversation.id);
  const { strings, theme: { color }, components: { Receipt } } = useKit();
  const styles = useStyles();
  const last = conversation.lastMessage;
  if (typists.length > 0) return <Text numberOfLines={1} style={[styles.preview, styles.typing]}>{strings.typing}</Text>;
  const author = conversation.isGroup && last && !last.isMine ? `${nameOf(conversation, last.senderId, strings)}: ` : '';
  return (
    <>
      {last?.isMine && <Receipt status={last.status} color={color.dim} readColor={color.accentText} />}
      <Text numberOfLines={1} dir="auto" style={[styles.preview, conversation.unreadCount > 0 && styles.unread]}>{last ? `${author}${last.text}` : strings.noMessage}</Text>
    </>
  );
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  row: { flexDirection: 'row', justifyContent: 'flex-start', gap: 12, paddingHorizontal: 10, paddingVertical: 9, marginHorizontal: 6, marginVertical: 1, borderRadius: radius.medium },
  selected: { backgroundColor: color.selected },
  words: { flex: 1, minWidth: 0, gap: 2 },
  line: { flexDirection: 'row', alignItems: 'center', gap: 5, minHeight: 21 },
  title: { ...type.body, fontWeight: '600', color: color.text, flex: 1, minWidth: 0, textAlign: 'start' },
  time: { ...type.tiny, color: color.dim },
  fresh: { color: color.accentText, fontWeight: '600' },
  preview: { ...type.small, color: color.dim, flex: 1, minWidth: 0, textAlign: 'start' },
  unread: { color: color.text },
  typing: { color: color.accentText, fontWeight: '500' },
  badge: { minWidth: 20, height: 20, paddingHorizontal: 6, borderRadius: radius.pill, backgroundColor: color.accent, alignItems: 'center', justifyContent: 'center' },
  count: { ...type.tiny, fontWeight: '700', color: color.onAccent },
}));
