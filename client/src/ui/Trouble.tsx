import type { ReactNode } from 'react';
import type { BubbleProps } from './Bubble';
import { makeStyles, useKit } from './kit';
import { Pressy } from './Pressy';
import { Text, View } from './seams/primitives';

/** Below a message that was not sent: the server's reason, and what one may do. */
export function Trouble({ message, actions, on }: BubbleProps): ReactNode {
  const { strings } = useKit();
  const styles = useStyles();
  const ways = actions.filter(({ name }) => name === 'retry' || name === 'discard');
  return (
    <View style={styles.box}>
      <Text style={styles.text}>{message.error ? `${strings.notSent} ${message.error}` : strings.notSent}</Text>
      {ways.map((action) => (
        <Pressy key={action.name} onPress={() => on.act(message, action)} style={styles.button}><Text style={styles.way}>{action.label(strings)}</Text></Pressy>
      ))}
    </View>
  );
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  box: { flexDirection: 'row', flexWrap: 'wrap', alignItems: 'center', justifyContent: 'flex-end', paddingHorizontal: 4 },
  text: { ...type.small, color: color.danger, flexShrink: 1 },
  button: { paddingHorizontal: 10, borderRadius: radius.medium },
  way: { ...type.small, fontWeight: '600', color: color.danger, textDecorationLine: 'underline' },
}));
