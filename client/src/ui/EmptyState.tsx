import type { ReactNode } from 'react';
import { makeStyles } from './kit';
import { Text, View } from './seams/primitives';

export interface EmptyStateProps {
  text: string;
}

/** In place of a list that is empty or not yet here. */
export function EmptyState({ text }: EmptyStateProps): ReactNode {
  const styles = useStyles();
  return <View style={styles.box}><Text style={styles.text}>{text}</Text></View>;
}

const useStyles = makeStyles(({ color, type }) => ({
  box: { flex: 1, alignItems: 'center', justifyContent: 'center', padding: 32 },
  text: { ...type.body, color: color.dim, textAlign: 'center' },
}));
