import type { ChatMessage } from '@parley/client';
import { memo, type ReactNode } from 'react';
import { clock } from './format';
import { Mark } from './icons';

interface Props {
  message: ChatMessage;
  first: boolean;
  last: boolean;
  author: string | null;
  onRetry(clientId: string): void;
  onDiscard(clientId: string): boolean;
}

/** Renders anew only when its message changes: what did not change is the same object. */
export const Bubble = memo(function Bubble({ message, first, last, author, onRetry, onDiscard }: Props): ReactNode {
  const { isMine, text, createdAt, status, clientId, error, seq } = message;
  const waiting = status === 'queued' || status === 'sending';
  const classes = ['bubble-line', isMine ? 'mine' : 'theirs', first && 'first', last && 'last', waiting && 'waiting', status === 'failed' && 'failed'];
  return (
    <div className={classes.filter(Boolean).join(' ')} data-status={status} data-seq={seq ?? undefined}>
      <div className={/^\p{Extended_Pictographic}{1,3}$/u.test(text) ? 'bubble emoji' : 'bubble'}>
        {author && <span className="author">{author}</span>}
        <span className="text">{text}</span>
        <span className="meta">{clock(createdAt)}{isMine && <Mark status={status} />}</span>
      </div>
      {status === 'failed' && clientId && (
        <p className="trouble">
          {error ?? 'Not sent.'}
          <button onClick={() => onRetry(clientId)}>Try again</button>
          <button onClick={() => onDiscard(clientId)}>Delete</button>
        </p>
      )}
    </div>
  );
});
