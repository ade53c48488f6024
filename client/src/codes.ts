/** Close codes by band, so that one this version does not know still has a meaning. Mirrors the server's table. */

/**
 * What to do after a close:
 * `retry` with the usual backoff; `soon` after the server's own hint; `slow` from a later step of the backoff;
 * `refresh` with a fresh token; `stop` until the app connects again.
 */
export type Reaction = 'retry' | 'soon' | 'slow' | 'refresh' | 'stop';

/** Every code of the server's own, and those that this client gives. */
export const CloseCode = {
  Normal: 1000,
  GoingAway: 1001,
  Abnormal: 1006,
  TooBig: 1009,
  Draining: 1012,
  Overloaded: 1013,
  Unauthorized: 4401,
  NoPong: 4408,
  TooManyFrames: 4429,
  OriginNotAllowed: 4501,
  Banned: 4502,
  SessionRevoked: 4503,
  TooManyConnections: 4504,
  /** Never on the wire: the server answers for another user than the one this client was made for. */
  WrongUser: 4999,
} as const;

const REACTIONS: ReadonlyMap<number, Reaction> = new Map([
  // Protocol faults of ours, a frame too big among them, will come again: do not hammer the server (RFC 6455, 7.4.1).
  [1002, 'slow'], [1003, 'slow'], [1007, 'slow'], [1008, 'slow'], [1009, 'slow'], [1010, 'slow'],
  // Draining; overloaded, or we read too slowly; too many frames of ours.
  [1012, 'soon'], [1013, 'slow'], [4429, 'slow'],
  [CloseCode.Unauthorized, 'refresh'],
]);

/**
 * What a code says by itself: the named ones, then 4500–4999 stop, then everything else retries. One is an exception
 * to its band: with 4504 comes an `error` whose `retryAfterMs` says when there may be room, and the client tries again.
 */
export function reactionTo(code: number): Reaction {
  return REACTIONS.get(code) ?? (code >= 4500 && code <= 4999 ? 'stop' : 'retry');
}
