import { usePresence, useWebSocket } from '@parley/client/react';
import type { CSSProperties, ReactNode } from 'react';
import { Icon } from './icons';

/** A colour that belongs to the name. */
function hue(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);
}

export function Avatar({ name, isGroup = false, userId }: { name: string; isGroup?: boolean; userId?: string | null }): ReactNode {
  return (
    <span className="avatar" style={{ '--hue': hue(name) } as CSSProperties} aria-hidden="true">
      {isGroup ? <Icon name="people" /> : name.slice(0, 1).toUpperCase()}
      {userId && <PresenceDot userId={userId} />}
    </span>
  );
}

/** Only while this phone can know: its own silence says nothing of others. */
function PresenceDot({ userId }: { userId: string }): ReactNode {
  const { isConnected } = useWebSocket();
  return usePresence(userId)?.isOnline && isConnected ? <span className="dot" /> : null;
}
