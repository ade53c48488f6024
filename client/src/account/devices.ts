/** The phones that are pushed this user's messages. */

import type { Api } from '../api';
import type { Timestamp } from '../protocol';
import { Derived, type Readable } from '../store';

export interface Device {
  id: string;
  platform: string | null;
  deviceId: string | null;
  sessionId: string | null;
  registeredAt: Timestamp;
  lastSeenAt: Timestamp;
}

export class Devices {
  /** The one registered last first; null until `load()`. */
  readonly list: Readable<readonly Device[] | null>;
  private readonly derived = new Derived<readonly Device[] | null>(() => this.devices);
  private devices: readonly Device[] | null = null;

  constructor(private readonly api: Pick<Api, 'call'>) {
    this.list = this.derived;
  }

  /** Raises `ApiError`. */
  async load(): Promise<void> {
    this.show((await this.api.call<{ devices: Device[] }>('GET', '/api/me/devices')).devices);
  }

  /** Ends the pushes to it at once, until it registers again. Raises `ApiError`. */
  async remove(id: string): Promise<void> {
    this.show((await this.api.call<{ devices: Device[] }>('DELETE', `/api/me/devices/${id}`)).devices);
  }

  private show(devices: readonly Device[]): void {
    this.devices = devices;
    this.derived.invalidate();
  }
}
