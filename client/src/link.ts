/** One socket from birth to death: its frames, its proof of life, and exactly one word when it is gone. */

import { CloseCode } from './codes';
import type { Clock, SocketLike, Timer } from './platform';
import { parseFrame, type ErrorFrame, type ServerFrame } from './protocol';

export const PONG_DEADLINE_MS = 10_000;
export const PROBE_DEADLINE_MS = 3000;
/** A timer that fires this late slept: its process or tab was frozen, and so was the inbound side. */
const FROZEN_MS = 2000;

export interface LinkHandlers {
  onFrame(frame: ServerFrame): void;
  /** Once, and never after `close()`. */
  onDown(code: number, reason: string): void;
}

export class Link {
  lastInbound: number;
  /** What the server said was wrong, where that was its last word: why it closes, and when to come again. */
  refusal: ErrorFrame | null = null;
  private heartbeatMs = 25_000;
  private idle: Timer | undefined;
  private deadline: Timer | undefined;
  private closed = false;

  constructor(
    private readonly socket: SocketLike,
    private readonly clock: Clock,
    private readonly handlers: LinkHandlers,
  ) {
    this.lastInbound = clock.now();
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = (event) => this.fall(event.code ?? CloseCode.Abnormal, event.reason ?? '');
    socket.onerror = null;
  }

  /** From now on silence is questioned after `heartbeatMs`. React Native shows no pong of its own, so we ask. */
  keepAlive(heartbeatMs: number): void {
    this.heartbeatMs = heartbeatMs;
    this.rest(heartbeatMs);
  }

  /** Hands the text to the socket, which never says whether it left (React Native drops silently). */
  send(text: string): void {
    try {
      this.socket.send(text);
    } catch (error) {
      // A socket that is not open throws: it is as good as dead, and says so itself at latest by the deadline.
      this.fall(CloseCode.Abnormal, String(error));
    }
  }

  /** Asks for a sign of life: any frame within `withinMs` will do, else this link is down. */
  probe(withinMs: number): void {
    if (this.closed) return;
    this.clock.clearTimeout(this.deadline);
    const asked = this.clock.now();
    this.deadline = this.clock.setTimeout(() => this.judge(asked, withinMs), withinMs);
    this.send('{"type":"ping"}');
  }

  /** Closes without waiting for the peer: on a dead path the answer may take an hour (react-native#26530). */
  close(code: number = CloseCode.Normal, reason = ''): void {
    if (this.closed) return;
    this.detach();
    try {
      this.socket.close(code, reason);
    } catch {
      // Only reachable while connecting on some platforms; `detach` closes it as soon as it opens.
    }
  }

  private receive(data: unknown): void {
    this.lastInbound = this.clock.now();
    this.clock.clearTimeout(this.deadline);
    this.deadline = undefined;
    const frame = parseFrame(data);
    if (!frame) return;
    this.refusal = frame.type === 'error' ? (frame as ErrorFrame) : null;
    this.handlers.onFrame(frame);
  }

  private rest(ms: number): void {
    this.clock.clearTimeout(this.idle);
    this.idle = this.clock.setTimeout(() => this.question(), ms);
  }

  private question(): void {
    const silence = this.clock.now() - this.lastInbound;
    if (silence < this.heartbeatMs) return this.rest(this.heartbeatMs - silence);
    if (this.deadline === undefined) this.probe(PONG_DEADLINE_MS);
    this.rest(this.heartbeatMs);
  }

  private judge(asked: number, withinMs: number): void {
    this.deadline = undefined;
    const late = this.clock.now() - asked - withinMs;
    if (late > FROZEN_MS) return this.probe(PROBE_DEADLINE_MS);
    this.fall(CloseCode.NoPong, 'no pong');
  }

  private fall(code: number, reason: string): void {
    if (this.closed) return;
    this.detach();
    this.socket.close();
    this.handlers.onDown(code, reason);
  }

  private detach(): void {
    this.closed = true;
    this.clock.clearTimeout(this.idle);
    this.clock.clearTimeout(this.deadline);
    this.socket.onmessage = this.socket.onerror = this.socket.onclose = null;
    // Android ignores close() while connecting and opens later (react-native#35554).
    this.socket.onopen = () => this.socket.close();
  }
}
