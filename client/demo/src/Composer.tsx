import { useSendMessage, useTyping } from '@parley/client/react';
import { useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { Icon } from './icons';

export function Composer({ id }: { id: string }): ReactNode {
  const [draft, setDraft] = useState('');
  const box = useRef<HTMLTextAreaElement>(null);
  const send = useSendMessage(id);
  const { setTyping } = useTyping(id);
  const submit = (): void => {
    if (draft.trim() === '') return;
    send(draft);
    setDraft('');
    box.current?.focus();
  };
  useLayoutEffect(() => {
    if (!box.current) return;
    box.current.style.height = 'auto';
    box.current.style.height = `${box.current.scrollHeight}px`;
  }, [draft]);
  return (
    <form className="composer" onSubmit={(event) => (event.preventDefault(), submit())}>
      <textarea
        ref={box} rows={1} value={draft} placeholder="Message" aria-label="Message" maxLength={8000} enterKeyHint="send"
        onChange={({ target }) => {
          setDraft(target.value);
          setTyping(target.value !== '');
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          submit();
        }}
      />
      <button className="round send" disabled={draft.trim() === ''} aria-label="Send"><Icon name="send" /></button>
    </form>
  );
}
