/** Hooks on single conversations and messages: what was edited, deleted, reacted to, pinned and seen. */

import { useCallback, useEffect, useMemo, useState } from 'react';
import type { MessageReceipts } from '../protocol';
import type { ChatMessage, ConversationView } from '../views';
import { useWebSocketContext } from './context';
import { useReadable } from './useReadable';

/** Null until the list has come, and for one that this user is not in. Renders again only when this one changes. */
export function useConversation(conversationId: string): ConversationView | null {
  const { conversations } = useWebSocketContext().client;
  const getSnapshot = (): ConversationView | null => conversations.getSnapshot()?.find(({ id }) => id === conversationId) ?? null;
  return useReadable({ subscribe: conversations.subscribe, getSnapshot });
}

export interface MessageHandle {
  /** Null for one that is not here: `loadAround` fetches what is around a seq. */
  message: ChatMessage | null;
  /** Each shows at once what it does, and raises `ApiError` where the server refuses: the message is then as before. */
  edit(text: string): Promise<void>;
  remove(deletedFor?: 'all' | 'me'): Promise<void>;
  pin(isPinned: boolean): Promise<void>;
}

/** One message, wherever it lies. Renders again only when this one changes. */
export function useMessage(conversationId: string, messageId: string): MessageHandle {
  const { client } = useWebSocketContext();
  const known = client.known(conversationId);
  const message = useReadable({ subscribe: known.subscribe, getSnapshot: () => known.getSnapshot().get(messageId) ?? null });
  const edit = useCallback((text: string) => client.edit(conversationId, messageId, { text }), [client, conversationId, messageId]);
  const remove = useCallback(
    (deletedFor: 'all' | 'me' = 'all') => client.deleteMessage(conversationId, messageId, deletedFor),
    [client, conversationId, messageId],
  );
  const pin = useCallback((isPinned: boolean) => client.pin(conversationId, messageId, isPinned), [client, conversationId, messageId]);
  return { message, edit, remove, pin };
}

export interface ReactionsHandle {
  reactions: ChatMessage['reactions'];
  /** Reacts so, or takes it back. Raises `ApiError`, and the reaction is then as before. */
  toggle(emoji: string): Promise<void>;
}

const NONE: ChatMessage['reactions'] = [];

export function useReactions(conversationId: string, messageId: string): ReactionsHandle {
  const { client } = useWebSocketContext();
  const known = client.known(conversationId);
  const reactionsNow = useCallback(() => known.getSnapshot().get(messageId)?.reactions ?? NONE, [known, messageId]);
  const reactions = useReadable({ subscribe: known.subscribe, getSnapshot: reactionsNow });
  const toggle = useCallback((emoji: string) => {
    // As it is at the tap, not as it was at the last render.
    const isOn = reactionsNow().some((one) => one.emoji === emoji && one.mine);
    return client.react(conversationId, messageId, emoji, !isOn);
  }, [client, conversationId, messageId, reactionsNow]);
  return { reactions, toggle };
}

export interface PinnedHandle {
  /** Newest first. */
  pinned: readonly ChatMessage[];
  /** Of the last attempt to fetch them; null where it went well. */
  error: Error | null;
  reload(): void;
}

/** The pinned messages of a conversation, also those far back. They are fetched once, and kept by what happens since. */
export function usePinned(conversationId: string): PinnedHandle {
  const { client } = useWebSocketContext();
  const known = useReadable(client.known(conversationId));
  const pinned = useMemo(() => [...known.values()].filter(({ isPinned }) => isPinned).sort((a, b) => (b.seq ?? 0) - (a.seq ?? 0)), [known]);
  const fetched = useFetched(useCallback(() => client.loadPinned(conversationId), [client, conversationId]));
  return { pinned, error: fetched.error, reload: fetched.reload };
}

export interface SeenBy extends MessageReceipts {
  isLoaded: boolean;
  error: Error | null;
  reload(): void;
}

/** Who has a message and who has read it; asked again when somebody's receipt passes it. */
export function useSeenBy(conversationId: string, messageId: string): SeenBy {
  const { client } = useWebSocketContext();
  const { value, error, reload } = useFetched(useCallback(() => client.seenBy(conversationId, messageId), [client, conversationId, messageId]));
  const seq = useMessage(conversationId, messageId).message?.seq ?? null;
  useEffect(() => {
    const hear = (frame: { conversationId: string; seq?: number; readUpTo?: number; deliveredUpTo?: number }): void => {
      const upTo = frame.seq ?? Math.max(frame.readUpTo ?? 0, frame.deliveredUpTo ?? 0);
      if (frame.conversationId === conversationId && seq !== null && upTo >= seq) reload();
    };
    const stops = [client.on('message.read', hear), client.on('message.delivered', hear), client.on('receipts.all', hear)];
    return () => stops.forEach((stop) => stop());
  }, [client, conversationId, seq, reload]);
  return { delivered: value?.delivered ?? [], read: value?.read ?? [], isLoaded: value !== null, error, reload };
}

interface Fetched<T> {
  value: T | null;
  error: Error | null;
  reload(): void;
}

/** Asks while mounted; of several answers the one asked for last counts. */
function useFetched<T>(ask: () => Promise<T>): Fetched<T> {
  const [turn, setTurn] = useState(0);
  const [told, setTold] = useState<{ by: () => Promise<T>; value: T | null; error: Error | null } | null>(null);
  useEffect(() => {
    let isWanted = true;
    const tell = (value: T | null, error: Error | null): void => {
      if (isWanted) setTold((before) => ({ by: ask, value: error && before?.by === ask ? before.value : value, error }));
    };
    ask().then((value) => tell(value, null), (error: unknown) => tell(null, error as Error));
    return () => void (isWanted = false);
  }, [ask, turn]);
  const reload = useCallback(() => setTurn((now) => now + 1), []);
  const now = told?.by === ask ? told : null;
  return { value: now?.value ?? null, error: now?.error ?? null, reload };
}
