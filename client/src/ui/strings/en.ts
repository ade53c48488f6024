/** Every word of the kit. A language is one such object; plurals are its own business, as functions. */

export interface Strings {
  chats: string;
  conversations: string;
  messages: string;
  loading: string;
  noConversation: string;
  noMessage: string;
  chooseConversation: string;
  newConversation: string;
  back: string;
  you: string;
  someone: string;
  justYou: string;
  people(count: number): string;
  unread(count: number): string;
  unreadHere: string;
  toNewest: string;
  newMessages(count: number): string;
  write: string;
  send: string;
  replyingTo(name: string): string;
  cancelReply: string;
  originalMessage: string;
  originalGone: string;
  picture: string;
  today: string;
  yesterday: string;
  typing: string;
  typists(names: readonly string[]): string;
  online: string;
  offline: string;
  lastSeenNow: string;
  lastSeenMinutes(minutes: number): string;
  lastSeen(when: string): string;
  status: Record<'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed', string>;
  messageBy(name: string, time: string): string;
  actions: string;
  reply: string;
  copy: string;
  copied: string;
  copyFailed: string;
  share: string;
  retry: string;
  discard: string;
  notSent: string;
  hide: string;
  hideAsk: string;
  hideExplained: string;
  hideFailed: string;
  cancel: string;
  updating: string;
  connecting: string;
  noNetwork: string;
  reconnecting: string;
  reconnectingIn(seconds: string): string;
  tryNow: string;
  asleep: string;
  disconnected: string;
  signedOut: string;
  stopped: string;
  olderFailed: string;
}

export const en: Strings = {
  chats: 'Chats', conversations: 'Conversations', messages: 'Messages', loading: 'Loading…',
  noConversation: 'No conversation yet.', noMessage: 'No message yet. Say hello 👋', chooseConversation: 'Choose a conversation.',
  newConversation: 'New conversation', back: 'Back to conversations', you: 'You', someone: 'Someone', justYou: 'Just you',
  people: (count) => (count === 1 ? '1 person' : `${count} people`),
  unread: (count) => `${count} unread`, unreadHere: 'Unread messages', toNewest: 'To the newest message',
  newMessages: (count) => (count === 1 ? '1 new message' : `${count} new messages`),
  write: 'Message', send: 'Send', replyingTo: (name) => `Reply to ${name}`, cancelReply: 'Do not reply',
  originalMessage: 'An earlier message', originalGone: 'This message is no longer here.', picture: 'Picture',
  today: 'Today', yesterday: 'Yesterday', typing: 'typing…',
  typists: (names) => (names.length === 1 ? `${names[0]} is typing…` : `${names.join(', ')} are typing…`),
  online: 'online', offline: 'offline', lastSeenNow: 'last seen just now', lastSeenMinutes: (minutes) => `last seen ${minutes} min ago`,
  lastSeen: (when) => `last seen ${when}`,
  status: { queued: 'waiting to be sent', sending: 'sending', sent: 'sent', delivered: 'delivered', read: 'read', failed: 'not sent' },
  messageBy: (name, time) => `${name}, ${time}`, actions: 'Message actions', reply: 'Reply', copy: 'Copy', copied: 'Copied',
  copyFailed: 'This could not be copied.', share: 'Share', retry: 'Try again', discard: 'Delete', notSent: 'Not sent.',
  hide: 'Hide this conversation', hideAsk: 'Hide this conversation?',
  hideExplained: 'Its messages go from your devices. A new message brings the conversation back.', hideFailed: 'The conversation could not be hidden.', cancel: 'Cancel',
  updating: 'Updating…', connecting: 'Connecting…', noNetwork: 'You are offline.', reconnecting: 'Reconnecting…',
  reconnectingIn: (seconds) => `Reconnecting in ${seconds} s…`, tryNow: 'Try now', asleep: 'Asleep', disconnected: 'Disconnected',
  signedOut: 'You are signed out.', stopped: 'The server has closed this connection for good.', olderFailed: 'Older messages did not come.',
};
