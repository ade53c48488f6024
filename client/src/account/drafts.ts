/** Drafts over all devices: kept here at once, sent when the network allows. Of two the one that was written later stands. */

import { ApiError } from '../api';
import { Job } from '../job';
import type { Env, KeyValueStorage } from '../platform';
import type { DraftFrame, Timestamp } from '../protocol';
import type { Rooms } from '../rooms';
import { Family, type Readable } from '../store';
import { Timers } from '../timers';
import type { Api } from '../api';

export interface DraftText {
  text: string;
  replyTo?: string | null;
  attachments?: readonly string[];
}

export interface Draft {
  conversationId: string;
  /** Null: there is none any more. */
  text: string | null;
  replyTo: string | null;
  attachments: readonly string[];
  updatedAt: Timestamp;
}

export interface DraftsParts {
  api: Pick<Api, 'call'>;
  rooms: Pick<Rooms, 'userId'>;
  storage: KeyValueStorage;
  env: Env;
  onError(error: unknown): void;
}

interface Held extends Draft {
  /** The server has not got it yet. */
  isDue: boolean;
}

/** Whoever types on is not sent at every key. */
const SEND_AFTER_MS = 1000;

export class Drafts {
  private readonly held = new Map<string, Held>();
  private readonly views = new Family<Draft | null>((id) => this.shown(id));
  private readonly job: Job;
  private readonly timers: Timers<'send'>;
  private readonly prefix: string;
  private isStale = true;
  /** Those that changed while the list was under way: what it says of them is older. */
  private touched = new Set<string>();
  private loading: Promise<void> | null = null;

  constructor(private readonly parts: DraftsParts) {
    this.job = new Job(() => this.work(), parts.onError, parts.env);
    this.timers = new Timers(parts.env.clock);
    this.prefix = `parley/${parts.rooms.userId}/drafts1/`;
  }

  /** Null where there is none. */
  of(conversationId: string): Readable<Draft | null> {
    return this.views.of(conversationId);
  }

  /** What is written there now, at every keystroke; an empty text without reply and attachments ends the draft. */
  write(conversationId: string, { text, replyTo = null, attachments = [] }: DraftText): void {
    const isEmpty = text === '' && replyTo === null && attachments.length === 0;
    const before = this.held.get(conversationId);
    if (isEmpty && (before?.text ?? null) === null) return;
    this.keep({ conversationId, text: isEmpty ? null : text, replyTo, attachments, updatedAt: this.later(before), isDue: true });
    this.timers.set('send', SEND_AFTER_MS, () => this.job.request());
  }

  /** To be called when the message was sent. */
  end(conversationId: string): void {
    this.write(conversationId, { text: '' });
  }

  /** What an earlier process left here. */
  load(): Promise<void> {
    return (this.loading ??= this.read().catch((error: unknown) => this.parts.onError(error)));
  }

  connected(): void {
    this.isStale = true;
    this.job.request();
    this.job.start();
  }

  stop(): void {
    this.job.stop();
  }

  heard(frame: DraftFrame): void {
    this.adopt(frame);
  }

  private async work(): Promise<void> {
    await this.load();
    for (const draft of [...this.held.values()].filter(({ isDue }) => isDue)) await this.send(draft);
    if (this.isStale) await this.list();
  }

  private async send(draft: Held): Promise<void> {
    try {
      const { drafts } = await this.put(draft);
      // What was written meanwhile stands, and is sent next.
      if (this.held.get(draft.conversationId) === draft) this.keep(drafts[0] ? { ...drafts[0], isDue: false } : gone(draft));
      else this.job.request();
    } catch (error) {
      if (!(error instanceof ApiError) || error.isTemporary) throw error;
      // Not in there any more, or too many: it stays on this device.
      if (this.held.get(draft.conversationId) === draft) this.keep({ ...draft, isDue: false });
      this.parts.onError(error);
    }
  }

  private put({ conversationId, text, replyTo, attachments, updatedAt }: Held): Promise<{ drafts: Draft[] }> {
    const path = `/api/drafts/${conversationId}`;
    if (text === null) return this.parts.api.call('DELETE', `${path}?updatedAt=${encodeURIComponent(updatedAt)}`);
    return this.parts.api.call('PUT', path, { text, replyTo, attachments, updatedAt });
  }

  private async list(): Promise<void> {
    this.isStale = false;
    this.touched = new Set();
    try {
      const { drafts } = await this.parts.api.call<{ drafts: Draft[] }>('GET', '/api/drafts');
      const named = new Set(drafts.map(({ conversationId }) => conversationId));
      for (const draft of drafts) if (!this.touched.has(draft.conversationId)) this.adopt(draft);
      for (const draft of this.held.values()) if (!named.has(draft.conversationId) && !draft.isDue && !this.touched.has(draft.conversationId)) this.keep(gone(draft));
    } catch (error) {
      this.isStale = true;
      throw error;
    }
  }

  /** Unless what is here was written later. */
  private adopt({ conversationId, text, replyTo, attachments, updatedAt }: Draft): void {
    const before = this.held.get(conversationId);
    if (before && before.updatedAt > updatedAt) return;
    this.keep({ conversationId, text, replyTo, attachments, updatedAt, isDue: false });
  }

  private keep(draft: Held): void {
    this.held.set(draft.conversationId, draft);
    this.touched.add(draft.conversationId);
    this.views.invalidate(draft.conversationId);
    void this.store(draft).catch((error: unknown) => this.parts.onError(error));
  }

  private async store(draft: Held): Promise<void> {
    const key = this.prefix + draft.conversationId;
    await (draft.text === null && !draft.isDue ? this.parts.storage.remove(key) : this.parts.storage.set(key, JSON.stringify(draft)));
  }

  private async read(): Promise<void> {
    for (const key of await this.parts.storage.keys(this.prefix)) {
      const draft = parsed(await this.parts.storage.get(key));
      // Written or heard meanwhile: what is newer stands.
      if (!draft || (this.held.get(draft.conversationId)?.updatedAt ?? '') >= draft.updatedAt) continue;
      this.held.set(draft.conversationId, draft);
      this.views.invalidate(draft.conversationId);
    }
  }

  private later(before: Held | undefined): Timestamp {
    const now = this.parts.env.clock.now();
    return new Date(Math.max(now, before ? Date.parse(before.updatedAt) + 1 : 0)).toISOString();
  }

  private shown(id: string): Draft | null {
    const draft = this.held.get(id);
    if (!draft || draft.text === null) return null;
    const { isDue: _, ...shown } = draft;
    return shown;
  }
}

function gone(draft: Held): Held {
  return { ...draft, text: null, replyTo: null, attachments: [], isDue: false };
}

/** Null for half a write of a dying process. */
function parsed(text: string | null): Held | null {
  try {
    return text === null ? null : (JSON.parse(text) as Held);
  } catch {
    return null;
  }
}
