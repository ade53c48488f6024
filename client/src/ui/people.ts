/** Names of conversations and people, from what the headless list gives. */

import type { ConversationView } from '../views';
import type { Strings } from './strings';

export function titleOf({ name, participants }: ConversationView, userId: string, strings: Strings): string {
  const others = participants.filter(({ id }) => id !== userId).map((one) => one.displayName ?? one.handle ?? strings.someone);
  return name ?? (others.join(', ') || strings.justYou);
}

export function nameOf(conversation: ConversationView | undefined, userId: string, strings: Strings): string {
  const one = conversation?.participants.find(({ id }) => id === userId);
  return one?.displayName ?? one?.handle ?? strings.someone;
}

/** Whom a conversation of two is with, be it a group or not. */
export function partnerOf(conversation: ConversationView | undefined, userId: string): string | null {
  const others = conversation?.participants.filter(({ id }) => id !== userId) ?? [];
  return others.length === 1 && others[0] ? others[0].id : null;
}
