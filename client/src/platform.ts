/** What the core takes from outside: time, chance, sockets, HTTP, storage and the platform's own events. */

import type { Unsubscribe } from './store';

export type Timer = ReturnType<typeof setTimeout>;

export interface Clock {
  /** Wall time in ms: a phone's timers stand still while it sleeps, this does not. */
  now(): number;
  setTimeout(run: () => void, ms: number): Timer;
  clearTimeout(timer: Timer | undefined): void;
}

/** The part of a WebSocket that browsers and React Native share, and all that is used of it. */
export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: (() => void) | null;
  onclose: ((event: { code?: number | undefined; reason?: string | undefined }) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** Keeps what must outlive the process. May be asynchronous; one that throws costs durability, not delivery. */
export interface KeyValueStorage {
  get(key: string): Promise<string | null> | string | null;
  set(key: string, value: string): Promise<void> | void;
  remove(key: string): Promise<void> | void;
  /** All keys that start with `prefix`. */
  keys(prefix: string): Promise<string[]> | string[];
}

/**
 * `online: false` is the only fact taken as "no network", and even it only slows retries down: platforms err.
 * `moved` says that the path changed (wifi to cellular), so that an open socket is likely dead.
 */
export interface NetworkFact {
  online: boolean;
  moved: boolean;
}

export interface Platform {
  storage: KeyValueStorage;
  watchNetwork(listener: (fact: NetworkFact) => void): Unsubscribe;
  /** Whether a person may be looking: visibility on the web, AppState on a phone. */
  watchActivity(listener: (active: boolean) => void): Unsubscribe;
  /** How long a socket is kept in the background. Infinity where the platform lets it live. */
  backgroundGraceMs: number;
}

export interface Env {
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
}

// Looked up at each call, so that whoever replaces the globals (fake timers, a polyfill) is obeyed.
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
};

/** An id that nobody else has. React Native has no `crypto.randomUUID`, nor has a page on plain http. */
export function uniqueId(random: () => number): string {
  const piece = (): string => random().toString(36).slice(2, 10);
  return globalThis.crypto?.randomUUID?.() ?? Date.now().toString(36) + piece() + piece() + piece();
}

/** Storage that forgets with the process, and a platform that never reports anything: for tests and servers. */
export function memoryStorage(): KeyValueStorage {
  const map = new Map<string, string>();
  return {
    get: (key) => map.get(key) ?? null,
    set: (key, value) => void map.set(key, value),
    remove: (key) => void map.delete(key),
    keys: (prefix) => [...map.keys()].filter((key) => key.startsWith(prefix)),
  };
}

export function barePlatform(storage: KeyValueStorage = memoryStorage()): Platform {
  return { storage, watchNetwork: () => () => {}, watchActivity: () => () => {}, backgroundGraceMs: Infinity };
}
