/** Older messages: fetched as the reader nears them, and by hand after a page that did not come. */

import { useCallback, useState, type ReactNode } from 'react';
import type { MessagesHandle } from '../react';
import { makeStyles, useStrings } from './kit';
import { Pressy } from './Pressy';
import { Text, View } from './seams/primitives';

export interface Older {
  hasFailed: boolean;
  isLoading: boolean;
  onNearStart(): void;
  retry(): void;
}

export function useOlder({ hasOlder, isLoadingOlder, loadOlder }: MessagesHandle): Older {
  const [hasFailed, setFailed] = useState(false);
  const load = useCallback(() => void loadOlder().then(() => setFailed(false), () => setFailed(true)), [loadOlder]);
  return { hasFailed, isLoading: isLoadingOlder, retry: load, onNearStart: () => void (hasOlder && !isLoadingOlder && !hasFailed && load()) };
}

/** Over the list, so that nothing in it moves. */
export function OlderTrouble({ hasFailed, isLoading, retry }: Older): ReactNode {
  const { olderFailed, tryNow, loading } = useStrings();
  const styles = useStyles();
  if (!hasFailed && !isLoading) return null;
  return (
    <View style={styles.place}>
      <View style={styles.box} role="status">
        <Text style={styles.text}>{hasFailed ? olderFailed : loading}</Text>
        {hasFailed && <Pressy onPress={retry} style={styles.button}><Text style={styles.way}>{tryNow}</Text></Pressy>}
      </View>
    </View>
  );
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  place: { position: 'absolute', top: 8, start: 0, end: 0, alignItems: 'center' },
  box: { flexDirection: 'row', alignItems: 'center', backgroundColor: color.raised, borderRadius: radius.pill, paddingHorizontal: 14, paddingVertical: 3, boxShadow: `0px 2px 8px ${color.shade}` },
  text: { ...type.tiny, color: color.dim },
  button: { paddingHorizontal: 10, borderRadius: radius.pill },
  way: { ...type.tiny, fontWeight: '600', color: color.accentText },
}));
