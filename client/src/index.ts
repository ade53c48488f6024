/** Parley's client without a framework. React hooks are in `./react`, the phone's platform in `./react-native`. */

export type { Account, AccountOf } from './account';
export { createWsAdapter, type AdapterState, type WsAdapter } from './adapter';
export { ApiError, type Carried, type MembersPage, type MembersQuery, type MessageEdit, type NewConversation, type OutgoingMessage } from './api';
export { createClient, type ClientOptions, type ParleyClient } from './client';
export { CloseCode, reactionTo, type Reaction } from './codes';
export type { ConnectionState, Status } from './connection';
export type { EventName, EventOf, Handler } from './events';
export type { GroupChange, Groups, Invite, InvitePreview, Role } from './groups';
export type { History } from './history';
export {
  barePlatform, memoryStorage,
  type Clock, type KeyValueStorage, type NetworkFact, type Platform, type SocketConstructor, type SocketLike,
} from './platform';
export * from './protocol';
export type { Readable, Unsubscribe } from './store';
export type { TokenProvider } from './tokens';
export type { ChatMessage, ConversationView, MessageList, MessageStatus } from './views';
export { webPlatform } from './web';
