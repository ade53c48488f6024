/** The client's events by name: the server's frame types, and the connection's own. */

import type { FrameOf, KnownType } from './protocol';
import type { Unsubscribe } from './store';

export interface OwnEvents {
  disconnected: { code: number; reason: string };
  /** Everything missed is here. */
  synced: Record<string, never>;
  /** Whom the user blocks, where that changed while the client was away. */
  blocked: { userIds: string[] };
  /** A request, a write to storage or a token failed and will be tried again where that makes sense. */
  failure: unknown;
}

export type EventName = KnownType | keyof OwnEvents | (string & {});
export type EventOf<E extends string> = E extends keyof OwnEvents ? OwnEvents[E] : FrameOf<E>;
export type Handler<E extends string> = (event: EventOf<E>) => void;

type AnyHandler = (event: never) => void;

export class Events {
  private readonly handlers = new Map<string, Set<AnyHandler>>();

  readonly on = <E extends EventName>(event: E, handler: Handler<E>): Unsubscribe => {
    const set = this.handlers.get(event) ?? new Set();
    this.handlers.set(event, set.add(handler));
    return () => this.off(event, handler);
  };

  readonly off = <E extends EventName>(event: E, handler: Handler<E>): void => {
    this.handlers.get(event)?.delete(handler);
  };

  /** One handler that throws keeps no other from hearing; its error surfaces as unhandled, where it belongs. */
  emit(event: string, payload: unknown): void {
    for (const handler of [...(this.handlers.get(event) ?? [])]) {
      try {
        (handler as (event: unknown) => void)(payload);
      } catch (error) {
        void Promise.reject(error);
      }
    }
  }
}
