/** How this user and the people of their conversations are shown. */

import type { Api } from '../api';
import { Job } from '../job';
import type { Env } from '../platform';
import type { UserChangedFrame } from '../protocol';
import type { Rooms } from '../rooms';
import type { Screens } from '../screens';
import { Derived, type Readable } from '../store';

export interface Person {
  id: string;
  handle: string | null;
  displayName: string | null;
  avatarUrl: string | null;
}

export interface ProfilesParts {
  api: Pick<Api, 'call'>;
  rooms: Rooms;
  screens: Screens;
  env: Env;
  onError(error: unknown): void;
}

export class Profiles {
  /** This user; null until the server has said. */
  readonly profile: Readable<Person | null>;
  private readonly derived = new Derived<Person | null>(() => this.user);
  private readonly job: Job;
  private user: Person | null = null;

  constructor(private readonly parts: ProfilesParts) {
    this.profile = this.derived;
    this.job = new Job(async () => this.show((await this.parts.api.call<{ user: Person }>('GET', '/api/me')).user), parts.onError, parts.env);
  }

  /** What one chooses counts from then on, whatever one's token says; `avatar` null: no picture. Raises `ApiError`. */
  async change(wanted: { displayName?: string; avatar?: string | null }): Promise<Person> {
    const { user } = await this.parts.api.call<{ user: Person }>('PATCH', '/api/me', wanted);
    this.show(user);
    return user;
  }

  /** Those with whom this user shares a conversation, met lately first; `q` is part of a name. Raises `ApiError`. */
  async people(q = '', limit = 50): Promise<Person[]> {
    return (await this.parts.api.call<{ people: Person[] }>('GET', `/api/people?limit=${limit}${q && `&q=${encodeURIComponent(q)}`}`)).people;
  }

  heard({ userId: id, handle, displayName, avatarUrl }: UserChangedFrame): void {
    this.show({ id, handle, displayName, avatarUrl });
  }

  connected(): void {
    this.job.request();
    this.job.start();
  }

  stop(): void {
    this.job.stop();
  }

  private show(person: Person): void {
    const { rooms, screens } = this.parts;
    if (person.id === rooms.userId) this.user = person;
    this.derived.invalidate();
    for (const room of rooms.all()) {
      if (!room.meta?.participants.some(({ id }) => id === person.id)) continue;
      room.meta = { ...room.meta, participants: room.meta.participants.map((one) => (one.id === person.id ? { ...one, ...person } : one)) };
      screens.changed(room.id);
    }
  }
}
