import type { Strings } from './en';

export const de: Strings = {
  chats: 'Chats', conversations: 'Unterhaltungen', messages: 'Nachrichten', loading: 'Lädt…',
  noConversation: 'Noch keine Unterhaltung.', noMessage: 'Noch keine Nachricht. Sag Hallo 👋', chooseConversation: 'Wähle eine Unterhaltung.',
  newConversation: 'Neue Unterhaltung', back: 'Zurück zu den Unterhaltungen', you: 'Du', someone: 'Jemand', justYou: 'Nur du',
  people: (count) => (count === 1 ? '1 Person' : `${count} Personen`),
  unread: (count) => `${count} ungelesen`, unreadHere: 'Ungelesene Nachrichten', toNewest: 'Zur neuesten Nachricht',
  newMessages: (count) => (count === 1 ? '1 neue Nachricht' : `${count} neue Nachrichten`),
  write: 'Nachricht', send: 'Senden', replyingTo: (name) => `Antwort an ${name}`, cancelReply: 'Nicht antworten',
  originalMessage: 'Eine frühere Nachricht', originalGone: 'Diese Nachricht ist nicht mehr da.', picture: 'Bild',
  today: 'Heute', yesterday: 'Gestern', typing: 'schreibt…',
  typists: (names) => (names.length === 1 ? `${names[0]} schreibt…` : `${names.join(', ')} schreiben…`),
  online: 'online', offline: 'offline', lastSeenNow: 'gerade eben da', lastSeenMinutes: (minutes) => `vor ${minutes} Min. da`,
  lastSeen: (when) => `zuletzt da: ${when}`,
  status: { queued: 'wartet auf das Netz', sending: 'wird gesendet', sent: 'gesendet', delivered: 'zugestellt', read: 'gelesen', failed: 'nicht gesendet' },
  messageBy: (name, time) => `${name}, ${time}`, actions: 'Was tun mit der Nachricht?', reply: 'Antworten', copy: 'Kopieren', copied: 'Kopiert',
  copyFailed: 'Das ließ sich nicht kopieren.', share: 'Teilen', retry: 'Noch einmal', discard: 'Löschen', notSent: 'Nicht gesendet.',
  hide: 'Diese Unterhaltung ausblenden', hideAsk: 'Diese Unterhaltung ausblenden?',
  hideExplained: 'Ihre Nachrichten verschwinden von deinen Geräten. Eine neue Nachricht bringt die Unterhaltung zurück.', hideFailed: 'Die Unterhaltung ließ sich nicht ausblenden.', cancel: 'Abbrechen',
  updating: 'Wird aktualisiert…', connecting: 'Verbindet…', noNetwork: 'Du bist offline.', reconnecting: 'Verbindet neu…',
  reconnectingIn: (seconds) => `Neuer Versuch in ${seconds} s…`, tryNow: 'Jetzt versuchen', asleep: 'Schläft', disconnected: 'Getrennt',
  signedOut: 'Du bist abgemeldet.', stopped: 'Der Server hat diese Verbindung endgültig geschlossen.', olderFailed: 'Ältere Nachrichten kamen nicht an.',
};
