/** Work that is asked for again and again, done one at a time, and retried with backoff until it succeeds. */

import { ApiError } from './api';
import { backoff } from './backoff';
import type { Env } from './platform';
import { Timers } from './timers';

export class Job {
  private readonly timers: Timers<'retry'>;
  private enabled = false;
  private wanted = false;
  private running = false;
  private step = 0;

  /** `run` throws to be called again later; `failed` hears each such error. */
  constructor(
    private readonly run: () => Promise<void>,
    private readonly failed: (error: unknown) => void,
    private readonly env: Env,
  ) {
    this.timers = new Timers(env.clock);
  }

  /** Lets requests run, and runs one that waits, without regard to the backoff. */
  start(): void {
    this.enabled = true;
    this.timers.clear('retry');
    void this.turn();
  }

  /** Holds requests back. One that is running is not interrupted. */
  stop(): void {
    this.enabled = false;
    this.timers.clear('retry');
  }

  /** Asks for a run that begins after this moment, however many ask. */
  request(): void {
    this.wanted = true;
    if (!this.timers.has('retry')) void this.turn();
  }

  private async turn(): Promise<void> {
    // No await between this check and the marks it makes: two turns cannot both pass.
    if (this.running || !this.enabled || !this.wanted) return;
    this.running = true;
    this.wanted = false;
    try {
      await this.run();
      this.step = 0;
    } catch (error) {
      this.wanted = true;
      this.delay(error);
      this.failed(error);
    } finally {
      this.running = false;
    }
    if (!this.timers.has('retry')) void this.turn();
  }

  private delay(error: unknown): void {
    const hint = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    const wait = Math.max(hint, backoff(this.step++, this.env.random));
    this.timers.set('retry', wait, () => void this.turn());
  }
}
