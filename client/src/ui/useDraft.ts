import { useCallback, useEffect, useState } from 'react';
import { useKit } from './kit';

/** What was written here before and not sent; empty until a slow storage has answered. */
export function useDraft(conversationId: string): { text: string; save(text: string): void } {
  const { drafts } = useKit();
  const [text, setText] = useState(() => drafts.peek(conversationId) ?? '');
  useEffect(() => {
    let isHere = true;
    void drafts.load(conversationId).then((kept) => isHere && setText(kept));
    return () => void (isHere = false);
  }, [drafts, conversationId]);
  const save = useCallback((next: string) => drafts.save(conversationId, next), [drafts, conversationId]);
  return { text, save };
}
