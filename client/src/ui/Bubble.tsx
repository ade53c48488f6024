import { memo, useState, type ReactNode } from 'react';
import type { ChatMessage } from '../views';
import type { MessageAction } from './actions';
import { BubbleBody } from './BubbleBody';
import { makeStyles, useKit } from './kit';
import { isByKeyboard, Pressy } from './Pressy';
import { Icon } from './seams/Icon';
import { isWeb, Text, View, web } from './seams/primitives';
import type { Key, Pointer } from './seams/primitives-types';
import { Trouble } from './Trouble';

export interface BubbleProps {
  message: ChatMessage;
  /** Of a run of one person's messages. */
  first: boolean;
  last: boolean;
  /** Who wrote it, in words. */
  author: string;
  /** In a group: who wrote is said above the first, and shown beside the last. */
  isGroup: boolean;
  /** The message that this one answers, if it is here. */
  quoted: ChatMessage | null;
  quotedAuthor: string | null;
  /** Counted from 1 at the oldest that is here. */
  position: number;
  /** The list's one tab stop. */
  isTabStop: boolean;
  /** The list has just jumped here. */
  isFlashing: boolean;
  /** What is offered for this message. */
  actions: readonly MessageAction[];
  on: BubbleHandlers;
}

/** The same object for all bubbles and all renders. */
export interface BubbleHandlers {
  act(message: ChatMessage, action: MessageAction): void;
  menu(message: ChatMessage, at: { x: number; y: number } | null): void;
  quote(messageId: string): void;
  focus(key: string): void;
}

const LONG_PRESS_MS = 350;

/** One message. Renders anew only when its message or place changes: what did not change is the same object. */
export const Bubble = memo(function Bubble(props: BubbleProps): ReactNode {
  const { message, first, last, author, isGroup, isTabStop, isFlashing, position, actions, on } = props;
  const { strings, times, components: { Avatar }, theme } = useKit();
  const styles = useStyles();
  const [hovered, hover] = useState(false);
  const [ring, setRing] = useState(false);
  const { isMine, status, seq, key } = message;
  const who = strings.messageBy(isMine ? strings.you : author, times.clock(message.createdAt));
  const lit = isFlashing && { backgroundColor: theme.color.selected };
  return (
    <View
      role="article" aria-label={isWeb ? who : `${who}: ${message.text}`} aria-posinset={position} aria-setsize={-1} accessible={!isWeb}
      dataSet={{ status, seq: seq ?? undefined, mine: String(isMine) }} testID="parley-message" tabIndex={isTabStop ? 0 : -1}
      style={[styles.row, isMine && styles.rowMine, { paddingTop: first ? 8 : 2 }, web({ userSelect: 'none', outlineStyle: ring ? 'solid' : 'none', outlineColor: theme.color.focus, outlineWidth: 2, outlineOffset: -2, transitionProperty: 'background-color', transitionDuration: `${theme.motion * 3}ms` }), lit]}
      accessibilityActions={actions.map(({ name, label }) => ({ name, label: label(strings) }))}
      onAccessibilityAction={({ nativeEvent }) => run(actions.find(({ name }) => name === nativeEvent.actionName), props)}
      onFocus={({ target }) => (setRing(isByKeyboard(target)), on.focus(key))} onBlur={() => setRing(false)}
      onKeyDown={(event) => pressed(event, props)} onContextMenu={(event) => asked(event, props)}
      onMouseEnter={() => hover(true)} onMouseLeave={() => hover(false)}
    >
      {isGroup && !isMine && (last ? <Avatar name={author} size={30} /> : <View style={styles.gap} />)}
      <View style={[styles.column, isMine && styles.columnMine]}>
        {isGroup && !isMine && first && <Text selectable={false} style={styles.author}>{author}</Text>}
        <BubbleBody {...props} onLongPress={() => on.menu(message, null)} longPressMs={LONG_PRESS_MS} />
        {status === 'failed' && <Trouble {...props} />}
      </View>
      {isWeb && (
        <View style={{ opacity: hovered ? 1 : 0, alignSelf: 'center' }}>
          <Pressy label={strings.actions} tabIndex={-1} aria-hidden onPress={() => on.menu(message, null)} style={styles.more}><Icon name="more" color={theme.color.dim} /></Pressy>
        </View>
      )}
    </View>
  );
});

function run(action: MessageAction | undefined, { message, on }: BubbleProps): void {
  if (action) on.act(message, action);
}

function pressed(event: Key, props: BubbleProps): void {
  if (event.ctrlKey || event.metaKey) return;
  const action = props.actions.find(({ key }) => key !== undefined && key === event.key);
  if (event.key !== 'Enter' && event.key !== 'ContextMenu' && !action) return;
  event.preventDefault();
  if (action) run(action, props);
  else props.on.menu(props.message, null);
}

/** A right click on marked text is for the browser's own menu. */
function asked(event: Pointer, { message, on }: BubbleProps): void {
  if (String(globalThis.getSelection?.() ?? '') !== '') return;
  event.preventDefault();
  // A keyboard's menu key comes without a place.
  on.menu(message, event.clientX > 0 ? { x: event.clientX, y: event.clientY } : null);
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  row: { flexDirection: 'row', alignItems: 'flex-end', gap: 6, paddingHorizontal: 10, paddingBottom: 1 },
  rowMine: { flexDirection: 'row-reverse' },
  gap: { width: 30 },
  column: { maxWidth: '80%', flexShrink: 1, minWidth: 0, alignItems: 'flex-start' },
  columnMine: { alignItems: 'flex-end' },
  author: { ...type.tiny, fontWeight: '600', color: color.dim, marginHorizontal: 12, marginBottom: 2 },
  more: { width: 44, borderRadius: radius.pill },
}));
