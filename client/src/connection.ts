/**
 * The connection over any number of sockets: when to open one, when to replace it, when to give up.
 *
 * At most one link is current (the server said `connected` on it) and one attempt is under way. Whatever answers for
 * an attempt that is no longer this one (a token, a late `onopen`, a close) finds itself stale.
 */

import { CloseCode, reactionTo } from './codes';
import { Link, PONG_DEADLINE_MS, PROBE_DEADLINE_MS } from './link';
import type { Env, NetworkFact, SocketConstructor } from './platform';
import type { ClientFrame, ConnectedFrame, ErrorFrame, ReconnectFrame, ServerFrame } from './protocol';
import { Retries } from './retries';
import { Derived } from './store';
import { Timers } from './timers';
import type { Tokens } from './tokens';

/**
 * `idle`: not asked to connect. `connecting`: an attempt runs. `connected`. `waiting`: for the next attempt, at
 * `retryAt`. `offline`: the same, and the platform sees no network. `asleep`: in the background, without a socket.
 * `stopped`: the server said not to come back (`code`), nobody is signed in, or somebody else is (4999); `connect()`
 * tries again.
 */
export type Status = 'idle' | 'connecting' | 'connected' | 'waiting' | 'offline' | 'asleep' | 'stopped';

export interface ConnectionState {
  status: Status;
  /** Why the last link or attempt ended, or null before the first end. */
  code: number | null;
  reason: string | null;
  retryAt: number | null;
}

export interface ConnectionHandlers {
  /** A socket is about to be opened: what the server says of heads on it is not older than this moment. */
  onOpening(): void;
  /** `seamless` when the old link lived until this one took over, so that nothing can have been missed between. */
  onConnected(frame: ConnectedFrame, seamless: boolean): void;
  onFrame(frame: ServerFrame): void;
  onLost(code: number, reason: string): void;
}

export interface ConnectionOptions {
  url: string;
  userId: string;
  WebSocket: SocketConstructor;
  backgroundGraceMs: number;
}

interface Attempt {
  link: Link | null;
}

/** From asking for the token to the server's `connected`. */
const CONNECT_DEADLINE_MS = 10_000;
/** The backoff starts over only after this long: a server that accepts and then closes must not be stormed. */
const STABLE_MS = 8000;
/** Spread over a moment, since a whole train leaves the tunnel at once. */
const WAKE_JITTER_MS = 500;
/** iOS takes the connections of a suspended app away without a word; past this they are presumed gone. */
const PRESUMED_DEAD_MS = 10_000;
const HEARTBEAT_SECONDS = 25;
const FRAME_BYTES = 64 * 1024;

export class Connection {
  readonly state = new Derived<ConnectionState>(() => this.snapshot());
  private readonly timers: Timers<'retry' | 'attempt' | 'stable' | 'sleep'>;
  private readonly retries: Retries;
  private current: Link | null = null;
  private attempt: Attempt | null = null;
  private wanted = false;
  private online = true;
  private active = true;
  private asleep = false;
  private stopped = false;
  private leftAt = 0;
  private forceToken = false;
  private heartbeatMs = HEARTBEAT_SECONDS * 1000;
  private maxFrameBytes = FRAME_BYTES;
  private retryAt: number | null = null;
  /** Before when the server does not want to see us again; our own jitter comes on top. */
  private notBefore = 0;
  private end: { code: number; reason: string } | null = null;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly tokens: Tokens,
    private readonly env: Env,
    private readonly handlers: ConnectionHandlers,
  ) {
    this.timers = new Timers(env.clock);
    this.retries = new Retries(env.random);
  }

  get isConnected(): boolean {
    return this.current !== null;
  }

  /** Connects and stays connected. Does nothing where that is already so. */
  connect(): void {
    if (!this.wanted || this.stopped || this.asleep) this.reconnect();
  }

  /** Drops whatever there is and starts anew at once. */
  reconnect(): void {
    this.reset();
    this.wanted = true;
    this.notBefore = 0;
    this.retries.reset();
    if (!this.active) this.sleepLater();
    this.begin();
  }

  disconnect(): void {
    this.wanted = false;
    this.reset();
    this.state.invalidate();
  }

  /** Gives up until the app connects again. */
  stop(code: number, reason: string): void {
    this.reset(code, reason);
    this.stopped = true;
    this.ended(code, reason);
  }

  /** Hands a frame to the live link; false when there is none: nothing is queued here. */
  send(frame: ClientFrame): boolean {
    const text = JSON.stringify(frame);
    // Three bytes are the most that UTF-8 takes for a UTF-16 unit; the server closes a bigger frame with 1009.
    if (text.length * 3 > this.maxFrameBytes) throw new RangeError('frame too big');
    this.current?.send(text);
    return this.current !== null;
  }

  networkChanged({ online, moved }: NetworkFact): void {
    const returned = online && !this.online;
    const changed = moved || online !== this.online;
    this.online = online;
    if (changed) this.current?.probe(PROBE_DEADLINE_MS);
    // The wait is cut short, the backoff's step is not reset: a network that flaps must not turn into a storm.
    if ((returned || moved) && this.timers.has('retry')) this.beginSoon();
    this.state.invalidate();
  }

  activityChanged(active: boolean): void {
    if (active === this.active) return;
    this.active = active;
    if (active) return this.wake();
    this.leftAt = this.env.clock.now();
    this.send({ type: 'state', active: false });
    if (this.wanted) this.sleepLater();
  }

  private sleepLater(): void {
    const { backgroundGraceMs } = this.options;
    if (Number.isFinite(backgroundGraceMs)) this.timers.set('sleep', backgroundGraceMs, () => this.sleep());
  }

  private sleep(): void {
    this.reset();
    this.asleep = true;
    this.state.invalidate();
  }

  private wake(): void {
    this.timers.clear('sleep');
    if (!this.wanted || this.stopped) return;
    const gone = this.presumedDead();
    if (gone && this.current) this.lose(CloseCode.Abnormal, 'the app was away');
    if (this.current) {
      this.send({ type: 'state', active: true });
      this.current.probe(PROBE_DEADLINE_MS);
    } else if (gone || this.asleep || !this.attempt) {
      this.asleep = false;
      this.beginSoon();
    }
  }

  /** Whether the background has cost us what was open. Timers stand still there, so only the clock tells. */
  private presumedDead(): boolean {
    if (!Number.isFinite(this.options.backgroundGraceMs)) return false;
    const now = this.env.clock.now();
    const silence = this.current ? now - this.current.lastInbound : 0;
    return now - this.leftAt > PRESUMED_DEAD_MS || silence > this.heartbeatMs + PONG_DEADLINE_MS;
  }

  /** A network or a person that comes back cuts our own backoff short, not the server's word of when to come. */
  private beginSoon(): void {
    const patienceMs = Math.max(0, this.notBefore - this.env.clock.now());
    this.retryIn(patienceMs + this.env.random() * WAKE_JITTER_MS);
  }

  private retryIn(delayMs: number): void {
    this.retryAt = this.env.clock.now() + delayMs;
    this.timers.set('retry', delayMs, () => this.begin());
    this.state.invalidate();
  }

  /** Starts an attempt. A current link stays until the new one is `connected`: make before break. */
  private begin(): void {
    this.timers.clear('retry');
    this.retryAt = null;
    this.dropAttempt();
    const attempt: Attempt = { link: null };
    this.attempt = attempt;
    this.timers.set('attempt', CONNECT_DEADLINE_MS, () => this.fail(attempt, CloseCode.Abnormal, 'no answer in time'));
    this.tokens
      .get(this.forceToken)
      .then((token) => this.open(attempt, token))
      .catch((error: unknown) => this.fail(attempt, CloseCode.Abnormal, String(error)));
    this.state.invalidate();
  }

  private open(attempt: Attempt, token: string | null): void {
    if (this.attempt !== attempt) return;
    if (token === null) return this.stop(CloseCode.Unauthorized, 'nobody is signed in');
    this.handlers.onOpening();
    const socket = new this.options.WebSocket(this.options.url, ['bearer', token]);
    const link: Link = new Link(socket, this.env.clock, {
      onFrame: (frame) => (this.current === link ? this.handle(frame) : this.greet(attempt, link, token, frame)),
      onDown: (code, reason) => (this.current === link ? this.lost(link, code, reason) : this.fail(attempt, code, reason)),
    });
    attempt.link = link;
  }

  /** The first words on a new link. Only `connected` makes it current: a socket also opens before a 4401. */
  private greet(attempt: Attempt, link: Link, token: string, frame: ServerFrame): void {
    if (this.attempt !== attempt) return;
    if (frame.type !== 'connected') return;
    const connected = frame as ConnectedFrame;
    if (connected.userId === this.options.userId) this.promote(link, token, connected);
    else this.tokens.disown(token);
  }

  private promote(link: Link, token: string, frame: ConnectedFrame): void {
    const old = this.current;
    this.timers.clear('attempt', 'retry');
    this.attempt = this.retryAt = null;
    this.current = link;
    this.forceToken = false;
    this.heartbeatMs = (frame.heartbeatSeconds ?? HEARTBEAT_SECONDS) * 1000;
    this.maxFrameBytes = frame.maxFrameBytes ?? FRAME_BYTES;
    this.retries.spreadOver(frame.reconnectJitterMs ?? 0);
    link.keepAlive(this.heartbeatMs);
    this.timers.set('stable', STABLE_MS, () => this.retries.reset());
    this.tokens.keepFresh(token, (fresh) => void this.send({ type: 'auth', token: fresh }));
    // A connection counts as active until it says otherwise.
    if (!this.active) this.send({ type: 'state', active: false });
    this.state.invalidate();
    this.handlers.onConnected(frame, old !== null);
    old?.close();
  }

  private handle(frame: ServerFrame): void {
    if (frame.type === 'reconnect') this.retryIn((frame as ReconnectFrame).afterMs);
    this.handlers.onFrame(frame);
  }

  private lost(link: Link, code: number, reason: string): void {
    this.forgetCurrent();
    // A successor already under way takes over; its own end decides what comes next.
    if (this.attempt) this.ended(code, reason);
    else this.schedule(code, reason, true, link.refusal);
    this.handlers.onLost(code, reason);
  }

  private fail(attempt: Attempt, code: number, reason: string): void {
    if (this.attempt !== attempt) return;
    this.timers.clear('attempt');
    this.dropAttempt();
    const refusal = attempt.link?.refusal ?? null;
    // A link that still lives is not given up because its successor was refused (as one too many, say).
    const verdict = this.current && reactionTo(code) === 'stop' ? CloseCode.Abnormal : code;
    this.schedule(verdict, refusal?.message ?? reason, false, refusal);
  }

  private schedule(code: number, reason: string, wasConnected: boolean, refusal: ErrorFrame | null): void {
    const retry = this.retries.after(code, { wasConnected, online: this.online });
    if (!retry) return this.stop(code, reason);
    this.forceToken ||= retry.refresh;
    this.ended(code, reason);
    const patienceMs = Math.max(0, refusal?.retryAfterMs ?? 0);
    this.notBefore = this.env.clock.now() + patienceMs;
    this.retryIn(patienceMs + retry.delayMs);
  }

  private ended(code: number, reason: string): void {
    this.end = { code, reason };
    this.state.invalidate();
  }

  private lose(code: number, reason: string): void {
    this.current?.close();
    this.forgetCurrent();
    this.handlers.onLost(code, reason);
  }

  private forgetCurrent(): void {
    this.current = null;
    this.timers.clear('stable');
    this.tokens.stop();
  }

  private reset(code: number = CloseCode.Normal, reason = 'closed by the app'): void {
    this.timers.clear('retry', 'attempt', 'sleep');
    this.retryAt = null;
    this.stopped = this.asleep = false;
    this.dropAttempt();
    if (this.current) this.lose(code, reason);
  }

  private dropAttempt(): void {
    this.attempt?.link?.close();
    this.attempt = null;
  }

  private snapshot(): ConnectionState {
    const { code = null, reason = null } = this.end ?? {};
    return { status: this.status(), code, reason, retryAt: this.retryAt };
  }

  private status(): Status {
    if (this.stopped) return 'stopped';
    if (!this.wanted) return 'idle';
    if (this.asleep) return 'asleep';
    if (this.current) return 'connected';
    if (this.attempt) return 'connecting';
    return this.online ? 'waiting' : 'offline';
  }
}
