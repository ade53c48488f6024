/** Who is typing. Never queued and never trusted to end by itself: either side may vanish in the middle of a word. */

import type { Env } from './platform';
import type { ClientFrame } from './protocol';
import { Family, type Readable } from './store';
import { Timers } from './timers';

/** The server lets a typist fall silent after 6 s: said again before that, and shown a little longer than that. */
const REPEAT_MS = 3000;
const SILENT_MS = 4000;
const SHOWN_MS = 8000;

export class Typing {
  private readonly shown = new Map<string, Set<string>>();
  private readonly saidAt = new Map<string, number>();
  private readonly timers: Timers<string>;
  private readonly family = new Family<readonly string[]>((id) => [...(this.shown.get(id) ?? [])]);

  constructor(
    private readonly send: (frame: ClientFrame) => boolean,
    private readonly env: Env,
  ) {
    this.timers = new Timers(env.clock);
  }

  /** The ids of those who type in this conversation. */
  of(conversationId: string): Readable<readonly string[]> {
    return this.family.of(conversationId);
  }

  /** To be called at every keystroke: sent at most every 3 s, and ended after 4 s without one. */
  set(conversationId: string, isTyping: boolean): void {
    if (!isTyping) return this.fallSilent(conversationId);
    this.timers.set(`mine:${conversationId}`, SILENT_MS, () => this.fallSilent(conversationId));
    const now = this.env.clock.now();
    if (now - (this.saidAt.get(conversationId) ?? -Infinity) < REPEAT_MS) return;
    if (this.send({ type: 'typing', conversationId, isTyping: true })) this.saidAt.set(conversationId, now);
  }

  /** The user sent a message: the server ends their typing by itself. */
  sent(conversationId: string): void {
    this.timers.clear(`mine:${conversationId}`);
    this.saidAt.delete(conversationId);
  }

  show(conversationId: string, userId: string, isTyping: boolean): void {
    const key = `${conversationId}:${userId}`;
    const typists = this.shown.get(conversationId) ?? new Set();
    if (isTyping) this.timers.set(key, SHOWN_MS, () => this.show(conversationId, userId, false));
    else this.timers.clear(key);
    // The server may repeat itself; only a change is news.
    if (typists.has(userId) === isTyping) return;
    if (isTyping) typists.add(userId);
    else typists.delete(userId);
    this.shown.set(conversationId, typists);
    this.family.invalidate(conversationId);
  }

  /** The connection is gone: whoever typed may long have stopped. */
  clear(): void {
    this.timers.clearAll();
    this.shown.clear();
    this.saidAt.clear();
    this.family.invalidateAll();
  }

  private fallSilent(conversationId: string): void {
    this.timers.clear(`mine:${conversationId}`);
    if (this.saidAt.delete(conversationId)) this.send({ type: 'typing', conversationId, isTyping: false });
  }
}
