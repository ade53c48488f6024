import type { ReactNode } from 'react';
import { makeStyles, useKit, useStrings } from './kit';
import { Text, View } from './seams/primitives';

export interface DateSeparatorProps {
  time: string;
}

/** Between two days. */
export function DateSeparator({ time }: DateSeparatorProps): ReactNode {
  const styles = useStyles();
  return <View style={styles.day}><Text role="heading" aria-level={2} selectable={false} style={styles.dayText}>{useKit().times.day(time)}</Text></View>;
}

/** Before the first message that was unread when the conversation was opened. */
export function UnreadSeparator(): ReactNode {
  const styles = useStyles();
  const { unreadHere } = useStrings();
  return (
    <View style={styles.unread} testID="parley-unread">
      <View style={styles.line} />
      <Text selectable={false} style={styles.unreadText}>{unreadHere}</Text>
      <View style={styles.line} />
    </View>
  );
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  day: { alignItems: 'center', paddingTop: 14, paddingBottom: 6 },
  dayText: { ...type.tiny, fontWeight: '500', color: color.dim, backgroundColor: color.page, paddingHorizontal: 12, paddingVertical: 4, borderRadius: radius.medium, overflow: 'hidden' },
  unread: { flexDirection: 'row', alignItems: 'center', gap: 10, paddingHorizontal: 14, paddingVertical: 10 },
  line: { flex: 1, height: 1, backgroundColor: color.accentText, opacity: 0.5 },
  unreadText: { ...type.tiny, fontWeight: '600', color: color.accentText },
}));
