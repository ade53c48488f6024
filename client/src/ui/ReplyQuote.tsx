import type { ReactNode } from 'react';
import type { ChatMessage } from '../views';
import { makeStyles, useStrings } from './kit';
import { Pressy } from './Pressy';
import { Text, View } from './seams/primitives';

export interface ReplyQuoteProps {
  /** Null while the message is not here: the tap fetches it. */
  message: ChatMessage | null;
  author: string | null;
  isMine: boolean;
  onPress(): void;
}

/** What a message answers. A tap goes there. */
export function ReplyQuote({ message, author, isMine, onPress }: ReplyQuoteProps): ReactNode {
  const strings = useStrings();
  const styles = useStyles();
  const dim = isMine ? styles.onMine : styles.onTheirs;
  const text = message?.text ?? strings.originalMessage;
  return (
    <Pressy label={`${strings.replyingTo(author ?? strings.someone)}: ${text}`} onPress={onPress} tabIndex={-1} style={[styles.box, isMine ? styles.mine : styles.theirs]} hover={{ opacity: 0.85 }}>
      <View style={styles.text}>
        {author !== null && <Text numberOfLines={1} selectable={false} style={[styles.author, dim]}>{author}</Text>}
        <Text numberOfLines={2} selectable={false} style={[styles.quote, dim]}>{text}</Text>
      </View>
    </Pressy>
  );
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  box: { minHeight: 40, alignItems: 'stretch', borderStartWidth: 3, borderRadius: radius.small, paddingHorizontal: 9, paddingVertical: 4, marginBottom: 5, marginTop: 2 },
  mine: { backgroundColor: 'rgba(0, 0, 0, 0.12)', borderColor: color.onMineDim },
  theirs: { backgroundColor: color.surface, borderColor: color.accentText },
  text: { alignItems: 'flex-start' },
  author: { ...type.tiny, fontWeight: '700' },
  quote: { ...type.small },
  onMine: { color: color.onMineDim },
  onTheirs: { color: color.dim },
}));
