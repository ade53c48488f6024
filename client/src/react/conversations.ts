/** Hooks on conversations, messages and people. */

import { useCallback, useEffect } from 'react';
import type { OutgoingMessage } from '../api';
import type { Presence } from '../protocol';
import type { ConversationView, MessageList } from '../views';
import { useWebSocket } from './connection';
import { useWebSocketContext } from './context';
import { useReadable } from './useReadable';

/** Newest activity first; null until they have come. */
export function useConversations(): readonly ConversationView[] | null {
  return useReadable(useWebSocketContext().client.conversations);
}

export interface MessagesHandle extends MessageList {
  /** Fetches one more page of history. Raises `ApiError`. */
  loadOlder(): Promise<void>;
  /** For a failed message. */
  retry(clientId: string): void;
  discard(clientId: string): boolean;
}

/** A conversation's messages, oldest first, one's own unsent ones last. */
export function useMessages(conversationId: string): MessagesHandle {
  const { client } = useWebSocketContext();
  const list = useReadable(client.messages(conversationId));
  const loadOlder = useCallback(() => client.loadOlder(conversationId), [client, conversationId]);
  const retry = useCallback((clientId: string) => client.retry(clientId), [client]);
  const discard = useCallback((clientId: string) => client.discard(clientId), [client]);
  return { ...list, loadOlder, retry, discard };
}

/** Sends to a conversation: a text, or a message with `replyTo` and `mediaUrl`. Returns its `clientId`. */
export function useSendMessage(conversationId: string): (message: string | OutgoingMessage) => string {
  const { client } = useWebSocketContext();
  return useCallback(
    (message) => client.send(conversationId, typeof message === 'string' ? { text: message } : message),
    [client, conversationId],
  );
}

/** Who types there, and how to say that this user does (at every keystroke). */
export function useTyping(conversationId: string): { typists: readonly string[]; setTyping(isTyping: boolean): void } {
  const { client } = useWebSocketContext();
  const typists = useReadable(client.typing(conversationId));
  const setTyping = useCallback((isTyping: boolean) => client.setTyping(conversationId, isTyping), [client, conversationId]);
  useEffect(() => () => client.setTyping(conversationId, false), [client, conversationId]);
  return { typists, setTyping };
}

/** Null until something is known, and for someone who shares no conversation with the user. */
export function usePresence(userId: string): Presence | null {
  return useReadable(useWebSocketContext().client.presence(userId));
}

/** Unread messages of one conversation, or of all. */
export function useUnread(conversationId?: string): number {
  const { client } = useWebSocketContext();
  const total = useReadable(client.unread);
  const conversations = useReadable(client.conversations);
  if (conversationId === undefined) return total;
  return conversations?.find(({ id }) => id === conversationId)?.unreadCount ?? 0;
}

export interface MarkReadOptions {
  /**
   * The `seq` of the newest message in sight; null or undefined while none is. Where it is left out altogether all that
   * arrives counts as seen, which is true only of a screen that always shows the newest.
   */
  upTo?: number | null | undefined;
  /** False while the conversation is covered by something else. */
  enabled?: boolean | undefined;
}

/** While mounted, enabled, and the app in front, what is in sight counts as read. It never moves backwards. */
export function useMarkRead(conversationId: string, options: MarkReadOptions = {}): void {
  const { client } = useWebSocketContext();
  const upTo = 'upTo' in options ? options.upTo : Infinity;
  const seen = options.enabled === false ? null : upTo;
  useEffect(() => (seen == null ? undefined : client.watch(conversationId, seen)), [client, conversationId, seen]);
}

export interface ConversationHandle {
  isConnected: boolean;
  messages: MessageList['messages'];
  typingUsers: readonly string[];
  sendMessage(message: string | OutgoingMessage): string;
  sendTyping(isTyping: boolean): void;
}

/** All that a conversation's screen needs in one, reading included: as far as `upTo`, as with `useMarkRead`. */
export function useConversationWebSocket(conversationId: string, read?: MarkReadOptions): ConversationHandle {
  const { isConnected } = useWebSocket();
  const { messages } = useMessages(conversationId);
  const { typists, setTyping } = useTyping(conversationId);
  const sendMessage = useSendMessage(conversationId);
  useMarkRead(conversationId, read);
  return { isConnected, messages, typingUsers: typists, sendMessage, sendTyping: setTyping };
}
