import { useRef, type ReactNode } from 'react';
import type { ChatMessage } from '../views';
import type { MessageAction } from './actions';
import { makeStyles, useKit } from './kit';
import { Pressy } from './Pressy';
import { Icon } from './seams/Icon';
import { Overlay } from './seams/Overlay';
import { Text, View } from './seams/primitives';
import type { Input, Key } from './seams/primitives-types';

export interface MessageMenuProps {
  message: ChatMessage;
  /** What is offered for this message, in the order of the table. */
  actions: readonly MessageAction[];
  at: { x: number; y: number } | null;
  onAct(action: MessageAction): void;
  onClose(): void;
}

/** What one may do to a message: a menu where the pointer was, or a sheet. */
export function MessageMenu({ actions, at, onAct, onClose }: MessageMenuProps): ReactNode {
  const { strings, theme: { color } } = useKit();
  const styles = useStyles();
  const items = useRef<(Input | null)[]>([]);
  const move = (event: Key, from: number): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key ?? ''];
    if (step === undefined) return;
    event.preventDefault();
    items.current[(from + step + actions.length) % actions.length]?.focus();
  };
  return (
    <Overlay label={strings.actions} at={at} onClose={onClose}>
      <View role="menu" aria-label={strings.actions} style={styles.menu}>
        {actions.map((action, index) => (
          <Pressy
            key={action.name} ref={(item) => void (items.current[index] = item as Input | null)} role="menuitem" style={styles.item}
            onPress={() => (onClose(), onAct(action))} onKeyDown={(event) => move(event, index)}
          >
            <Icon name={action.icon} color={action.isDangerous ? color.danger : color.dim} size={20} />
            <Text style={[styles.text, action.isDangerous && { color: color.danger }]}>{action.label(strings)}</Text>
            {action.key && <Text aria-hidden style={styles.key}>{action.key.toUpperCase()}</Text>}
          </Pressy>
        ))}
      </View>
    </Overlay>
  );
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  menu: { minWidth: 220, padding: 6, borderRadius: radius.medium, backgroundColor: color.raised, borderWidth: 1, borderColor: color.line, boxShadow: `0px 10px 30px ${color.shade}` },
  item: { flexDirection: 'row', justifyContent: 'flex-start', gap: 12, paddingHorizontal: 12, borderRadius: radius.small },
  text: { ...type.body, color: color.text, flexGrow: 1 },
  key: { ...type.tiny, color: color.dim },
}));
