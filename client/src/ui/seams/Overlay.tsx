/** On phones: a sheet over the screen, closed by a tap beside it, by "back" and by a screen reader's gesture. */

import type { ReactNode } from 'react';
import { Modal, Pressable, View } from 'react-native';
import type { OverlayProps } from './overlay-types';

const SHADE = { flex: 1, justifyContent: 'flex-end', padding: 12, paddingBottom: 32, backgroundColor: 'rgba(0,0,0,0.4)' } as const;

export function Overlay({ label, onClose, children }: OverlayProps): ReactNode {
  return (
    <Modal transparent visible animationType="fade" onRequestClose={onClose}>
      <Pressable accessible={false} onPress={onClose} style={SHADE}>
        <View accessibilityViewIsModal accessibilityLabel={label} onAccessibilityEscape={onClose}>{children}</View>
      </Pressable>
    </Modal>
  );
}
