/** A socket whose other end is the test. */

import type { SocketLike } from '../../src';

type Sent = { type: string; ref?: string; [field: string]: unknown };

export class FakeSocket implements SocketLike {
  static all: FakeSocket[] = [];
  static get last(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (!socket) throw new Error('no socket was opened');
    return socket;
  }
  static get open(): FakeSocket[] {
    return FakeSocket.all.filter((socket) => !socket.isClosed);
  }
  /** Runs for each new socket: how a fake server learns of it. */
  static onNew: (socket: FakeSocket) => void = () => {};

  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: (() => void) | null = null;
  onclose: ((event: { code?: number | undefined; reason?: string | undefined }) => void) | null = null;
  onSend: (frame: Sent) => void = () => {};
  readonly sent: Sent[] = [];
  isClosed = false;
  closedWith: number | undefined;

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    FakeSocket.all.push(this);
    FakeSocket.onNew(this);
  }

  send(data: string): void {
    if (this.isClosed) return;
    const frame = JSON.parse(data) as Sent;
    this.sent.push(frame);
    this.onSend(frame);
  }

  close(code?: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.closedWith = code;
  }

  /** The server says something. */
  receive(frame: object): void {
    if (!this.isClosed) this.onmessage?.({ data: JSON.stringify({ timestamp: new Date().toISOString(), ...frame }) });
  }

  /** The connection ends from the other side. */
  drop(code = 1006, reason = ''): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.onclose?.({ code, reason });
  }

  sentOf(type: string): Sent[] {
    return this.sent.filter((frame) => frame.type === type);
  }
}

export function resetSockets(): void {
  FakeSocket.all = [];
  FakeSocket.onNew = () => {};
}

export function connectedFrame(more: object = {}): object {
  return {
    type: 'connected', userId: ME, connectionId: 'c', conversationIds: [], heads: {}, epoch: 'e1',
    heartbeatSeconds: 25, reconnectJitterMs: 5000, maxFrameBytes: 65536, ...more,
  };
}

export const ME = '11111111-1111-4111-8111-111111111111';
export const OTHER = '22222222-2222-4222-8222-222222222222';
export const THIRD = '33333333-3333-4333-8333-333333333333';
