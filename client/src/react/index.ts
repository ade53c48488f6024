/** React hooks over a Parley client, for React Native and the web alike. */

export {
  useArchived, useDevices, useDraft, useMe, useSaved, useUnreadTotals,
  type DevicesHandle, type DraftHandle, type MeHandle, type SavedHandle,
} from './account';
export { useWebSocket, useWebSocketEvent, type WebSocketHandle } from './connection';
export { useWebSocketContext, WebSocketProvider, type WebSocketContextValue } from './context';
export {
  useConversations, useConversationWebSocket, useMarkRead, useMessages, usePresence, useSendMessage, useTyping, useUnread,
  type ConversationHandle, type MarkReadOptions, type MessagesHandle,
} from './conversations';
export {
  useConversation, useMessage, usePinned, useReactions, useSeenBy,
  type MessageHandle, type PinnedHandle, type ReactionsHandle, type SeenBy,
} from './messages';
export { useSearch, type SearchHandle } from './search';
