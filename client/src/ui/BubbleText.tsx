import { useMemo, type ReactNode } from 'react';
import { makeStyles } from './kit';
import { isWeb, Link, Text, web } from './seams/primitives';
import { isOnlyEmoji, piecesOf } from './text';

export interface BubbleTextProps {
  text: string;
  isMine: boolean;
}

/** A message's text, in its own direction, with what one can open as links. A few emoji alone are large. */
export function BubbleText({ text, isMine }: BubbleTextProps): ReactNode {
  const styles = useStyles();
  const pieces = useMemo(() => piecesOf(text), [text]);
  const style = isOnlyEmoji(text) ? styles.jumbo : isMine ? styles.mine : styles.theirs;
  const link = isMine ? styles.mineLink : styles.theirsLink;
  return (
    <Text dir="auto" selectable={isWeb} maxFontSizeMultiplier={2} testID="parley-text" style={[style, web({ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap', userSelect: 'text', cursor: 'auto' })]}>
      {pieces.map(({ text: part, href }, at) => (href === null ? part : <Link key={at} href={href} style={link}>{part}</Link>))}
    </Text>
  );
}

const useStyles = makeStyles(({ color, type }) => ({
  mine: { ...type.body, color: color.onMine, flexShrink: 1 },
  theirs: { ...type.body, color: color.onTheirs, flexShrink: 1 },
  jumbo: { ...type.jumbo, color: color.text, flexShrink: 1 },
  mineLink: { color: color.mineLink, textDecorationLine: 'underline' },
  theirsLink: { color: color.link, textDecorationLine: 'underline' },
}));
