import { AccessibilityInfo } from 'react-native';

/** Has the screen reader say `text` when it has done with what it says now. */
export function announce(text: string): void {
  AccessibilityInfo.announceForAccessibilityWithOptions(text, { queue: true });
}
