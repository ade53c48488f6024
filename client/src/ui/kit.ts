/** What every component of the kit reads: theme, words, times, actions, ports, and the components in place of its own. */

import { createContext, useContext } from 'react';
import type { KeyValueStorage } from '../platform';
import type { MessageAction } from './actions';
import type { Components } from './components';
import type { Drafts } from './drafts';
import type { Style, Styled } from './seams/primitives-types';
import type { Strings } from './strings';
import type { Theme } from './theme';
import type { Times } from './times';

/** Services of the platform that React Native itself has not. Each is optional. */
export interface Ports {
  /** Puts a text on the clipboard: on phones expo-clipboard's `setStringAsync`. Browsers need none. */
  copy: (text: string) => Promise<unknown>;
  /** Where drafts outlive the app: AsyncStorage on phones. Browsers need none. */
  storage: KeyValueStorage;
}

export interface Kit {
  theme: Theme;
  strings: Strings;
  times: Times;
  isRtl: boolean;
  actions: readonly MessageAction[];
  components: Components;
  drafts: Drafts;
  ports: Partial<Ports>;
  /** Says something in passing, at the foot of the screen and to a screen reader. */
  toast(text: string): void;
}

export const KitContext = createContext<Kit | null>(null);

/** The kit of the nearest provider. */
export function useKit(): Kit {
  const kit = useContext(KitContext);
  if (!kit) throw new Error('useKit: there is no <ChatProvider> above this component');
  return kit;
}

export function useTheme(): Theme {
  return useKit().theme;
}

export function useStrings(): Strings {
  return useKit().strings;
}

/** Styles of a theme, made once for each. */
export function makeStyles<T extends Record<string, Style>>(make: (theme: Theme) => T): () => T {
  const made = new WeakMap<Theme, T>();
  return function useStyles() {
    const theme = useTheme();
    const styles = made.get(theme) ?? make(theme);
    made.set(theme, styles);
    return styles;
  };
}

export type { Style, Styled };
