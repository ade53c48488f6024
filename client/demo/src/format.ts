/** Names and times as people write them. */

import type { ConversationView } from '@parley/client';

export function titleOf(conversation: ConversationView, userId: string): string {
  const others = conversation.participants.filter(({ id }) => id !== userId).map(({ handle }) => handle ?? 'someone');
  return conversation.name ?? (others.join(', ') || 'Just you');
}

export function handleOf(conversation: ConversationView | undefined, userId: string): string {
  return conversation?.participants.find(({ id }) => id === userId)?.handle ?? 'someone';
}

/** Whom a conversation of two is with. */
export function partnerOf(conversation: ConversationView | undefined, userId: string): string | null {
  const others = conversation?.participants.filter(({ id }) => id !== userId) ?? [];
  return others.length === 1 && others[0] ? others[0].id : null;
}

export function clock(time: string | Date): string {
  return new Date(time).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' });
}

export function day(time: string): string {
  const date = new Date(time);
  const days = Math.round((startOf(new Date()) - startOf(date)) / 86_400_000);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return date.toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long' });
}

export function short(time: string): string {
  return day(time) === 'Today' ? clock(time) : new Date(time).toLocaleDateString([], { day: 'numeric', month: 'short' });
}

export function lastSeen(time: string | null): string {
  if (!time) return 'offline';
  const minutes = Math.floor((Date.now() - Date.parse(time)) / 60_000);
  if (minutes < 1) return 'last seen just now';
  return minutes < 60 ? `last seen ${minutes} min ago` : `last seen ${short(time)}`;
}

function startOf(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
