/** When to try again after a link ended, and with which token. Holds no timer. */

import { backoff, RECONNECT } from './backoff';
import { CloseCode, reactionTo } from './codes';

const LONGEST_JITTER_MS = 60_000;
/** Where a fault of ours or an overloaded server asks for patience: up to 8 s at first. */
const SLOW_STEP = 3;
const CAP_STEP = 30;

export interface Retry {
  delayMs: number;
  /** The server refused the token: get a fresh one first. */
  refresh: boolean;
}

export class Retries {
  private step = 0;
  private jitterMs = RECONNECT.baseMs;

  constructor(private readonly random: () => number) {}

  /** The server's own wish for how wide the first retries of a broken fleet should spread. */
  spreadOver(jitterMs: number): void {
    this.jitterMs = Math.min(Math.max(jitterMs, RECONNECT.baseMs), LONGEST_JITTER_MS);
  }

  /** Starts over. Only for a connection that proved stable, or when the app asks. */
  reset(): void {
    this.step = 0;
  }

  /** The next retry after this close code, or null where the code says not to come back. */
  after(code: number, { wasConnected, online }: { wasConnected: boolean; online: boolean }): Retry | null {
    // As many of this user's as there may be: one of them ends some time, so an exception to its band.
    const reaction = code === CloseCode.TooManyConnections ? 'slow' : reactionTo(code);
    if (reaction === 'stop') return null;
    if (reaction === 'slow') this.step = Math.max(this.step, SLOW_STEP);
    const refresh = reaction === 'refresh';
    const delayMs = this.delay(refresh, wasConnected || reaction === 'soon', online);
    this.step++;
    return { delayMs, refresh };
  }

  private delay(refresh: boolean, spread: boolean, online: boolean): number {
    // A platform that sees no network may be wrong: keep trying, rarely.
    if (!online) return backoff(CAP_STEP, this.random);
    if (this.step > 0) return backoff(this.step, this.random);
    if (refresh) return 0;
    return backoff(0, this.random, spread ? { ...RECONNECT, baseMs: this.jitterMs } : RECONNECT);
  }
}
