/** Who is online: asked for once per connection, then kept by live updates, of which the newest wins. */

import { Job } from './job';
import type { Env } from './platform';
import type { Presence, PresenceAnswer, PresenceFrame } from './protocol';
import { Family, type Readable } from './store';

const MOST_PER_QUESTION = 100;

export class PresenceBook {
  private readonly known = new Map<string, Presence>();
  private readonly saidAt = new Map<string, string>();
  /** Those somebody asked about, and of them those not asked for since the connection began. */
  private readonly interesting = new Set<string>();
  private readonly unasked = new Set<string>();
  private readonly job: Job;
  private readonly family = new Family<Presence | null>((userId) => this.known.get(userId) ?? null);

  constructor(
    private readonly ask: (userIds: string[]) => Promise<PresenceAnswer>,
    onError: (error: unknown) => void,
    env: Env,
  ) {
    this.job = new Job(() => this.refresh(), onError, env);
  }

  /** Null while nothing is known. While the connection is down it is what was known last. */
  of(userId: string): Readable<Presence | null> {
    if (!this.interesting.has(userId)) {
      this.interesting.add(userId);
      this.unasked.add(userId);
      // A list asks for many in one turn: one question for all.
      void Promise.resolve().then(() => this.job.request());
    }
    return this.family.of(userId);
  }

  /** A new connection: changes were missed. */
  start(): void {
    for (const userId of this.interesting) this.unasked.add(userId);
    this.job.request();
    this.job.start();
  }

  stop(): void {
    this.job.stop();
  }

  /** The same change comes once per shared conversation, and not always in order. */
  update({ userId, isOnline, lastSeenAt, timestamp }: PresenceFrame): void {
    if ((this.saidAt.get(userId) ?? '') > timestamp) return;
    this.saidAt.set(userId, timestamp);
    this.unasked.delete(userId);
    this.put(userId, { userId, isOnline, lastSeenAt });
  }

  /** Raises to be called again where the server itself does not know of some. */
  private async refresh(): Promise<void> {
    const unknown: string[] = [];
    while (this.unasked.size > 0) {
      const batch = [...this.unasked].slice(0, MOST_PER_QUESTION);
      const before = new Map(batch.map((userId) => [userId, this.saidAt.get(userId)]));
      const answer = await this.question(batch);
      const told = new Map(answer.presence.map((one) => [one.userId, one]));
      // A live update that came while we asked is newer than the answer. Of whom it says nothing, nothing is known.
      const asOfNow = batch.filter((userId) => this.saidAt.get(userId) === before.get(userId));
      for (const userId of asOfNow) this.put(userId, told.get(userId));
      unknown.push(...asOfNow.filter((userId) => answer.unknown?.includes(userId)));
    }
    for (const userId of unknown) this.unasked.add(userId);
    if (unknown.length > 0) throw new Error('presence is not known at the moment');
  }

  private async question(batch: string[]): Promise<PresenceAnswer> {
    // Struck off before asking: a reconnect meanwhile puts them on again, and rightly so.
    for (const userId of batch) this.unasked.delete(userId);
    try {
      return await this.ask(batch);
    } catch (error) {
      for (const userId of batch) this.unasked.add(userId);
      throw error;
    }
  }

  private put(userId: string, presence: Presence | undefined): void {
    const old = this.known.get(userId);
    if (old?.isOnline === presence?.isOnline && old?.lastSeenAt === presence?.lastSeenAt) return;
    if (presence) this.known.set(userId, presence);
    else this.known.delete(userId);
    this.family.invalidate(userId);
  }
}
