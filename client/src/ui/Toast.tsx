import type { ReactNode } from 'react';
import { makeStyles } from './kit';
import { Text, View } from './seams/primitives';

export function Toast({ said }: { said: string | null }): ReactNode {
  const styles = useStyles();
  if (said === null) return null;
  return <View style={styles.place} testID="parley-toast"><View style={styles.box}><Text style={styles.text}>{said}</Text></View></View>;
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  place: { position: 'absolute', start: 0, end: 0, bottom: 84, alignItems: 'center' },
  box: { backgroundColor: color.text, borderRadius: radius.pill, paddingHorizontal: 16, paddingVertical: 8 },
  text: { ...type.small, color: color.page },
}));
