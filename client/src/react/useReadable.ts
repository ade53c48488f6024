import { useSyncExternalStore } from 'react';
import type { Readable } from '../store';

/** The current value, rendered again when it changes. */
export function useReadable<T>({ subscribe, getSnapshot }: Readable<T>): T {
  return useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
}
