/** The access token: asked for once at a time, and renewed before it runs out. */

import { ApiError } from './api';
import type { Env, Timer } from './platform';
import { LONGEST_MS, within } from './timers';

/**
 * Gives the user's access token, or null when nobody is signed in. `force` asks for a fresh one because the
 * server refused the last. Throwing means "not now": it is asked again later.
 */
export type TokenProvider = (options: { force: boolean }) => Promise<string | null> | string | null;

/** A provider that never answers is given up after this long, or it would hold every later attempt. */
const PROVIDER_DEADLINE_MS = 30_000;
/** Renewed this long before expiry: supabase-js' own margin is 90 s, so by then it holds a newer one. */
const MARGIN_MS = 60_000;
export const WRONG_USER = 'the token is of another user';

export interface TokenHandlers {
  /** The provider gave another user's token: whoever asked for it is refused, and nothing more may be asked. */
  onForeign(): void;
}

export class Tokens {
  private asking: { force: boolean; answer: Promise<string | null> } | null = null;
  private renewal: Timer | undefined;
  private disowned: string | null = null;

  constructor(
    private readonly provider: TokenProvider,
    private readonly userId: string,
    private readonly handlers: TokenHandlers,
    private readonly env: Env,
  ) {}

  /**
   * Single flight: two refreshes at once burn a single-use refresh token. Never gives a token whose `sub` is another
   * user: raises `ApiError` with the code `wrong_user`. Every request and socket begins here.
   */
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
    this.renewal = this.env.clock.setTimeout(() => void this.renew(token, renewed), Math.min(wait, LONGEST_MS));
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

  /** The server says that this token is of another user, which its own text did not show. */
  disown(token: string): void {
    this.disowned = token;
    this.handlers.onForeign();
  }

  private async ask(force: boolean): Promise<string | null> {
    const asked = Promise.resolve().then(() => this.provider({ force }));
    const token = await within(this.env.clock, PROVIDER_DEADLINE_MS, asked);
    if (token === null || !this.isForeign(token)) return token;
    this.handlers.onForeign();
    throw new ApiError(401, 'wrong_user', WRONG_USER);
  }

  private isForeign(token: string): boolean {
    const { sub } = claims(token);
    return token === this.disowned || (typeof sub === 'string' && sub.toLowerCase() !== this.userId.toLowerCase());
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

function claims(token: string): { exp?: unknown; iat?: unknown; sub?: unknown } {
  try {
    const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const value: unknown = JSON.parse(atob(payload));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
