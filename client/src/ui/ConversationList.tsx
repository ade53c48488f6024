import { useCallback, useState, type ReactNode } from 'react';
import { useConversations, useUnread } from '../react';
import type { ConversationView } from '../views';
import { makeStyles, useKit } from './kit';
import { Pressy } from './Pressy';
import { Icon } from './seams/Icon';
import { Text, View } from './seams/primitives';
import { Rows } from './seams/Scroller';

export interface ConversationListProps {
  selected?: string | null;
  onOpen(id: string): void;
  /** Shows a button for a new conversation; whom with is the app's to ask. */
  onNew?: (() => void) | undefined;
}

const keyOf = ({ id }: ConversationView): string => id;

/** The user's conversations, newest activity first. The arrow keys move in it. */
export function ConversationList({ selected = null, onOpen, onNew }: ConversationListProps): ReactNode {
  const conversations = useConversations();
  const { strings, theme: { color }, components: { ConnectionLine, ConversationRow, EmptyState } } = useKit();
  const styles = useStyles();
  const [focused, focus] = useState<string | null>(null);
  const tabStop = [focused, selected].find((id) => conversations?.some((one) => one.id === id)) ?? conversations?.[0]?.id;
  const render = useCallback((conversation: ConversationView) => (
    <ConversationRow conversation={conversation} isSelected={conversation.id === selected} isTabStop={conversation.id === tabStop} onOpen={onOpen} onFocus={focus} />
  ), [selected, tabStop, onOpen, ConversationRow]);
  return (
    <View style={styles.page} testID="parley-conversations">
      <View style={styles.bar}>
        <View style={styles.words}><Title /><ConnectionLine /></View>
        {onNew && <Pressy label={strings.newConversation} onPress={onNew} style={styles.button}><Icon name="compose" color={color.accentText} /></Pressy>}
      </View>
      {!conversations?.length ? <EmptyState text={conversations ? strings.noConversation : strings.loading} /> : (
        <Rows items={conversations} keyOf={keyOf} render={render} label={strings.conversations} />
      )}
    </View>
  );
}

function Title(): ReactNode {
  const { strings, times } = useKit();
  const styles = useStyles();
  const unread = useUnread();
  return (
    <View style={styles.titleLine}>
      <Text role="heading" aria-level={1} style={styles.title}>{strings.chats}</Text>
      {unread > 0 && <View style={styles.badge}><Text role="img" aria-label={strings.unread(unread)} style={styles.count}>{times.number(unread)}</Text></View>}
    </View>
  );
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  page: { flex: 1, minHeight: 0, backgroundColor: color.page },
  bar: { flexDirection: 'row', alignItems: 'center', minHeight: 58, paddingStart: 16, paddingEnd: 8, paddingVertical: 8 },
  words: { flex: 1, minWidth: 0 },
  titleLine: { flexDirection: 'row', alignItems: 'center', gap: 8 },
  title: { fontSize: 25, lineHeight: 32, fontWeight: '700', color: color.text },
  button: { borderRadius: radius.pill, backgroundColor: color.hover },
  badge: { minWidth: 22, height: 22, paddingHorizontal: 7, borderRadius: radius.pill, backgroundColor: color.accent, alignItems: 'center', justifyContent: 'center' },
  count: { ...type.tiny, fontWeight: '700', color: color.onAccent },
}));
