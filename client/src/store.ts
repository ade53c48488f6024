/** The whole contract between the core and a view: subscribe, and a snapshot that keeps its identity until it changes. */

export type Unsubscribe = () => void;

export interface Readable<T> {
  /** Calls `listener` after each change; returns how to stop. Bound, so it may be passed on by itself. */
  readonly subscribe: (listener: () => void) => Unsubscribe;
  readonly getSnapshot: () => T;
}

/**
 * A value derived on demand. `invalidate()` is cheap however often it is called: the value is rebuilt at the
 * next read, and listeners hear of many changes in one turn once.
 */
export class Derived<T> implements Readable<T> {
  private readonly listeners = new Set<() => void>();
  private cached: { value: T } | null = null;
  private notifying = false;

  constructor(private readonly build: () => T) {}

  readonly subscribe = (listener: () => void): Unsubscribe => {
    // A wrapper of its own, so that one listener subscribed twice is two subscriptions.
    const entry = (): void => listener();
    this.listeners.add(entry);
    return () => void this.listeners.delete(entry);
  };

  readonly getSnapshot = (): T => (this.cached ??= { value: this.build() }).value;

  invalidate(): void {
    this.cached = null;
    if (this.notifying || this.listeners.size === 0) return;
    this.notifying = true;
    void Promise.resolve().then(() => this.notify());
  }

  private notify(): void {
    this.notifying = false;
    for (const listener of [...this.listeners]) listener();
  }
}

/** One `Derived` per key, made when first asked for. */
export class Family<T> {
  private readonly members = new Map<string, Derived<T>>();

  constructor(private readonly build: (key: string) => T) {}

  of(key: string): Derived<T> {
    let member = this.members.get(key);
    if (!member) this.members.set(key, (member = new Derived(() => this.build(key))));
    return member;
  }

  invalidate(key: string): void {
    this.members.get(key)?.invalidate();
  }

  invalidateAll(): void {
    for (const member of this.members.values()) member.invalidate();
  }
}
