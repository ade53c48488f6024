import type { ReactNode } from 'react';
import type { ChatMessage } from '../views';
import { useStrings } from './kit';
import { Icon } from './seams/Icon';
import type { IconName } from './seams/icon-paths';
import { View } from './seams/primitives';

export interface ReceiptProps {
  status: ChatMessage['status'];
  color: string;
  /** Of a message that all others have read. */
  readColor: string;
}

const ICONS: Readonly<Record<ChatMessage['status'], IconName>> = { queued: 'clock', sending: 'clock', sent: 'tick', delivered: 'ticks', read: 'ticks', failed: 'alert' };

/** How far one's own message has come. */
export function Receipt({ status, color, readColor }: ReceiptProps): ReactNode {
  const strings = useStrings();
  return (
    <View role="img" aria-label={strings.status[status]} testID={`parley-receipt-${status}`}>
      <Icon name={ICONS[status]} color={status === 'read' ? readColor : color} size={15} />
    </View>
  );
}
