import type { ReactNode } from 'react';
import { clock } from './format';
import type { Push } from './pushes';

/** One push notification, as a phone's system shows it. */
export function Notice({ push, onTap }: { push: Push; onTap(): void }): ReactNode {
  return (
    <button className="notice" onClick={onTap}>
      <span className="logo" aria-hidden="true" />
      <span className="notice-text"><b>{push.title}</b><span>{push.body}</span></span>
      <span className="notice-time">{clock(push.at)}</span>
    </button>
  );
}
