import { useState, type ReactNode } from 'react';
import { usePresence } from '../react';
import type { ConversationView } from '../views';
import { HideQuestion } from './HideQuestion';
import { makeStyles, useKit } from './kit';
import { Pressy } from './Pressy';
import { Icon } from './seams/Icon';
import { Text, View } from './seams/primitives';

export interface HeaderProps {
  conversation: ConversationView | undefined;
  title: string;
  /** Whom a conversation of two is with. */
  partner: string | null;
  /** Who writes now, by name. */
  typists: readonly string[];
  /** Leaves the conversation; null where the list stands beside it. */
  onBack: (() => void) | null;
  /** The conversation is off the list. */
  onHidden(): void;
}

/** With whom one talks, and how they are: writing, online, last seen; or how the connection is. */
export function Header({ conversation, title, partner, typists, onBack, onHidden }: HeaderProps): ReactNode {
  const { strings, theme: { color }, components: { Avatar, ConnectionLine }, isRtl } = useKit();
  const styles = useStyles();
  const [asks, ask] = useState(false);
  const people = conversation?.participantCount ?? conversation?.participants.length ?? 0;
  return (
    <View style={styles.bar} testID="parley-header">
      {onBack && <Pressy label={strings.back} onPress={onBack} style={styles.button}><Icon name="back" color={color.accentText} mirrored={isRtl} /></Pressy>}
      <View style={onBack ? null : styles.indent}><Avatar name={title} size={38} isGroup={conversation?.isGroup ?? false} userId={partner} /></View>
      <View style={styles.words}>
        <Text role="heading" aria-level={onBack ? 1 : 2} numberOfLines={1} style={styles.title}>{title}</Text>
        <ConnectionLine otherwise={<Subtitle typists={typists} partner={partner} people={people} />} />
      </View>
      <Pressy label={strings.hide} onPress={() => ask(true)} style={styles.button}><Icon name="trash" color={color.dim} size={20} /></Pressy>
      {asks && conversation && <HideQuestion conversationId={conversation.id} onClose={() => ask(false)} onHidden={onHidden} />}
    </View>
  );
}

function Subtitle({ typists, partner, people }: { typists: readonly string[]; partner: string | null; people: number }): ReactNode {
  const { strings } = useKit();
  const styles = useStyles();
  if (typists.length > 0) return <Text numberOfLines={1} style={[styles.line, styles.typing]}>{partner ? strings.typing : strings.typists(typists)}</Text>;
  return partner ? <Seen userId={partner} /> : <Text numberOfLines={1} style={styles.line}>{strings.people(people)}</Text>;
}

function Seen({ userId }: { userId: string }): ReactNode {
  const { strings, times } = useKit();
  const styles = useStyles();
  const presence = usePresence(userId);
  // A space keeps the line's height until something is known.
  if (!presence) return <Text style={styles.line}>{'\u00A0'}</Text>;
  return <Text numberOfLines={1} style={[styles.line, presence.isOnline && styles.online]}>{presence.isOnline ? strings.online : times.lastSeen(presence.lastSeenAt)}</Text>;
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  bar: { flexDirection: 'row', alignItems: 'center', gap: 8, minHeight: 58, paddingHorizontal: 6, borderBottomWidth: 1, borderColor: color.line, backgroundColor: color.page },
  button: { borderRadius: radius.pill },
  indent: { marginStart: 8 },
  words: { flex: 1, minWidth: 0 },
  title: { ...type.title, fontSize: 16, lineHeight: 21, fontWeight: '600', color: color.text },
  line: { ...type.tiny, color: color.dim },
  typing: { color: color.accentText, fontWeight: '500' },
  online: { color: color.good },
}));
