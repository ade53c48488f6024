/**
 * Messages on their way out. Each is stored before it is first sent and keeps its `clientId` through every retry and
 * restart, which is what makes a retry safe. In one conversation they go one after another, so that they arrive in the
 * order they were written; conversations do not wait for each other.
 */

import { ApiError, type Carried, type OutgoingMessage } from './api';
import { Job } from './job';
import { uniqueId, type Env, type KeyValueStorage } from './platform';
import type { WireMessage } from './protocol';

export type OutboxState = 'queued' | 'sending' | 'sent' | 'failed';

export interface OutboxItem {
  clientId: string;
  conversationId: string;
  text: string;
  replyTo: string | null;
  mediaUrl: string | null;
  attachments?: readonly string[];
  /** Left out where there is nothing of it, and by earlier versions. */
  carried?: Carried;
  /** Milliseconds since the epoch, and the order of writing: no two items share one. */
  writtenAt: number;
  /** `sent`: the server has it, its place in the order is not here yet. */
  state: OutboxState;
  /** Why it failed, in the server's words. */
  error: string | null;
  seq: number | null;
}

export interface OutboxHandlers {
  post(conversationId: string, message: OutgoingMessage & { clientId: string }): Promise<WireMessage>;
  onSent(message: WireMessage, clientId: string): void;
  onChanged(conversationId: string): void;
  onError(error: unknown): void;
}

const MOST_ITEMS = 500;
/** Older than this it is no longer what the writer wants to say: shown as failed, to be sent again by hand. */
const LONGEST_WAIT_MS = 24 * 3600 * 1000;

export class Outbox {
  private items: OutboxItem[] = [];
  private readonly lanes = new Map<string, Job>();
  private readonly writes = new Map<string, Promise<void>>();
  private readonly echoes = new Map<string, () => void>();
  private loaded: Promise<void> | null = null;
  private running = false;

  constructor(
    private readonly storage: KeyValueStorage,
    private readonly prefix: string,
    private readonly handlers: OutboxHandlers,
    private readonly env: Env,
  ) {}

  /** Takes up what an earlier process left, then sends; again without regard to backoff if already started. */
  start(): void {
    this.running = true;
    this.loaded ??= this.load();
    void this.loaded.then(() => {
      if (this.running) for (const lane of this.lanes.values()) lane.start();
    });
  }

  stop(): void {
    this.running = false;
    for (const lane of this.lanes.values()) lane.stop();
  }

  of(conversationId: string): OutboxItem[] {
    return this.items.filter((item) => item.conversationId === conversationId);
  }

  add(conversationId: string, { text, replyTo, mediaUrl, attachments, ...carried }: OutgoingMessage): OutboxItem {
    const full = this.items.length >= MOST_ITEMS;
    const item: OutboxItem = {
      clientId: uniqueId(this.env.random), conversationId, text, replyTo: replyTo ?? null, mediaUrl: mediaUrl ?? null, ...(attachments?.length && { attachments }),
      writtenAt: this.nextTime(), ...(Object.keys(carried).length > 0 && { carried }),
      state: full ? 'failed' : 'queued', error: full ? 'too many messages wait' : null, seq: null,
    };
    this.items.push(item);
    this.enqueue(item);
    return item;
  }

  /** Sends a failed message again, behind what waits in its conversation. */
  retry(clientId: string): void {
    const item = this.find(clientId);
    if (item?.state !== 'failed') return;
    const next: OutboxItem = { ...item, state: 'queued', error: null, writtenAt: this.nextTime() };
    this.items = [...this.items.filter((other) => other !== item), next];
    this.enqueue(next);
  }

  /** Forgets a message; false once it is on its way, since nothing calls it back then. */
  discard(clientId: string): boolean {
    const item = this.find(clientId);
    if (!item || item.state === 'sending' || item.state === 'sent') return false;
    this.drop(item);
    return true;
  }

  /** The message has its place in the order: by its echo, which may come before the HTTP answer or without one. */
  settle(clientId: string): void {
    const item = this.find(clientId);
    if (item) this.drop(item);
  }

  /** The same for all that were sent and lie at or before `cursor`. */
  settleUpTo(conversationId: string, cursor: number): void {
    for (const item of this.of(conversationId)) if (item.seq !== null && item.seq <= cursor) this.drop(item);
  }

  private nextTime(): number {
    const last = this.items[this.items.length - 1];
    return Math.max(this.env.clock.now(), (last?.writtenAt ?? 0) + 1);
  }

  private enqueue(item: OutboxItem): void {
    this.save(item);
    this.handlers.onChanged(item.conversationId);
    if (item.state === 'queued') this.lane(item.conversationId).request();
  }

  private lane(conversationId: string): Job {
    let lane = this.lanes.get(conversationId);
    if (lane) return lane;
    lane = new Job(() => this.drain(conversationId), this.handlers.onError, this.env);
    this.lanes.set(conversationId, lane);
    // Not before the load: what an earlier process left goes first.
    if (this.running) this.start();
    return lane;
  }

  private async drain(conversationId: string): Promise<void> {
    const next = (): OutboxItem | undefined => this.of(conversationId).find((item) => item.state === 'queued');
    for (let item = next(); item; item = next()) {
      // Stopped meanwhile: the rest waits for the next start.
      if (!this.running) return this.lane(conversationId).request();
      await this.deliver(item);
    }
  }

  private async deliver(item: OutboxItem): Promise<void> {
    await this.writes.get(item.clientId);
    if (this.find(item.clientId) !== item) return;
    if (this.env.clock.now() - item.writtenAt > LONGEST_WAIT_MS) return this.fail(item, 'waited too long');
    this.change(item, 'sending');
    // The echo frees the lane even where the HTTP answer is lost.
    const echo = new Promise<void>((resolve) => this.echoes.set(item.clientId, resolve));
    try {
      await Promise.race([this.post(item), echo]);
    } finally {
      this.echoes.delete(item.clientId);
    }
  }

  private async post(item: OutboxItem): Promise<void> {
    const { clientId, text, replyTo, mediaUrl, attachments, carried } = item;
    try {
      const body = { text, clientId, ...carried, ...(replyTo && { replyTo }), ...(mediaUrl && { mediaUrl }), ...(attachments && { attachments }) };
      this.sent(item, await this.handlers.post(item.conversationId, body));
    } catch (error) {
      if (this.find(clientId) !== item) return;
      if (error instanceof ApiError && !error.isTemporary) return this.fail(item, error.message);
      this.change(item, 'queued');
      throw error;
    }
  }

  private sent(item: OutboxItem, message: WireMessage): void {
    item.seq = message.seq;
    this.unsave(item);
    this.change(item, 'sent');
    this.handlers.onSent(message, item.clientId);
  }

  private fail(item: OutboxItem, reason: string): void {
    item.error = reason;
    this.change(item, 'failed');
    this.save(item);
  }

  private drop(item: OutboxItem): void {
    this.items = this.items.filter((other) => other !== item);
    this.unsave(item);
    this.echoes.get(item.clientId)?.();
    this.handlers.onChanged(item.conversationId);
  }

  private change(item: OutboxItem, state: OutboxState): void {
    item.state = state;
    this.handlers.onChanged(item.conversationId);
  }

  private find(clientId: string): OutboxItem | undefined {
    return this.items.find((item) => item.clientId === clientId);
  }

  private save(item: OutboxItem): void {
    const value = JSON.stringify(item);
    this.write(item.clientId, (key) => this.storage.set(key, value));
  }

  private unsave(item: OutboxItem): void {
    this.write(item.clientId, (key) => this.storage.remove(key));
  }

  /** One after another per item, so that a removal cannot overtake the write it undoes. A failure is told, not fatal. */
  private write(clientId: string, act: (key: string) => Promise<void> | void): void {
    const before = this.writes.get(clientId) ?? Promise.resolve();
    const done = before.then(() => act(this.prefix + clientId)).catch((error: unknown) => this.handlers.onError(error));
    this.writes.set(clientId, done);
    void done.then(() => {
      if (this.writes.get(clientId) === done) this.writes.delete(clientId);
    });
  }

  private async load(): Promise<void> {
    try {
      const keys = await this.storage.keys(this.prefix);
      this.adopt((await Promise.all(keys.map((key) => this.read(key)))).flatMap((item) => item ?? []));
    } catch (error) {
      this.handlers.onError(error);
    }
  }

  private async read(key: string): Promise<OutboxItem | null> {
    const value = await this.storage.get(key);
    try {
      return value === null ? null : (JSON.parse(value) as OutboxItem);
    } catch (error) {
      // Half a write of a dying process: it must not take the others with it.
      this.handlers.onError(error);
      return null;
    }
  }

  /** Stored as queued or failed: whether one that was being sent has arrived, nobody knows, and sending it again is harmless. */
  private adopt(found: OutboxItem[]): void {
    const here = new Set(this.items.map((item) => item.clientId));
    const left = found.filter((item) => !here.has(item.clientId)).sort((a, b) => a.writtenAt - b.writtenAt);
    this.items = [...left, ...this.items];
    for (const item of left) {
      this.handlers.onChanged(item.conversationId);
      if (item.state === 'queued') this.lane(item.conversationId).request();
    }
  }
}
