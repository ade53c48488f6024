import { useWebSocket } from '@parley/client/react';
import { useEffect, useState, type ReactNode } from 'react';

/** What the connection does, in the words of a messenger; nothing while all is well. */
export function ConnectionLine({ otherwise = null }: { otherwise?: ReactNode }): ReactNode {
  const text = useConnectionText();
  if (text === null) return otherwise;
  return <span className="line" role="status"><span className="spinner" aria-hidden="true" />{text}</span>;
}

export function useConnectionText(): string | null {
  const { connection, isSynced } = useWebSocket();
  const seconds = useSecondsUntil(connection.retryAt);
  switch (connection.status) {
    case 'connected': return isSynced ? null : 'Updating…';
    case 'connecting': return 'Connecting…';
    case 'waiting': return seconds > 1 ? `Reconnecting in ${seconds} s…` : 'Reconnecting…';
    case 'offline': return 'Waiting for network…';
    case 'asleep': return 'Asleep';
    case 'stopped': return `Stopped: ${connection.reason ?? connection.code}`;
    case 'idle': return 'Disconnected';
  }
}

function useSecondsUntil(time: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (time === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [time]);
  return time === null ? 0 : Math.max(0, Math.ceil((time - now) / 1000));
}
