/**
 * The user's own delivered and read pointers on their way to the server: coalesced, paced, and said again on the next
 * connection unless the server has acknowledged them.
 */

import type { Env } from './platform';
import type { AnswerFrame, ClientFrame } from './protocol';
import { Timers } from './timers';

export type ReceiptKind = 'delivered' | 'read';

/** Well inside the server's ACK_TIMEOUT (5 s), after which it would push what is already here. */
const COALESCE_MS = 200;
/** The server takes 20 frames a second, in bursts of 100: half of that leaves room for everything else. */
const MOST_AT_ONCE = 10;
const PAUSE_MS = 1000;

interface Pointer {
  kind: ReceiptKind;
  conversationId: string;
  seq: number;
  /** The highest the server has acknowledged, and the highest on its way over this connection. */
  acknowledged: number;
  sent: number;
}

export class Receipts {
  private readonly pointers = new Map<string, Pointer>();
  private readonly awaited = new Map<string, { pointer: Pointer; seq: number }>();
  private readonly timers: Timers<'flush'>;
  private lastRef = 0;

  /** `send` gives false while there is no connection. */
  constructor(
    private readonly send: (frame: ClientFrame) => boolean,
    env: Env,
  ) {
    this.timers = new Timers(env.clock);
  }

  /** Everything up to and with `seq` is here, or was read. */
  report(kind: ReceiptKind, conversationId: string, seq: number): void {
    const pointer = this.pointer(kind, conversationId);
    if (seq <= pointer.seq) return;
    pointer.seq = seq;
    this.flushIn(COALESCE_MS);
  }

  /** Up to where that was reported. */
  said(kind: ReceiptKind, conversationId: string): number {
    return this.pointers.get(`${kind}:${conversationId}`)?.seq ?? 0;
  }

  /** A new connection: what the last one may have swallowed is said again. */
  connected(): void {
    this.awaited.clear();
    for (const pointer of this.pointers.values()) pointer.sent = pointer.acknowledged;
    this.flushIn(COALESCE_MS);
  }

  /** The server's answer to one of our frames. An error is an answer too: asking again would not change it. */
  answered({ ref }: Pick<AnswerFrame, 'ref'>): void {
    const awaited = this.awaited.get(ref ?? '');
    if (!awaited) return;
    this.awaited.delete(ref ?? '');
    awaited.pointer.acknowledged = Math.max(awaited.pointer.acknowledged, awaited.seq);
  }

  forget(conversationId: string): void {
    this.pointers.delete(`delivered:${conversationId}`);
    this.pointers.delete(`read:${conversationId}`);
  }

  forgetAll(): void {
    this.pointers.clear();
    this.awaited.clear();
  }

  stop(): void {
    this.timers.clearAll();
  }

  private flush(): void {
    const due = [...this.pointers.values()].filter((pointer) => this.isDue(pointer));
    for (const pointer of due.slice(0, MOST_AT_ONCE)) if (!this.post(pointer)) return;
    if (due.length > MOST_AT_ONCE) this.flushIn(PAUSE_MS);
  }

  /** Read implies delivered, so that a conversation which is looked at costs one frame, not two. */
  private isDue({ kind, conversationId, seq, acknowledged, sent }: Pointer): boolean {
    const read = kind === 'delivered' ? (this.pointers.get(`read:${conversationId}`)?.seq ?? 0) : 0;
    return seq > Math.max(acknowledged, sent, read);
  }

  private post(pointer: Pointer): boolean {
    const { kind, conversationId, seq } = pointer;
    const ref = `r${++this.lastRef}`;
    pointer.sent = seq;
    this.awaited.set(ref, { pointer, seq });
    // False means no connection, and the next one begins by saying all of this again.
    return this.send({ type: kind, conversationId, seq, ref });
  }

  private flushIn(ms: number): void {
    if (!this.timers.has('flush')) this.timers.set('flush', ms, () => this.flush());
  }

  private pointer(kind: ReceiptKind, conversationId: string): Pointer {
    const key = `${kind}:${conversationId}`;
    let pointer = this.pointers.get(key);
    if (!pointer) this.pointers.set(key, (pointer = { kind, conversationId, seq: 0, acknowledged: 0, sent: 0 }));
    return pointer;
  }
}
