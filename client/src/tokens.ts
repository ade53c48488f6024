/** The access token: asked for once at a time, and renewed before it runs out. */

import type { Env, Timer } from './platform';
import { within } from './timers';

/**
 * Gives the user's access token, or null when nobody is signed in. `force` asks for a fresh one because the
 * server refused the last. Throwing means "not now": it is asked again later.
 */
export type TokenProvider = (options: { force: boolean }) => Promise<string | null> | string | null;

/** A provider that never answers is given up after this long, or it would hold every later attempt. */
const PROVIDER_DEADLINE_MS = 30_000;
/** Renewed this long before expiry: supabase-js' own margin is 90 s, so by then it holds a newer one. */
const MARGIN_MS = 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Tokens {
  private asking: { force: boolean; answer: Promise<string | null> } | null = null;
  private renewal: Timer | undefined;

  constructor(
    private readonly provider: TokenProvider,
    private readonly env: Env,
  ) {}

  /** Single flight: two refreshes at once burn a single-use refresh token. */
  get(force = false): Promise<string | null> {
    const asking = this.asking;
    if (asking && (asking.force || !force)) return asking.answer;
    const answer = asking ? asking.answer.then(() => this.ask(true), () => this.ask(true)) : this.ask(force);
    const entry = { force, answer };
    const done = (): void => {
      if (this.asking === entry) this.asking = null;
    };
    this.asking = entry;
    answer.then(done, done);
    return answer;
  }

  /** Calls `renewed` with another token shortly before `token` runs out, again and again until stopped. */
  keepFresh(token: string, renewed: (token: string) => void): void {
    this.stop();
    const left = lifetimeLeft(token, this.env.clock.now());
    if (left === null) return;
    const wait = Math.max(5000, left - MARGIN_MS, left / 2);
    this.renewal = this.env.clock.setTimeout(() => void this.renew(token, renewed), Math.min(wait, LONGEST_TIMER_MS));
  }

  stop(): void {
    this.env.clock.clearTimeout(this.renewal);
    this.renewal = undefined;
  }

  private async renew(old: string, renewed: (token: string) => void): Promise<void> {
    const timer = this.renewal;
    // A failure here is no fault yet: the old token still serves, and after it the server's 4401 asks again.
    const kept = await this.get().catch(() => null);
    const token = kept === old ? await this.get(true).catch(() => null) : kept;
    if (this.renewal !== timer) return;
    if (token !== null && token !== old) renewed(token);
    this.keepFresh(token ?? old, renewed);
  }

  private ask(force: boolean): Promise<string | null> {
    const asked = Promise.resolve().then(() => this.provider({ force }));
    return within(this.env.clock, PROVIDER_DEADLINE_MS, asked);
  }
}

/** Milliseconds this JWT is good for, or null if it does not say. Nothing is verified here. */
export function lifetimeLeft(token: string, now: number): number | null {
  const { exp, iat } = claims(token);
  if (typeof exp !== 'number') return null;
  const left = exp * 1000 - now;
  // Already over by a phone's wrong clock: count its whole life from now.
  return left > 0 || typeof iat !== 'number' ? left : (exp - iat) * 1000;
}

function claims(token: string): { exp?: unknown; iat?: unknown } {
  try {
    const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const value: unknown = JSON.parse(atob(payload));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
