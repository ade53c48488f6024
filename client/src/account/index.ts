/** What is a user's own, over all of their devices. An entry of its own: `createClient({ account: keepAccount() })`. */

import type { Api } from '../api';
import type { Events } from '../events';
import type { Env, KeyValueStorage } from '../platform';
import type { Rooms } from '../rooms';
import type { Screens } from '../screens';
import type { Unsubscribe } from '../store';
import { Devices } from './devices';
import { Drafts } from './drafts';
import { Marks } from './marks';
import { Profiles } from './profiles';
import { Saved } from './saved';
import { UnreadTotals } from './unread';

export { Devices, type Device } from './devices';
export { Drafts, type Draft, type DraftText } from './drafts';
export { Marks } from './marks';
export { Profiles, type Person } from './profiles';
export { Saved, type SavedList } from './saved';
export { UnreadTotals, type Totals } from './unread';

export interface AccountParts {
  api: Api;
  events: Events;
  rooms: Rooms;
  screens: Screens;
  storage: KeyValueStorage;
  env: Env;
  onError(error: unknown): void;
}

/** What the client is told of this account. */
export interface Account {
  readonly me: Profiles;
  readonly devices: Devices;
  readonly drafts: Drafts;
  readonly saved: Saved;
  readonly marks: Marks;
  readonly unread: UnreadTotals;
  /** From here on it follows what the server says, and sends what waits. */
  start(): void;
  stop(): void;
}

export type AccountOf = (parts: AccountParts) => Account;

export function keepAccount(): AccountOf {
  return (parts) => new OwnAccount(parts);
}

class OwnAccount implements Account {
  readonly me: Profiles;
  readonly devices: Devices;
  readonly drafts: Drafts;
  readonly saved: Saved;
  readonly marks: Marks;
  readonly unread: UnreadTotals;
  private stops: Unsubscribe[] = [];

  constructor(private readonly parts: AccountParts) {
    this.me = new Profiles(parts);
    this.devices = new Devices(parts.api);
    this.drafts = new Drafts(parts);
    this.saved = new Saved(parts);
    this.marks = new Marks(parts);
    this.unread = new UnreadTotals(parts);
  }

  start(): void {
    if (this.stops.length > 0) return;
    const { events } = this.parts;
    this.stops = [
      events.on('draft', (frame) => this.drafts.heard(frame)),
      events.on('saved', (frame) => this.saved.heard(frame)),
      events.on('user.changed', (frame) => this.me.heard(frame)),
      // Frames that nobody heard are lost: after each catching up the routes say how things stand.
      events.on('synced', () => this.refresh()),
      events.on('disconnected', () => this.rest()),
    ];
    void this.drafts.load();
  }

  stop(): void {
    for (const stop of this.stops) stop();
    this.stops = [];
    this.rest();
  }

  private refresh(): void {
    this.drafts.connected();
    this.saved.connected();
    this.unread.connected();
    this.me.connected();
  }

  private rest(): void {
    this.drafts.stop();
    this.saved.stop();
    this.unread.stop();
    this.me.stop();
  }
}
