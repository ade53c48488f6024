/** The client, and how everything of the kit below looks and speaks. */

import { useCallback, useMemo, useRef, useState, type ReactNode } from 'react';
import type { ParleyClient } from '../client';
import { memoryStorage } from '../platform';
import { useWebSocketContext, WebSocketProvider } from '../react';
import { webPlatform } from '../web';
import { defaultActions, type MessageAction } from './actions';
import { defaultComponents, type Components } from './components';
import { Drafts } from './drafts';
import { KitContext, type Kit, type Ports } from './kit';
import { announce } from './seams/announce';
import { useSystemScheme, View } from './seams/primitives';
import { deviceLocale, isRightToLeft, stringsOf, type Strings } from './strings';
import { dark, light, type Theme } from './theme';
import { timesOf } from './times';
import { Toast } from './Toast';

export interface ChatProviderProps {
  /**
   * Connected while mounted. Another user is another client, and another `key`. Left out below a `WebSocketProvider`,
   * whose client it then is.
   */
  client?: ParleyClient;
  /** By itself the system's. */
  theme?: 'system' | 'light' | 'dark' | Theme;
  /** A BCP 47 tag: words, times and direction. By itself the device's. */
  locale?: string;
  /** An app's own words, over the kit's. */
  strings?: Partial<Strings>;
  /** An app's own components, in place of the kit's. */
  components?: Partial<Components>;
  /** The table of what one may do to a message; `defaultActions` by itself. */
  actions?: readonly MessageAction[];
  ports?: Partial<Ports>;
  children?: ReactNode;
}

const NONE: { [name: string]: never } = {};
const FILL = { flex: 1, minHeight: 0 } as const;

export function ChatProvider({ client, children, ...look }: ChatProviderProps): ReactNode {
  const dressed = <Look {...look}>{children}</Look>;
  return client ? <WebSocketProvider client={client}>{dressed}</WebSocketProvider> : dressed;
}

function Look({ children, ...props }: Omit<ChatProviderProps, 'client'>): ReactNode {
  const { userId } = useWebSocketContext().client;
  const { locale = deviceLocale(), ports = NONE, actions = defaultActions, components = NONE } = props;
  const theme = useChosenTheme(props.theme);
  const { said, toast } = useToasts();
  const strings = useMemo(() => stringsOf(locale, props.strings), [locale, props.strings]);
  const times = useMemo(() => timesOf(locale, strings), [locale, strings]);
  const drafts = useMemo(() => new Drafts(ports.storage ?? ownStorage(), `parley/${userId}/draft/`), [userId, ports.storage]);
  const isRtl = isRightToLeft(locale);
  const kit = useMemo<Kit>(
    () => ({ theme, strings, times, isRtl, actions, components: { ...defaultComponents, ...components }, drafts, ports, toast }),
    [theme, strings, times, isRtl, actions, components, drafts, ports, toast],
  );
  return (
    <KitContext.Provider value={kit}>
      <View style={[FILL, { backgroundColor: theme.color.page }]} dir={isRtl ? 'rtl' : 'ltr'} lang={locale}>
        {children}
        <Toast said={said} />
      </View>
    </KitContext.Provider>
  );
}

function useChosenTheme(chosen: ChatProviderProps['theme'] = 'system'): Theme {
  const system = useSystemScheme();
  if (typeof chosen === 'object') return chosen;
  return (chosen === 'system' ? system : chosen) === 'dark' ? dark : light;
}

const TOAST_MS = 3000;

function useToasts(): { said: string | null; toast(text: string): void } {
  const [said, say] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const toast = useCallback((text: string) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => say(null), TOAST_MS);
    say(text);
    announce(text);
  }, []);
  return { said, toast };
}

/** A browser's; a phone's is a port, since React Native has none of its own. */
function ownStorage(): Ports['storage'] {
  return typeof document === 'undefined' ? memoryStorage() : webPlatform().storage;
}
