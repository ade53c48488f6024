/** Line icons on a 24 px grid, drawn in the text's colour. */

import type { ReactNode } from 'react';

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  check: 'M4.5 12.5l5 5 10-11',
  clock: 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  alert: 'M12 7v6M12 16.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  send: 'M12 19V5M6 11l6-6 6 6',
  compose: 'M12 5v14M5 12h14',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z',
  unlock: 'M7 11V8a5 5 0 0 1 9.6-2M6 11h12v9H6z',
  plane: 'M21 15.5v-2l-7.5-4.7V4.3a1.5 1.5 0 0 0-3 0v4.5L3 13.5v2l7.5-2.3v4.3l-2 1.5v1.5l3.5-1 3.5 1V19l-2-1.5v-4.3z',
  cut: 'M6 9a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM6 20a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM20 5L8 16M20 19L8 8',
  burst: 'M4 6h11M4 12h16M4 18h8',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4',
  moon: 'M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z',
  down: 'M6 9l6 6 6-6',
  hide: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
  people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14a6.5 6.5 0 0 1 3.5 6',
} as const;

export function Icon({ name, size = 20 }: { name: keyof typeof PATHS; size?: number }): ReactNode {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

const MARKS = {
  queued: { label: 'waiting to be sent', icon: <Icon name="clock" size={13} /> },
  sending: { label: 'sending', icon: <Icon name="clock" size={13} /> },
  sent: { label: 'sent', icon: <Tick /> },
  delivered: { label: 'delivered', icon: <Tick twice /> },
  read: { label: 'read', icon: <Tick twice /> },
  failed: { label: 'not sent', icon: <Icon name="alert" size={13} /> },
};

export function Mark({ status }: { status: keyof typeof MARKS }): ReactNode {
  const { label, icon } = MARKS[status];
  return <span className={`mark mark-${status}`} role="img" aria-label={label} title={label}>{icon}</span>;
}

function Tick({ twice = false }: { twice?: boolean }): ReactNode {
  return (
    <svg className="icon" width={twice ? 18 : 13} height={13} viewBox={twice ? '0 0 30 24' : '0 0 22 24'} aria-hidden="true">
      <path d="M2 13l5 5L18 6" />
      {twice && <path d="M13.5 17l1 1L26 6" />}
    </svg>
  );
}
