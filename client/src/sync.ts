/** Catching up over REST: events and pointers by sync, descriptions by the list. Each one at a time, until it succeeds. */

import type { Api } from './api';
import { Job } from './job';
import type { Env } from './platform';
import type { Conversation, DurableFrame, SyncAnswer } from './protocol';
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
  onBlocked(userIds: string[]): void;
  onError(error: unknown): void;
}

/** One catching up, over as many answers as it takes. */
interface Run {
  /** Every cursor at its beginning. */
  from: string;
  after: string | null;
  /** That of its first answer: what moves while it is under way is asked for again the next time. */
  asOf: string | null;
  /** Of these everything has been told. */
  told: Set<string>;
}

export class Sync {
  /** No event is known to be missing. */
  isCurrent = false;
  private readonly events: Job;
  private readonly list: Job;
  private isServing = false;
  private listAll = true;
  /** Where a reading of the whole list broke off: a long one would never end if each refusal began it anew. */
  private listFrom: string | null = null;

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
    this.isServing = true;
    this.events.start();
    this.list.start();
  }

  stop(): void {
    this.isServing = false;
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
    if (all) this.listFrom = null;
    this.list.request();
  }

  private async catchUp(): Promise<void> {
    const run: Run = { from: this.place(), after: null, asOf: null, told: new Set() };
    for (;;) {
      const { incarnation, asOf } = this.rooms;
      const before = this.rooms.cursors(run.told);
      const answer = await this.api.sync({ conversations: before, compact: true, ...(asOf && { asOf }), ...(run.after && { after: run.after }) });
      if (incarnation !== this.rooms.incarnation) return this.request();
      if (this.rooms.enter(answer.epoch, before, (id) => answer.conversations[id]?.lastSeq)) {
        this.handlers.onForgotten();
        return this.request();
      }
      // What moved since the question may have come back.
      if (answer.left.some((id) => this.rooms.cursorOf(id) !== before[id])) return this.request();
      this.apply(answer, run);
      if (!answer.next || answer.next === run.after) return this.ended(answer, run);
      run.after = answer.next;
    }
  }

  private apply(answer: SyncAnswer, run: Run): void {
    run.asOf ??= answer.asOf;
    for (const { room, events } of this.rooms.merge(answer, run.asOf)) this.handlers.onApplied(room, events);
    for (const id of answer.left) this.handlers.onRemoved(id);
    if (answer.blockedUsers) this.handlers.onBlocked(answer.blockedUsers);
    for (const [id, { complete }] of Object.entries(answer.conversations)) if (complete) run.told.add(id);
  }

  private ended({ complete }: SyncAnswer, { from }: Run): void {
    // An answer that outlived its connection says nothing of now.
    if (complete && !this.isServing) return this.request();
    if ((this.isCurrent = complete)) return this.handlers.onSynced();
    if (from === this.place()) throw new Error('an incomplete sync without progress');
    this.request();
  }

  private place(): string {
    return JSON.stringify(this.rooms.cursors());
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
    let cursor = all ? this.listFrom : null;
    while (all || this.rooms.all().some((room) => room.isUndescribed)) {
      const page = await this.api.conversations(cursor);
      if (incarnation !== this.rooms.incarnation) return this.requestList(true);
      for (const meta of page.conversations) this.describeRoom(meta);
      cursor = page.nextCursor;
      // Where the whole list was asked for meanwhile, this reading's place in it is of no use.
      if (all && !this.listAll) this.listFrom = cursor;
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
