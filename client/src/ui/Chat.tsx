import { useCallback, useState, type ReactNode } from 'react';
import { Conversation } from './Conversation';
import { ConversationList } from './ConversationList';
import { makeStyles, useKit } from './kit';
import { useBack, useWindowWidth, View } from './seams/primitives';

/** What is open. */
export interface Route {
  conversation: string | null;
  /** A message to show in it. */
  message?: string | null;
}

export interface ChatProps {
  /** Controls what is open, together with `onNavigate`; without both the chat does that itself. */
  route?: Route;
  onNavigate?: (route: Route) => void;
  /** `auto`: two panes where there is room. */
  panes?: 'auto' | 'one' | 'two';
  /** Shows a button for a new conversation; whom with is the app's to ask. */
  onNew?: () => void;
}

/** From this width the list stands beside the conversation. */
const WIDE = 800;
const NOTHING: Route = { conversation: null };

/** The whole of it: conversations and the one that is open, beside each other or one at a time. */
export function Chat({ route, onNavigate, panes = 'auto', onNew }: ChatProps): ReactNode {
  const [own, setOwn] = useState(NOTHING);
  const { conversation, message = null } = route ?? own;
  const go = onNavigate ?? setOwn;
  const { isWide, onLayout } = useIsWide(panes);
  const { strings, components: { EmptyState } } = useKit();
  const styles = useStyles();
  const open = useCallback((id: string) => go({ conversation: id }), [go]);
  const close = useCallback(() => go(NOTHING), [go]);
  useBack(conversation !== null && !isWide ? close : null);
  return (
    <View style={styles.panes} onLayout={onLayout}>
      {(isWide || conversation === null) && (
        <View role={isWide ? 'navigation' : 'main'} aria-label={strings.conversations} style={isWide ? styles.side : styles.main}>
          <ConversationList selected={conversation} onOpen={open} onNew={onNew} />
        </View>
      )}
      {conversation !== null && (
        <View role="main" style={styles.main}>
          <Conversation key={conversation} id={conversation} at={message} onBack={isWide ? null : close} onLeave={close} autoFocus={isWide} />
        </View>
      )}
      {isWide && conversation === null && <View role="main" style={styles.main}><EmptyState text={strings.chooseConversation} /></View>}
    </View>
  );
}

/** By the width of the chat's own box, which need not be the window's; before it is known, by the window's. */
function useIsWide(panes: ChatProps['panes']): { isWide: boolean; onLayout(event: { nativeEvent: { layout: { width: number } } }): void } {
  const window = useWindowWidth();
  const [box, setBox] = useState<number | null>(null);
  const onLayout = useCallback((event: { nativeEvent: { layout: { width: number } } }) => setBox(event.nativeEvent.layout.width), []);
  return { isWide: panes === 'auto' ? (box ?? window) >= WIDE : panes === 'two', onLayout };
}

const useStyles = makeStyles(({ color }) => ({
  panes: { flex: 1, minHeight: 0, flexDirection: 'row', backgroundColor: color.page },
  side: { width: 340, borderEndWidth: 1, borderColor: color.line },
  main: { flex: 1, minWidth: 0, minHeight: 0, backgroundColor: color.surface },
}));
