/** Hooks on what is this user's own. The client must have been made with `account: keepAccount()`. */

import { useCallback, useEffect, useState } from 'react';
import type { Account, Device, Draft, DraftText, Marks, Person, SavedList, Totals } from '../account';
import type { ConversationView } from '../views';
import { useWebSocketContext } from './context';
import { useReadable } from './useReadable';

function useAccount(): Account {
  const { account } = useWebSocketContext().client;
  if (!account) throw new Error('createClient({ account: keepAccount() }) of @parley/client/account makes what this hook shows');
  return account;
}

export interface DraftHandle {
  /** Of whichever device wrote last; null for none. */
  draft: Draft | null;
  /** At every keystroke; an empty text without reply and attachments ends the draft. */
  write(draft: DraftText): void;
  /** Once the message is sent. */
  end(): void;
}

/** What this user has begun to write in a conversation, on any of their devices. */
export function useDraft(conversationId: string): DraftHandle {
  const { drafts } = useAccount();
  const draft = useReadable(drafts.of(conversationId));
  const write = useCallback((next: DraftText) => drafts.write(conversationId, next), [drafts, conversationId]);
  const end = useCallback(() => drafts.end(conversationId), [drafts, conversationId]);
  return { draft, write, end };
}

export interface SavedHandle extends SavedList {
  /** Shown at once. Raises `ApiError`, and all is as before. */
  save(messageId: string): Promise<void>;
  unsave(messageId: string): Promise<void>;
  /** Fetches one more page. Raises `ApiError`. */
  loadMore(): Promise<void>;
}

/** The messages that this user saved, latest first. */
export function useSaved(): SavedHandle {
  const { saved } = useAccount();
  const list = useReadable(saved.list);
  useEffect(() => saved.want(), [saved]);
  const save = useCallback((messageId: string) => saved.set(messageId, true), [saved]);
  const unsave = useCallback((messageId: string) => saved.set(messageId, false), [saved]);
  const loadMore = useCallback(() => saved.more(), [saved]);
  return { ...list, save, unsave, loadMore };
}

/** The archived conversations, newest activity first, and how to keep one: each raises `ApiError`, and all is as before. */
export function useArchived(): { archived: readonly ConversationView[]; marks: Marks } {
  const { marks } = useAccount();
  return { archived: useReadable(useWebSocketContext().client.archived), marks };
}

/** Over all conversations, with mentions, as the server counts; null until it has said. */
export function useUnreadTotals(): Totals | null {
  return useReadable(useAccount().unread.totals);
}

export interface MeHandle {
  /** As others see this user; null until the server has said. */
  me: Person | null;
  /** Each raises `ApiError`. */
  rename(displayName: string): Promise<void>;
  removePicture(): Promise<void>;
}

export function useMe(): MeHandle {
  const { me: profiles } = useAccount();
  const me = useReadable(profiles.profile);
  const rename = useCallback(async (displayName: string) => void (await profiles.change({ displayName })), [profiles]);
  const removePicture = useCallback(async () => void (await profiles.change({ avatar: null })), [profiles]);
  return { me, rename, removePicture };
}

export interface DevicesHandle {
  /** Null until they have come. */
  devices: readonly Device[] | null;
  /** Of the last attempt to fetch them; null where it went well. */
  error: Error | null;
  /** Raises `ApiError`. */
  remove(id: string): Promise<void>;
  reload(): void;
}

/** The phones that are pushed this user's messages. */
export function useDevices(): DevicesHandle {
  const { devices } = useAccount();
  const list = useReadable(devices.list);
  const [error, setError] = useState<Error | null>(null);
  const reload = useCallback(() => {
    devices.load().then(() => setError(null), setError);
  }, [devices]);
  useEffect(reload, [reload]);
  const remove = useCallback((id: string) => devices.remove(id), [devices]);
  return { devices: list, error, remove, reload };
}
