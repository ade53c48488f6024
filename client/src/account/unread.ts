/** What this user has not read over all conversations, as the server counts it: with mentions, and what is not loaded here. */

import type { Api } from '../api';
import { Job } from '../job';
import type { Env } from '../platform';
import type { Screens } from '../screens';
import { Derived, type Readable, type Unsubscribe } from '../store';
import { Timers } from '../timers';

export interface Totals {
  messages: number;
  /** Of the messages those that mention this user. */
  mentions: number;
  /** Those with something unread. */
  conversations: number;
  /** Others that this user marked as unread. */
  marked: number;
}

export interface UnreadParts {
  api: Pick<Api, 'call'>;
  screens: Pick<Screens, 'unread'>;
  env: Env;
  onError(error: unknown): void;
}

const ASK_AFTER_MS = 1000;

export class UnreadTotals {
  /** Null until the server has said. It is asked only while somebody listens. */
  readonly totals: Readable<Totals | null>;
  private readonly derived = new Derived<Totals | null>(() => this.known);
  private readonly job: Job;
  private readonly timers: Timers<'ask'>;
  private known: Totals | null = null;
  private listeners = 0;
  private unsubscribe: Unsubscribe = () => {};

  constructor(private readonly parts: UnreadParts) {
    this.job = new Job(() => this.ask(), parts.onError, parts.env);
    this.timers = new Timers(parts.env.clock);
    this.totals = { subscribe: (listener) => this.subscribe(listener), getSnapshot: this.derived.getSnapshot };
  }

  connected(): void {
    if (this.listeners > 0) this.job.request();
    this.job.start();
  }

  stop(): void {
    this.timers.clearAll();
    this.job.stop();
  }

  private subscribe(listener: () => void): Unsubscribe {
    const stop = this.derived.subscribe(listener);
    if (this.listeners++ === 0) {
      this.unsubscribe = this.parts.screens.unread.subscribe(() => this.timers.set('ask', ASK_AFTER_MS, () => this.job.request()));
      this.job.request();
    }
    return () => {
      stop();
      if (--this.listeners === 0) this.unsubscribe();
    };
  }

  private async ask(): Promise<void> {
    this.known = await this.parts.api.call<Totals>('GET', '/api/unread');
    this.derived.invalidate();
  }
}
