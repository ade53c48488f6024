import type { ReactNode } from 'react';

export interface OverlayProps {
  label: string;
  /** Where the pointer asked for it, in pixels of the window; null for the middle or the bottom. */
  at: { x: number; y: number } | null;
  onClose(): void;
  children: ReactNode;
}
