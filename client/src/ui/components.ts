/** Every component that an app may replace, by name, each with its own props. There is no second way. */

import type { ComponentType } from 'react';
import { Avatar, type AvatarProps } from './Avatar';
import { Bubble, type BubbleProps } from './Bubble';
import { BubbleText, type BubbleTextProps } from './BubbleText';
import { Composer, type ComposerProps } from './Composer';
import { ConnectionLine, type ConnectionLineProps } from './ConnectionLine';
import { ConversationRow, type ConversationRowProps } from './ConversationRow';
import { EmptyState, type EmptyStateProps } from './EmptyState';
import { Header, type HeaderProps } from './Header';
import { JumpToNewest, type JumpToNewestProps } from './JumpToNewest';
import { MessageMenu, type MessageMenuProps } from './MessageMenu';
import { Receipt, type ReceiptProps } from './Receipt';
import { ReplyQuote, type ReplyQuoteProps } from './ReplyQuote';
import { Scroller } from './seams/Scroller';
import { DateSeparator, UnreadSeparator, type DateSeparatorProps } from './Separators';
import { TypingBubble } from './TypingBubble';

export interface Components {
  Avatar: ComponentType<AvatarProps>;
  Bubble: ComponentType<BubbleProps>;
  BubbleText: ComponentType<BubbleTextProps>;
  Composer: ComponentType<ComposerProps>;
  ConnectionLine: ComponentType<ConnectionLineProps>;
  ConversationRow: ComponentType<ConversationRowProps>;
  DateSeparator: ComponentType<DateSeparatorProps>;
  EmptyState: ComponentType<EmptyStateProps>;
  Header: ComponentType<HeaderProps>;
  JumpToNewest: ComponentType<JumpToNewestProps>;
  MessageMenu: ComponentType<MessageMenuProps>;
  Receipt: ComponentType<ReceiptProps>;
  ReplyQuote: ComponentType<ReplyQuoteProps>;
  Scroller: typeof Scroller;
  TypingBubble: ComponentType;
  UnreadSeparator: ComponentType;
}

export const defaultComponents: Components = {
  Avatar, Bubble, BubbleText, Composer, ConnectionLine, ConversationRow, DateSeparator, EmptyState, Header, JumpToNewest, MessageMenu,
  Receipt, ReplyQuote, Scroller, TypingBubble, UnreadSeparator,
};
