/** Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), with a floor so that no retry is at once. */

export interface BackoffOptions {
  floorMs: number;
  baseMs: number;
  capMs: number;
}

export const RECONNECT: BackoffOptions = { floorMs: 250, baseMs: 1000, capMs: 30_000 };

/**
 * Milliseconds to wait before retry number `step` (0 is the first): uniform between the floor and
 * `min(cap, base * 2^step)`. `random` gives [0, 1).
 */
export function backoff(step: number, random: () => number, options: BackoffOptions = RECONNECT): number {
  const { floorMs, baseMs, capMs } = options;
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(step, 30));
  return Math.round(floorMs + random() * Math.max(0, ceiling - floorMs));
}
