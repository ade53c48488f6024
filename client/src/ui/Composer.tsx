import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { ChatMessage } from '../views';
import { makeStyles, useKit } from './kit';
import { Pressy } from './Pressy';
import { Icon } from './seams/Icon';
import { isWeb, Text, TextInput, View, web } from './seams/primitives';
import type { Input, Key } from './seams/primitives-types';

export interface ComposerProps {
  /** Where the draft begins. */
  draft: string;
  onDraft(text: string): void;
  onSend(text: string): void;
  /** The message that this one will answer, and whose it is. */
  replyTo: ChatMessage | null;
  replyAuthor: string | null;
  onCancelReply(): void;
  /** A keyboard's Escape in the field. */
  onEscape(): void;
  /** Takes the focus when it appears. */
  autoFocus: boolean;
}

/** Bytes are the server's limit; so many characters it always takes. */
const MOST_CHARACTERS = 8000;
const LEAST_HEIGHT = 44;
const MOST_HEIGHT = 150;

/** The field below the messages. Enter sends where a keyboard is the rule, Shift and Enter begin a line. */
export function Composer({ draft, onDraft, onSend, replyTo, replyAuthor, onCancelReply, onEscape, autoFocus }: ComposerProps): ReactNode {
  const { strings, theme: { color }, isRtl } = useKit();
  const styles = useStyles();
  const [text, setText] = useState(draft);
  const [height, setHeight] = useState(LEAST_HEIGHT);
  const field = useRef<Input>(null);
  const isEmpty = text.trim() === '';
  useEffect(() => setText((now) => (now === '' ? draft : now)), [draft]);
  useEffect(() => void ((autoFocus || replyTo) && field.current?.focus()), [autoFocus, replyTo]);
  const change = (next: string): void => {
    setText(next);
    onDraft(next);
    if (next === '') setHeight(LEAST_HEIGHT);
  };
  const send = (): void => {
    if (isEmpty) return;
    onSend(text);
    change('');
    field.current?.focus();
  };
  const press = (event: Key): void => {
    if (event.key === 'Escape') return onEscape();
    if (!isWeb || event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <View style={styles.box}>
      {replyTo && <ReplyLine author={replyAuthor ?? strings.someone} text={replyTo.text} onCancel={onCancelReply} />}
      <View style={styles.line}>
        <TextInput
          ref={field} aria-label={strings.write} placeholder={strings.write} placeholderTextColor={color.dim} value={text} onChangeText={change}
          multiline maxLength={MOST_CHARACTERS} maxFontSizeMultiplier={2} enterKeyHint={isWeb ? 'send' : 'enter'} dir="auto" onKeyPress={press} testID="parley-field"
          onContentSizeChange={({ nativeEvent }) => setHeight(Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, nativeEvent.contentSize.height)))}
          style={[styles.field, { height }, web({ outlineColor: color.focus })]}
        />
        <Pressy label={strings.send} disabled={isEmpty} onPress={send} style={[styles.send, isEmpty && styles.resting]} hover={{ opacity: 0.9 }}>
          <Icon name="send" color={isEmpty ? color.dim : color.onAccent} mirrored={isRtl} />
        </Pressy>
      </View>
    </View>
  );
}

function ReplyLine({ author, text, onCancel }: { author: string; text: string; onCancel(): void }): ReactNode {
  const { strings, theme: { color } } = useKit();
  const styles = useStyles();
  return (
    <View style={styles.reply} testID="parley-reply">
      <View style={styles.replyText}>
        <Text numberOfLines={1} style={styles.replyAuthor}>{strings.replyingTo(author)}</Text>
        <Text numberOfLines={1} style={styles.quoted}>{text}</Text>
      </View>
      <Pressy label={strings.cancelReply} onPress={onCancel} style={styles.cancel}><Icon name="close" color={color.dim} size={18} /></Pressy>
    </View>
  );
}

const useStyles = makeStyles(({ color, type, radius }) => ({
  box: { borderTopWidth: 1, borderColor: color.line, backgroundColor: color.page, padding: 8, gap: 6 },
  line: { flexDirection: 'row', alignItems: 'flex-end', gap: 8 },
  field: { ...type.body, flex: 1, minWidth: 0, paddingHorizontal: 16, paddingVertical: 10, borderRadius: 22, borderWidth: 1, borderColor: color.line, backgroundColor: color.surface, color: color.text },
  send: { width: 44, height: 44, borderRadius: radius.pill, backgroundColor: color.accent },
  resting: { backgroundColor: color.surface },
  reply: { flexDirection: 'row', alignItems: 'center', borderStartWidth: 3, borderColor: color.accentText, borderRadius: radius.small, backgroundColor: color.surface, paddingStart: 10 },
  replyText: { flex: 1, minWidth: 0, paddingVertical: 6 },
  replyAuthor: { ...type.tiny, fontWeight: '700', color: color.accentText },
  quoted: { ...type.small, color: color.dim },
  cancel: { borderRadius: radius.pill },
}));
