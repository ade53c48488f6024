/** Line icons on a grid of 24, drawn for Parley. `npm run icons` makes the phones' pictures of them. */

export const PATHS = {
  back: 'M15 5l-7 7 7 7',
  send: 'M12 19V5M6 11l6-6 6 6',
  down: 'M6 9l6 6 6-6',
  clock: 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  alert: 'M12 7v6M12 16.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  tick: 'M4 13l5 5L20 7',
  ticks: 'M1.5 13l5 5L17 7M12.5 17l1 1L23 8.5',
  close: 'M6 6l12 12M18 6L6 18',
  reply: 'M9 6l-5 5 5 5M4 11h9a7 7 0 0 1 7 7',
  copy: 'M9 9h11v11H9zM15 9V4H4v11h5',
  share: 'M12 15V3M8 7l4-4 4 4M5 12v8h14v-8',
  more: 'M5 12v.01M12 12v.01M19 12v.01',
  retry: 'M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
  people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14a6.5 6.5 0 0 1 3.5 6',
  compose: 'M12 5v14M5 12h14',
  chat: 'M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z',
} as const;

export type IconName = keyof typeof PATHS;

/** These point somewhere, and point the other way where one reads from right to left. */
export const DIRECTED: ReadonlySet<IconName> = new Set<IconName>(['back', 'reply']);

export interface IconProps {
  name: IconName;
  color: string;
  size?: number;
  /** Where one reads from right to left. */
  mirrored?: boolean;
}
