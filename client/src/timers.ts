/** Timers by name: setting one again replaces it, so that there is never a second of a kind. */

import type { Clock, Timer } from './platform';

/** Past this a platform's timer fires at once. */
export const LONGEST_MS = 2 ** 31 - 1;

export class Timers<Name extends string> {
  private readonly running = new Map<Name, Timer>();

  constructor(private readonly clock: Clock) {}

  set(name: Name, ms: number, run: () => void): void {
    this.clear(name);
    this.running.set(name, this.clock.setTimeout(() => {
      this.running.delete(name);
      run();
    }, Math.min(ms, LONGEST_MS)));
  }

  has(name: Name): boolean {
    return this.running.has(name);
  }

  clear(...names: Name[]): void {
    for (const name of names) {
      this.clock.clearTimeout(this.running.get(name));
      this.running.delete(name);
    }
  }

  clearAll(): void {
    this.clear(...this.running.keys());
  }
}

/** The promise's outcome, or an error after `ms` or once `abort` is aborted; after `ms` it is. */
export function within<T>(clock: Clock, ms: number, promise: Promise<T>, abort = new AbortController()): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => abort.abort(), ms);
    abort.signal.addEventListener('abort', () => reject(new Error('no answer in time')));
    void promise.then(resolve, reject).finally(() => clock.clearTimeout(timer));
  });
}
