import { useEffect, useState, type ReactNode } from 'react';
import type { ConnectionState } from '../connection';
import { CloseCode } from '../codes';
import { useWebSocket } from '../react';
import { makeStyles, useKit } from './kit';
import { Pressy } from './Pressy';
import { Text, View } from './seams/primitives';
import type { Strings } from './strings';
import type { Times } from './times';

export interface ConnectionLineProps {
  /** Shown while all is well. */
  otherwise?: ReactNode;
}

const TICK_MS = 500;

/** What the connection does, in words, and a way to try at once while it waits. */
export function ConnectionLine({ otherwise = null }: ConnectionLineProps): ReactNode {
  const { connection, isSynced, reconnect } = useWebSocket();
  const { strings } = useKit();
  const text = useConnectionText(connection, isSynced);
  const styles = useStyles();
  if (text === null) return otherwise;
  const waits = connection.status === 'waiting' || connection.status === 'offline';
  return (
    <View style={styles.line} testID="parley-connection">
      <Text role="status" numberOfLines={1} style={styles.text}>{text}</Text>
      {waits && <Pressy onPress={reconnect} hitSlop={12} style={styles.button}><Text style={styles.way}>{strings.tryNow}</Text></Pressy>}
    </View>
  );
}

function useConnectionText(connection: ConnectionState, isSynced: boolean): string | null {
  const { strings, times } = useKit();
  const seconds = useSecondsUntil(connection.retryAt);
  return wordsFor(connection, isSynced, seconds, strings, times);
}

/** Null while all is well. Never the engine's own words: these are for whoever reads the log. */
export function wordsFor({ status, code }: ConnectionState, isSynced: boolean, seconds: number, strings: Strings, times: Times): string | null {
  switch (status) {
    case 'connected': return isSynced ? null : strings.updating;
    case 'connecting': return strings.connecting;
    case 'waiting': return seconds > 1 ? strings.reconnectingIn(times.number(seconds)) : strings.reconnecting;
    case 'offline': return strings.noNetwork;
    case 'asleep': return strings.asleep;
    case 'stopped': return code === CloseCode.Unauthorized || code === CloseCode.SessionRevoked ? strings.signedOut : strings.stopped;
    case 'idle': return strings.disconnected;
  }
}

function useSecondsUntil(time: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (time === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [time]);
  return time === null ? 0 : Math.max(0, Math.ceil((time - now) / 1000));
}

const useStyles = makeStyles(({ color, type }) => ({
  line: { flexDirection: 'row', alignItems: 'center', gap: 6 },
  text: { ...type.tiny, color: color.dim, flexShrink: 1 },
  button: { minHeight: 24, minWidth: 24, paddingHorizontal: 4, borderRadius: 4 },
  way: { ...type.tiny, fontWeight: '600', color: color.accentText },
}));
