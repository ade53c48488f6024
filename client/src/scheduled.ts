/** Messages that are sent at a later time. An entry of its own. */

import type { OutgoingMessage } from './api';
import type { ParleyClient } from './client';
import type { Forwarded, Mentions, Preview } from './facets';
import type { Timestamp } from './protocol';

/** A message that waits for its time, or was refused then. */
export interface ScheduledMessage {
  id: string;
  conversationId: string;
  state: 'waiting' | 'failed';
  sendAt: Timestamp;
  createdAt: Timestamp;
  /** The code with which it was refused: `forbidden`, `blocked`, `muted`, `deleted`, … */
  failure: string | null;
  text: string;
  replyTo: string | null;
  mediaUrl: string | null;
  opaque: boolean;
  data: unknown;
  mentions: Mentions | null;
  forward: { conversationId: string; messageId: string } | null;
  preview: Preview | null;
  expiresIn: number | null;
  attachments: string[];
}

/** As a message that is sent now, and a time within a year. */
export interface NewScheduledMessage extends OutgoingMessage {
  conversationId: string;
  sendAt: Date;
  /** The same again is the same scheduled message: for a request that is made again. */
  clientId?: string;
}

/** What is left out stays. With `sendAt` one that failed waits again. */
export type ScheduledEdit = Partial<OutgoingMessage> & { sendAt?: Date };

export interface ScheduledPage {
  /** The next to be sent first. */
  scheduled: ScheduledMessage[];
  nextCursor: string | null;
}

/** Each raises `ApiError`. The event `scheduled.changed` of the client tells when to ask again. */
export interface Scheduled {
  create(message: NewScheduledMessage): Promise<ScheduledMessage>;
  list(query?: { limit?: number; cursor?: string }): Promise<ScheduledPage>;
  get(id: string): Promise<ScheduledMessage>;
  /** 409 `sent` where it is too late. */
  edit(id: string, edit: ScheduledEdit): Promise<ScheduledMessage>;
  /** The same. */
  cancel(id: string): Promise<void>;
}

const PATH = '/api/scheduled';

/** Over the client's token and address: `scheduledOf(client).create({ conversationId, text, sendAt })`. */
export function scheduledOf(client: Pick<ParleyClient, 'request'>): Scheduled {
  const one = async (method: 'GET' | 'POST' | 'PATCH', path: string, body?: object): Promise<ScheduledMessage> =>
    (await client.request<{ scheduled: ScheduledMessage }>(method, path, body)).scheduled;
  return {
    create: (message) => one('POST', PATH, message),
    list: ({ limit = 50, cursor } = {}) => client.request('GET', `${PATH}?limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`),
    get: (id) => one('GET', `${PATH}/${id}`),
    edit: (id, edit) => one('PATCH', `${PATH}/${id}`, edit),
    cancel: async (id) => void (await client.request('DELETE', `${PATH}/${id}`)),
  };
}

export type { Forwarded, Mentions, Preview };
