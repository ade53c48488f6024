/** Messages that this user saved: the newest pages of them, as the server has them. */

import type { Api } from '../api';
import { Job } from '../job';
import type { Env } from '../platform';
import type { SavedFrame, WireMessage } from '../protocol';
import { Derived, type Readable } from '../store';

export interface SavedList {
  /** Latest saved first; null until the first page has come. */
  messages: readonly WireMessage[] | null;
  hasMore: boolean;
  /** Whether one of the pages here, or a change since, says so. */
  ids: ReadonlySet<string>;
}

export interface SavedParts {
  api: Pick<Api, 'call'>;
  env: Env;
  onError(error: unknown): void;
}

interface SavedPage {
  messages: WireMessage[];
  nextCursor: string | null;
}

export class Saved {
  readonly list: Readable<SavedList>;
  private readonly derived = new Derived<SavedList>(() => this.shown());
  private readonly job: Job;
  private messages: WireMessage[] | null = null;
  private cursor: string | null = null;
  /** What was said since the list came. */
  private readonly changes = new Map<string, boolean>();
  private isWanted = false;

  constructor(private readonly parts: SavedParts) {
    this.list = this.derived;
    this.job = new Job(() => this.first(), parts.onError, parts.env);
  }

  /** From the first call on the list is kept. */
  want(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    this.job.request();
  }

  async more(): Promise<void> {
    if (this.cursor === null) return;
    const { cursor } = this;
    const page = await this.page(cursor);
    // A list that began anew meanwhile has this page, or comes to it again.
    if (cursor !== this.cursor) return;
    this.messages = [...(this.messages ?? []), ...page.messages];
    this.cursor = page.nextCursor;
    this.derived.invalidate();
  }

  /** Shown at once. Raises `ApiError` where the server refuses, and all is as before. */
  async set(messageId: string, on: boolean): Promise<void> {
    const before = this.shown().ids.has(messageId);
    this.change(messageId, on);
    try {
      await this.parts.api.call(on ? 'PUT' : 'DELETE', `/api/saved/${messageId}`);
    } catch (error) {
      this.change(messageId, before);
      throw error;
    }
    if (on) this.reload();
  }

  heard({ messageId, on }: SavedFrame): void {
    this.change(messageId, on);
    if (on) this.reload();
  }

  connected(): void {
    this.reload();
    this.job.start();
  }

  stop(): void {
    this.job.stop();
  }

  private reload(): void {
    if (this.isWanted) this.job.request();
  }

  private async first(): Promise<void> {
    const known = new Map(this.changes);
    const { messages, nextCursor } = await this.page(null);
    this.messages = messages;
    this.cursor = nextCursor;
    // What was said before the question is in the answer.
    for (const [id, on] of known) if (this.changes.get(id) === on) this.changes.delete(id);
    this.derived.invalidate();
  }

  private page(cursor: string | null): Promise<SavedPage> {
    return this.parts.api.call('GET', `/api/saved?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
  }

  private change(messageId: string, on: boolean): void {
    this.changes.set(messageId, on);
    this.derived.invalidate();
  }

  private shown(): SavedList {
    const ids = new Set(this.messages?.map(({ id }) => id));
    for (const [id, on] of this.changes) if (on) ids.add(id); else ids.delete(id);
    return { messages: this.messages?.filter(({ id }) => ids.has(id)) ?? null, hasMore: this.cursor !== null, ids };
  }
}
