import type { ReactNode } from 'react';
import { makeStyles, useKit } from './kit';
import { Pressy } from './Pressy';
import { Icon } from './seams/Icon';
import { Text, View } from './seams/primitives';

export interface JumpToNewestProps {
  /** Of messages below that nobody has seen here. */
  count: number;
  onPress(): void;
}

/** Over the list, while its end is out of sight. */
export function JumpToNewest({ count, onPress }: JumpToNewestProps): ReactNode {
  const { strings, times, theme } = useKit();
  const styles = useStyles();
  const label = count > 0 ? `${strings.toNewest}, ${strings.newMessages(count)}` : strings.toNewest;
  return (
    <View style={styles.place}>
      <Pressy label={label} onPress={onPress} style={styles.button}><Icon name="down" color={theme.color.accentText} /></Pressy>
      {count > 0 && <View aria-hidden style={styles.badge}><Text maxFontSizeMultiplier={1.3} style={styles.count} testID="parley-newest-count">{times.number(count)}</Text></View>}
    </View>
  );
}

const useStyles = makeStyles(({ color, radius, type }) => ({
  place: { position: 'absolute', end: 14, bottom: 12 },
  button: { borderRadius: radius.pill, backgroundColor: color.raised, borderWidth: 1, borderColor: color.line, boxShadow: `0px 4px 14px ${color.shade}` },
  badge: { position: 'absolute', top: -8, end: -2, minWidth: 20, height: 20, paddingHorizontal: 6, borderRadius: radius.pill, backgroundColor: color.accent, alignItems: 'center', justifyContent: 'center' },
  count: { ...type.tiny, fontWeight: '700', color: color.onAccent },
}));
