import type { ConversationView } from '@parley/client';
import { useConversations, useWebSocket, useWebSocketContext } from '@parley/client/react';
import { Link, Stack } from 'expo-router';
import type { ReactNode } from 'react';
import { FlatList, Pressable, StyleSheet, Text, View } from 'react-native';

export default function Conversations(): ReactNode {
  const conversations = useConversations();
  const { isConnected } = useWebSocket();
  return (
    <>
      <Stack.Screen options={{ title: isConnected ? 'Chats' : 'Connecting…' }} />
      <FlatList data={conversations} keyExtractor={({ id }) => id} renderItem={({ item }) => <Row conversation={item} />} />
    </>
  );
}

function Row({ conversation }: { conversation: ConversationView }): ReactNode {
  const { userId } = useWebSocketContext().client;
  const { id, name, participants, lastMessage, unreadCount } = conversation;
  const others = participants.filter((one) => one.id !== userId).map(({ handle }) => handle);
  return (
    <Link href={`/${id}`} asChild>
      <Pressable style={styles.row}>
        <View style={styles.text}>
          <Text style={styles.title}>{name ?? others.join(', ')}</Text>
          <Text numberOfLines={1}>{lastMessage?.text ?? 'Say hello'}</Text>
        </View>
        {unreadCount > 0 && <Text style={styles.badge}>{unreadCount}</Text>}
      </Pressable>
    </Link>
  );
}

const styles = StyleSheet.create({
  row: { flexDirection: 'row', alignItems: 'center', padding: 16, gap: 12 },
  text: { flex: 1, gap: 2 },
  title: { fontSize: 16, fontWeight: '600' },
  badge: { minWidth: 22, textAlign: 'center', color: 'white', backgroundColor: '#5b54e8', borderRadius: 11, overflow: 'hidden', padding: 2 },
});
