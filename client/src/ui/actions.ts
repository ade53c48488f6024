/** What one may do to a message: one table for the menu, the keyboard and the screen reader. */

import type { ChatMessage } from '../views';
import type { IconName } from './seams/icon-paths';
import { copyText, shareText } from './seams/transfer';
import type { Ports } from './kit';
import type { Strings } from './strings';

/** What an action may use. */
export interface ActionPlace {
  strings: Strings;
  ports: Partial<Ports>;
  toast(text: string): void;
  /** Begins a reply to the message. */
  reply(message: ChatMessage): void;
  retry(clientId: string): void;
  discard(clientId: string): void;
}

export interface MessageAction {
  name: string;
  icon: IconName;
  label(strings: Strings): string;
  /** On a keyboard, while the message has the focus. */
  key?: string;
  isDangerous?: boolean;
  isOffered(message: ChatMessage, place: ActionPlace): boolean;
  run(message: ChatMessage, place: ActionPlace): void;
}

const hasFailed = ({ status, clientId }: ChatMessage): boolean => status === 'failed' && clientId !== null;

export const defaultActions: readonly MessageAction[] = [
  {
    name: 'retry', icon: 'retry', label: ({ retry }) => retry, isOffered: hasFailed,
    run: ({ clientId }, place) => place.retry(clientId ?? ''),
  },
  {
    name: 'reply', icon: 'reply', key: 'r', label: ({ reply }) => reply, isOffered: ({ id }) => id !== null,
    run: (message, place) => place.reply(message),
  },
  {
    name: 'copy', icon: 'copy', key: 'c', label: ({ copy }) => copy, isOffered: (_, { ports }) => (ports.copy ?? copyText) !== null,
    run: (message, place) => void copy(message.text, place),
  },
  {
    name: 'share', icon: 'share', label: ({ share }) => share, isOffered: () => shareText !== null,
    // Who closes the sheet, or has none, has not shared: the sheet says so.
    run: ({ text }) => void shareText?.(text).catch(() => {}),
  },
  {
    name: 'discard', icon: 'trash', label: ({ discard }) => discard, isDangerous: true, isOffered: hasFailed,
    run: ({ clientId }, place) => place.discard(clientId ?? ''),
  },
];

async function copy(text: string, { ports, strings, toast }: ActionPlace): Promise<void> {
  const put = ports.copy ?? copyText;
  await put?.(text).then(() => toast(strings.copied), () => toast(strings.copyFailed));
}
