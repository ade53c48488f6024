import type { ReactNode } from 'react';
import { usePresence, useWebSocket } from '../react';
import { useTheme } from './kit';
import { Icon } from './seams/Icon';
import { Text, View } from './seams/primitives';
import { avatarColor } from './theme';

export interface AvatarProps {
  name: string;
  size?: number;
  isGroup?: boolean;
  /** Shows a dot while this person is online. */
  userId?: string | null;
}

/** A letter on a colour that belongs to the name. Says nothing to a screen reader: the name stands beside it. */
export function Avatar({ name, size = 46, isGroup = false, userId = null }: AvatarProps): ReactNode {
  const theme = useTheme();
  const round = { width: size, height: size, borderRadius: size / 2, alignItems: 'center', justifyContent: 'center' } as const;
  return (
    <View aria-hidden style={[round, { backgroundColor: avatarColor(theme, name) }]}>
      {isGroup ? <Icon name="people" color={theme.color.onAvatar} size={size * 0.5} /> : (
        <Text maxFontSizeMultiplier={1} style={{ color: theme.color.onAvatar, fontSize: size * 0.42, fontWeight: '600' }}>{([...name][0] ?? '').toUpperCase()}</Text>
      )}
      {userId !== null && <Dot userId={userId} size={Math.max(10, size * 0.28)} />}
    </View>
  );
}

/** Only while this device can know: its own silence says nothing of others. */
function Dot({ userId, size }: { userId: string; size: number }): ReactNode {
  const { color } = useTheme();
  const { isConnected } = useWebSocket();
  if (!usePresence(userId)?.isOnline || !isConnected) return null;
  const place = { position: 'absolute', end: 0, bottom: 0, width: size, height: size, borderRadius: size / 2 } as const;
  return <View testID="parley-online" style={[place, { backgroundColor: '#22b57f', borderWidth: 2, borderColor: color.page }]} />;
}
