import { useEffect, useState, type ReactNode } from 'react';
import { clock } from './format';
import { Icon } from './icons';
import { Notice } from './Notice';
import type { Push } from './pushes';

export function LockScreen({ pushes, onUnlock, onTap }: { pushes: Push[]; onUnlock(): void; onTap(push: Push): void }): ReactNode {
  const now = useMinute();
  return (
    <section className="view lock" aria-label="Locked phone">
      <Icon name="lock" size={22} />
      <time className="lock-clock">{clock(now).replace(/\s?[AP]M$/i, '')}</time>
      <p className="lock-day">{now.toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long' })}</p>
      <div className="notices" aria-live="polite">
        {pushes.map((push) => <Notice key={push.key} push={push} onTap={() => onTap(push)} />)}
      </div>
      <button className="unlock" onClick={onUnlock}>Unlock</button>
    </section>
  );
}

function useMinute(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 5000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
