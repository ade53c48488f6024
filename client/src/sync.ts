/** Catching up over REST: events and pointers by sync, descriptions by the list. Each one at a time, until it succeeds. */

import type { Api } from './api';
import { Job } from './job';
import type { Env } from './platform';
import type { Conversation, DurableFrame } from './protocol';
import type { Room } from './room';
import type { Rooms } from './rooms';

export interface SyncHandlers {
  /** New events of a room, in order; or none, where only pointers or the description moved. */
  onApplied(room: Room, events: DurableFrame[]): void;
  onRemoved(id: string): void;
  /** The server's database is another one: `rooms` has forgotten all. */
  onForgotten(): void;
  /** The whole list is here. */
  onListed(): void;
  /** Everything up to the moment of asking is here. */
  onSynced(): void;
  onError(error: unknown): void;
}

export class Sync {
  /** No event is known to be missing. */
  isCurrent = false;
  private readonly events: Job;
  private readonly list: Job;
  private listAll = true;

  constructor(
    private readonly api: Api,
    private readonly rooms: Rooms,
    private readonly handlers: SyncHandlers,
    env: Env,
  ) {
    this.events = new Job(() => this.catchUp(), handlers.onError, env);
    this.list = new Job(() => this.describe(), handlers.onError, env);
  }

  /** Begins to serve requests, which wait while there is no connection. */
  start(): void {
    this.events.start();
    this.list.start();
  }

  stop(): void {
    this.events.stop();
    this.list.stop();
  }

  /** Fetches what is missing of all conversations, from here on: one gap or many cost the same request. */
  request(): void {
    this.isCurrent = false;
    this.events.request();
  }

  /** Fetches the whole list again, or only until all that lack a description have one. */
  requestList(all: boolean): void {
    this.listAll ||= all;
    this.list.request();
  }

  private async catchUp(): Promise<void> {
    const { incarnation } = this.rooms;
    const before = this.rooms.cursors();
    const answer = await this.api.sync(before, this.rooms.asOf);
    if (incarnation !== this.rooms.incarnation) return this.request();
    if (this.rooms.enter(answer.epoch, before, (id) => answer.conversations[id]?.lastSeq)) {
      this.handlers.onForgotten();
      return this.request();
    }
    // What moved since the question may have come back.
    if (answer.left.some((id) => this.rooms.cursorOf(id) !== before[id])) return this.request();
    for (const { room, events } of this.rooms.merge(answer)) this.handlers.onApplied(room, events);
    for (const id of answer.left) this.handlers.onRemoved(id);
    if ((this.isCurrent = answer.complete)) return this.handlers.onSynced();
    if (JSON.stringify(before) === JSON.stringify(this.rooms.cursors())) throw new Error('an incomplete sync without progress');
    this.request();
  }

  private async describe(): Promise<void> {
    const all = this.listAll;
    this.listAll = false;
    try {
      await this.readPages(all);
    } catch (error) {
      this.listAll ||= all;
      throw error;
    }
  }

  private async readPages(all: boolean): Promise<void> {
    const { incarnation } = this.rooms;
    let cursor: string | null = null;
    while (all || this.rooms.all().some((room) => room.isUndescribed)) {
      const page: Awaited<ReturnType<Api['conversations']>> = await this.api.conversations(cursor);
      if (incarnation !== this.rooms.incarnation) return this.requestList(true);
      for (const meta of page.conversations) this.describeRoom(meta);
      cursor = page.nextCursor;
      if (cursor === null) break;
    }
    if (all) this.handlers.onListed();
  }

  private describeRoom(meta: Conversation): void {
    const room = this.rooms.ensure(meta.id);
    room.describe(meta);
    this.handlers.onApplied(room, []);
  }
}
