/** The table of actions, at work on one conversation. */

import { useCallback, useMemo } from 'react';
import { useMessages } from '../react';
import type { ChatMessage } from '../views';
import type { ActionPlace, MessageAction } from './actions';
import { useKit } from './kit';

export interface MessageActions {
  /** The same array for as long as the same is offered. */
  offered(message: ChatMessage): readonly MessageAction[];
  act(message: ChatMessage, action: MessageAction): void;
}

export function useMessageActions(conversationId: string, reply: (message: ChatMessage) => void): MessageActions {
  const { actions, strings, ports, toast } = useKit();
  const { retry, discard } = useMessages(conversationId);
  const place = useMemo<ActionPlace>(() => ({ strings, ports, toast, reply, retry, discard }), [strings, ports, toast, reply, retry, discard]);
  const known = useMemo(() => new Map<string, readonly MessageAction[]>(), [actions, place]);
  const offered = useCallback((message: ChatMessage) => {
    const some = actions.filter((action) => action.isOffered(message, place));
    const names = some.map(({ name }) => name).join();
    const before = known.get(names) ?? some;
    known.set(names, before);
    return before;
  }, [actions, place, known]);
  const act = useCallback((message: ChatMessage, action: MessageAction) => action.run(message, place), [place]);
  return useMemo(() => ({ offered, act }), [offered, act]);
}
