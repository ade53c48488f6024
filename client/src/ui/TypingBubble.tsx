import type { ReactNode } from 'react';
import { makeStyles } from './kit';
import { View } from './seams/primitives';

/** Somebody writes. The header says who, so that this says nothing to a screen reader. */
export function TypingBubble(): ReactNode {
  const styles = useStyles();
  return <View aria-hidden style={styles.bubble} testID="parley-typing">{[0.35, 0.6, 0.85].map((opacity) => <View key={opacity} style={[styles.dot, { opacity }]} />)}</View>;
}

const useStyles = makeStyles(({ color, radius }) => ({
  bubble: { flexDirection: 'row', alignSelf: 'flex-start', gap: 4, margin: 12, marginTop: 4, padding: 13, borderRadius: radius.bubble, backgroundColor: color.theirs },
  dot: { width: 7, height: 7, borderRadius: 4, backgroundColor: color.dim },
}));
