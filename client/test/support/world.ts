/** One fake server and any number of real clients, under fake time. */

import { vi } from 'vitest';
import { createClient, memoryStorage, type ClientOptions, type KeyValueStorage, type NetworkFact, type ParleyClient, type Platform } from '../../src';
import { FakeServer } from './server';
import { FakeSocket, ME, OTHER, resetSockets, THIRD } from './socket';

export class FakePlatform implements Platform {
  backgroundGraceMs = 10_000;
  private network: (fact: NetworkFact) => void = () => {};
  private activity: (active: boolean) => void = () => {};

  constructor(readonly storage: KeyValueStorage = memoryStorage()) {}

  watchNetwork(listener: (fact: NetworkFact) => void): () => void {
    this.network = listener;
    return () => void (this.network = () => {});
  }

  watchActivity(listener: (active: boolean) => void): () => void {
    this.activity = listener;
    return () => void (this.activity = () => {});
  }

  setOnline(online: boolean, moved = false): void {
    this.network({ online, moved });
  }

  setActive(active: boolean): void {
    this.activity(active);
  }
}

export const ROOM = 'room';

export class World {
  readonly server = new FakeServer({ 'token-me': ME, 'token-other': OTHER, 'token-third': THIRD });

  constructor() {
    this.server.conversation(ROOM, ME, OTHER);
  }

  client(platform: FakePlatform = new FakePlatform(), more: Partial<ClientOptions> = {}): ParleyClient {
    return createClient({
      url: 'http://parley.test', userId: ME, handle: 'me', getToken: () => 'token-me',
      WebSocket: FakeSocket, fetch: (input, init) => this.server.fetch(input, init), platform, random: () => 0.5, ...more,
    });
  }
}

export function fakeTime(): void {
  vi.useFakeTimers({ now: new Date('2026-11-22T12:00:00.000Z') });
  resetSockets();
}

/** Lets promises settle, and time pass. */
export async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** The phone sleeps: the clock goes on, nothing runs. */
export function sleepFor(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

export function texts(client: ParleyClient, room = ROOM): string[] {
  return client.messages(room).getSnapshot().messages.map((message) => message.text);
}

export function statuses(client: ParleyClient, room = ROOM): string[] {
  return client.messages(room).getSnapshot().messages.map((message) => message.status);
}
