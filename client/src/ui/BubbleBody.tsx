import type { ReactNode } from 'react';
import type { BubbleProps } from './Bubble';
import { makeStyles, useKit } from './kit';
import { Pressable, Text, View, web } from './seams/primitives';
import { Picture } from './seams/media';
import { isOnlyEmoji } from './text';

interface Props extends BubbleProps {
  longPressMs: number;
  onLongPress(): void;
}

const PICTURE = { width: 260, height: 195 };

/** The bubble itself: quote, picture, text, and beside or below the text when it was written and how far it is. */
export function BubbleBody(props: Props): ReactNode {
  const { message, last, quoted, quotedAuthor, on, onLongPress, longPressMs } = props;
  const { components: { BubbleText, ReplyQuote }, strings, theme } = useKit();
  const styles = useStyles();
  const { isMine, text, mediaUrl, replyTo, status } = message;
  const isBare = isOnlyEmoji(text) && replyTo === null && mediaUrl === null;
  const ground = isMine ? [styles.mine, last && styles.mineLast] : [styles.theirs, last && styles.theirsLast];
  const waits = (status === 'queued' || status === 'sending') && styles.waiting;
  return (
    <Pressable accessible={false} focusable={false} tabIndex={-1} onLongPress={onLongPress} delayLongPress={longPressMs} style={[styles.bubble, web({ cursor: 'auto' }), isBare ? styles.bare : ground, waits]}>
      {replyTo !== null && <ReplyQuote message={quoted} author={quotedAuthor} isMine={isMine} onPress={() => on.quote(replyTo)} />}
      {mediaUrl !== null && <Picture uri={mediaUrl} label={strings.picture} {...PICTURE} radius={theme.radius.medium} />}
      <View style={styles.content}>
        <BubbleText text={text} isMine={isMine} />
        <Meta message={message} isBare={isBare} />
      </View>
    </Pressable>
  );
}

function Meta({ message, isBare }: Pick<Props, 'message'> & { isBare: boolean }): ReactNode {
  const { times, theme: { color }, components: { Receipt } } = useKit();
  const styles = useStyles();
  const { isMine, createdAt, status } = message;
  const dim = isMine ? color.onMineDim : color.onTheirsDim;
  const ink = isBare ? color.dim : dim;
  return (
    <View style={styles.meta}>
      <Text selectable={false} testID="parley-time" style={[styles.time, { color: ink }]}>{times.clock(createdAt)}</Text>
      {isMine && <Receipt status={status} color={ink} readColor={isBare ? color.good : READ_ON_MINE} />}
    </View>
  );
}

/** Light green on the own bubble of either theme. */
const READ_ON_MINE = '#8ff3d3';

const useStyles = makeStyles(({ color, type, radius }) => ({
  bubble: { maxWidth: 560, minWidth: 0, borderRadius: radius.bubble, paddingHorizontal: 12, paddingTop: 7, paddingBottom: 7 },
  bare: { paddingHorizontal: 2, paddingVertical: 2 },
  mine: { backgroundColor: color.mine },
  mineLast: { borderEndEndRadius: 5 },
  theirs: { backgroundColor: color.theirs, boxShadow: `0px 1px 1px ${color.shade}` },
  theirsLast: { borderEndStartRadius: 5 },
  waiting: { opacity: 0.7 },
  content: { flexDirection: 'row', flexWrap: 'wrap', alignItems: 'flex-end', justifyContent: 'flex-end' },
  meta: { flexDirection: 'row', alignItems: 'center', gap: 3, marginStart: 10 },
  time: { ...type.tiny, fontSize: 11, fontVariant: ['tabular-nums'] },
}));
