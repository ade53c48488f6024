/** To a message, wherever it is: older pages are fetched until it is here. */

import { useCallback, useEffect, useImperativeHandle, useState, type Ref, type RefObject } from 'react';
import { useWebSocketContext } from '../react';
import type { ParleyClient } from '../client';
import type { ChatMessage } from '../views';
import { useKit } from './kit';
import type { ScrollerHandle } from './seams/scroller-types';

export interface MessageListHandle {
  /** Shows the message in the middle, and marks it for a moment. A message that is gone is told of in passing. */
  toMessage(messageId: string): void;
  toEnd(): void;
}

const FLASH_MS = 1600;
/** 2,000 messages: who looks for older ones looks by scrolling. */
const MOST_PAGES = 40;

export function useJump(
  ref: Ref<MessageListHandle> | undefined, scroller: RefObject<ScrollerHandle | null>, conversationId: string, messages: readonly ChatMessage[],
): { flashing: string | null; jump(messageId: string): void } {
  const { client } = useWebSocketContext();
  const { strings, toast } = useKit();
  const [target, setTarget] = useState<{ id: string } | null>(null);
  const [flashing, flash] = useState<string | null>(null);
  const jump = useCallback((id: string) => {
    void isHere(client, conversationId, id).then((found) => (found ? setTarget({ id }) : toast(strings.originalGone)), () => toast(strings.olderFailed));
  }, [client, conversationId, strings, toast]);
  useEffect(() => {
    const index = messages.findIndex(({ id }) => id === target?.id);
    if (index < 0) return;
    scroller.current?.toIndex(index);
    flash(messages[index]?.key ?? null);
    const timer = setTimeout(() => flash(null), FLASH_MS);
    return () => clearTimeout(timer);
  }, [target]);
  useImperativeHandle(ref, () => ({ toMessage: jump, toEnd: () => scroller.current?.toEnd() }), [jump, scroller]);
  return { flashing, jump };
}

/** Rejects where a page does not come. */
async function isHere(client: ParleyClient, conversationId: string, messageId: string): Promise<boolean> {
  for (let page = 0; page <= MOST_PAGES; page++) {
    const { messages, hasOlder } = client.messages(conversationId).getSnapshot();
    if (messages.some(({ id }) => id === messageId)) return true;
    if (!hasOlder) return false;
    await client.loadOlder(conversationId);
  }
  return false;
}
