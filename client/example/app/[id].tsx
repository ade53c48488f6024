import type { ChatMessage } from '@parley/client';
import { useMarkRead, useMessages, useSendMessage, useTyping, useWebSocket } from '@parley/client/react';
import { Stack, useLocalSearchParams } from 'expo-router';
import { useCallback, useMemo, useState, type ReactNode } from 'react';
import {
  Button, FlatList, KeyboardAvoidingView, Platform, Pressable, StyleSheet, Text, TextInput, View, type ViewToken,
} from 'react-native';

/** All of it, or half of the screen where it is taller than that. */
const IN_SIGHT = { viewAreaCoveragePercentThreshold: 50 };
const MARKS = { queued: '🕓', sending: '🕓', sent: '✓', delivered: '✓✓', read: '✓✓ read', failed: '⚠️ tap to try again' };

export default function Conversation(): ReactNode {
  const { id } = useLocalSearchParams<{ id: string }>();
  const { messages, hasOlder, loadOlder, retry } = useMessages(id);
  const { typists } = useTyping(id);
  const { isConnected } = useWebSocket();
  const [upTo, setUpTo] = useState<number | null>(null);
  useMarkRead(id, { upTo });
  const newestFirst = useMemo(() => [...messages].reverse(), [messages]);
  const status = typists.length > 0 ? 'typing…' : isConnected ? 'Conversation' : 'Connecting…';
  return (
    <KeyboardAvoidingView style={styles.page} behavior={Platform.OS === 'ios' ? 'padding' : undefined} keyboardVerticalOffset={90}>
      <Stack.Screen options={{ title: status }} />
      <FlatList
        inverted
        data={newestFirst}
        keyExtractor={({ key }) => key}
        viewabilityConfig={IN_SIGHT}
        onViewableItemsChanged={useNewest(setUpTo)}
        renderItem={({ item }) => <Bubble message={item} onRetry={retry} />}
        // A page that fails is asked for again at the next pull.
        onEndReached={() => void (hasOlder && loadOlder().catch(() => {}))}
        contentContainerStyle={styles.list}
      />
      <Composer id={id} />
    </KeyboardAvoidingView>
  );
}

/** Tells the seq of the newest message in sight: what arrives while the reader is scrolled up stays unread. */
function useNewest(tell: (seq: number) => void): (change: { viewableItems: ViewToken<ChatMessage>[] }) => void {
  // A list takes one such handler for all its life.
  return useCallback(({ viewableItems }) => {
    const seqs = viewableItems.flatMap(({ item }) => item.seq ?? []);
    if (seqs.length > 0) tell(Math.max(...seqs));
  }, [tell]);
}

function Bubble({ message, onRetry }: { message: ChatMessage; onRetry(clientId: string): void }): ReactNode {
  const { isMine, text, status, clientId } = message;
  const retry = (): void => void (status === 'failed' && clientId && onRetry(clientId));
  return (
    <Pressable onPress={retry} style={[styles.bubble, isMine ? styles.mine : styles.theirs]}>
      <Text style={isMine ? styles.mineText : undefined}>{text}</Text>
      {isMine && <Text style={styles.mark}>{MARKS[status]}</Text>}
    </Pressable>
  );
}

function Composer({ id }: { id: string }): ReactNode {
  const [draft, setDraft] = useState('');
  const send = useSendMessage(id);
  const { setTyping } = useTyping(id);
  const change = (text: string): void => {
    setDraft(text);
    setTyping(text !== '');
  };
  const submit = (): void => {
    send(draft);
    setDraft('');
  };
  return (
    <View style={styles.composer}>
      <TextInput style={styles.field} value={draft} onChangeText={change} placeholder="Message" multiline maxLength={8000} />
      <Button title="Send" onPress={submit} disabled={draft.trim() === ''} />
    </View>
  );
}

const styles = StyleSheet.create({
  page: { flex: 1 },
  list: { padding: 12, gap: 4 },
  bubble: { maxWidth: '80%', borderRadius: 18, paddingVertical: 8, paddingHorizontal: 12 },
  mine: { alignSelf: 'flex-end', backgroundColor: '#5b54e8' },
  theirs: { alignSelf: 'flex-start', backgroundColor: '#eceef5' },
  mineText: { color: 'white' },
  mark: { alignSelf: 'flex-end', color: '#d9d6ff', fontSize: 11 },
  composer: { flexDirection: 'row', alignItems: 'flex-end', gap: 8, padding: 12 },
  field: { flex: 1, maxHeight: 120, borderWidth: 1, borderColor: '#d8dae5', borderRadius: 20, paddingHorizontal: 14, paddingVertical: 8 },
});
