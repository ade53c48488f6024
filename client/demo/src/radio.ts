/** One phone's way to the network, with an airplane-mode switch and scissors. */

import { memoryStorage, webPlatform, type NetworkFact, type Platform, type SocketConstructor, type SocketLike } from '@parley/client';

export class Radio {
  readonly WebSocket: SocketConstructor;
  readonly fetch: typeof fetch = (input, init) =>
    this.airplane ? Promise.reject(new TypeError('airplane mode')) : fetch(input, init);
  airplane = false;
  private readonly sockets = new Set<RadioSocket>();
  private readonly networkListeners = new Set<(fact: NetworkFact) => void>();
  private readonly activityListeners = new Set<(active: boolean) => void>();
  private active = true;

  constructor() {
    const radio = this;
    this.WebSocket = class extends RadioSocket {
      constructor(url: string, protocols: string[]) {
        super(radio.airplane ? null : new WebSocket(url, protocols));
        radio.sockets.add(this);
      }
    };
  }

  setAirplane(on: boolean): void {
    this.airplane = on;
    if (on) this.cut();
    this.tellNetwork();
  }

  /** Breaks every open connection, as a lift door does. */
  cut(): void {
    for (const socket of this.sockets) socket.cut();
    this.sockets.clear();
  }

  setActive(active: boolean): void {
    this.active = active;
    for (const listener of this.activityListeners) listener(active);
  }

  /** The phone's platform. Its storage is its own, so that two phones of one user are two devices. */
  platform(name: string): Platform {
    const { storage } = typeof localStorage === 'undefined' ? { storage: memoryStorage() } : webPlatform();
    const own = (key: string): string => `${name}/${key}`;
    return {
      storage: {
        get: (key) => storage.get(own(key)),
        set: (key, value) => storage.set(own(key), value),
        remove: (key) => storage.remove(own(key)),
        keys: async (prefix) => (await storage.keys(own(prefix))).map((key) => key.slice(name.length + 1)),
      },
      watchNetwork: (listener) => this.watchNetwork(listener),
      watchActivity: (listener) => {
        listener(this.active);
        this.activityListeners.add(listener);
        return () => void this.activityListeners.delete(listener);
      },
      backgroundGraceMs: 10_000,
    };
  }

  private watchNetwork(listener: (fact: NetworkFact) => void): () => void {
    const tell = (): void => listener({ online: navigator.onLine && !this.airplane, moved: false });
    this.networkListeners.add(tell);
    window.addEventListener('online', tell);
    window.addEventListener('offline', tell);
    return () => {
      this.networkListeners.delete(tell);
      window.removeEventListener('online', tell);
      window.removeEventListener('offline', tell);
    };
  }

  private tellNetwork(): void {
    for (const tell of this.networkListeners) tell({ online: !this.airplane, moved: false });
  }
}

class RadioSocket implements SocketLike {
  onopen: SocketLike['onopen'] = null;
  onmessage: SocketLike['onmessage'] = null;
  onerror: SocketLike['onerror'] = null;
  onclose: SocketLike['onclose'] = null;

  constructor(private readonly socket: WebSocket | null) {
    if (socket) this.relay(socket);
    else setTimeout(() => this.onclose?.({ code: 1006 }), 50);
  }

  send(data: string): void {
    this.socket?.send(data);
  }

  close(code?: number, reason?: string): void {
    this.socket?.close(code, reason);
  }

  private relay(socket: WebSocket): void {
    socket.onopen = () => this.onopen?.();
    socket.onmessage = ({ data }: MessageEvent<unknown>) => this.onmessage?.({ data });
    socket.onclose = ({ code, reason }) => this.onclose?.({ code, reason });
  }

  cut(): void {
    if (!this.socket) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.onclose?.({ code: 1006, reason: 'cut' });
  }
}
