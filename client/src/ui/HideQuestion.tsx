import type { ReactNode } from 'react';
import { useWebSocketContext } from '../react';
import { makeStyles, useKit } from './kit';
import { Pressy } from './Pressy';
import { Overlay } from './seams/Overlay';
import { Text, View } from './seams/primitives';

export interface HideQuestionProps {
  conversationId: string;
  onClose(): void;
  onHidden(): void;
}

/** Asked before a conversation goes: its messages do not come back. */
export function HideQuestion({ conversationId, onClose, onHidden }: HideQuestionProps): ReactNode {
  const { client } = useWebSocketContext();
  const { strings, toast } = useKit();
  const styles = useStyles();
  const hide = (): void => {
    onClose();
    void client.hideConversation(conversationId).then(onHidden, () => toast(strings.hideFailed));
  };
  return (
    <Overlay label={strings.hideAsk} at={null} onClose={onClose}>
      <View style={styles.box}>
        <Text role="heading" aria-level={2} style={styles.title}>{strings.hideAsk}</Text>
        <Text style={styles.text}>{strings.hideExplained}</Text>
        <View style={styles.ways}>
          <Pressy onPress={onClose} style={styles.way}><Text style={styles.cancel}>{strings.cancel}</Text></Pressy>
          <Pressy onPress={hide} style={styles.way}><Text style={styles.hide}>{strings.hide}</Text></Pressy>
        </View>
      </View>
    </Overlay>
  );
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  box: { width: 320, maxWidth: '100%', padding: 20, paddingBottom: 10, gap: 8, borderRadius: radius.medium, backgroundColor: color.raised, boxShadow: `0px 10px 30px ${color.shade}` },
  title: { ...type.title, fontWeight: '600', color: color.text },
  text: { ...type.small, color: color.dim },
  ways: { flexDirection: 'row', flexWrap: 'wrap', justifyContent: 'flex-end' },
  way: { paddingHorizontal: 12, borderRadius: radius.medium },
  cancel: { ...type.small, fontWeight: '600', color: color.text },
  hide: { ...type.small, fontWeight: '600', color: color.danger },
}));
