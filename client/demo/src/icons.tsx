/** Line icons on a 24 px grid, drawn in the text's colour. */

import type { ReactNode } from 'react';

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z',
  unlock: 'M7 11V8a5 5 0 0 1 9.6-2M6 11h12v9H6z',
  plane: 'M21 15.5v-2l-7.5-4.7V4.3a1.5 1.5 0 0 0-3 0v4.5L3 13.5v2l7.5-2.3v4.3l-2 1.5v1.5l3.5-1 3.5 1V19l-2-1.5v-4.3z',
  cut: 'M6 9a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM6 20a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM20 5L8 16M20 19L8 8',
  burst: 'M4 6h11M4 12h16M4 18h8',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4',
  moon: 'M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z',
  down: 'M6 9l6 6 6-6',
} as const;

export function Icon({ name, size = 20 }: { name: keyof typeof PATHS; size?: number }): ReactNode {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
