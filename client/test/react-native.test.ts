import { expect, test, vi } from 'vitest';
import type { NetworkFact, ParleyClient } from '../src';
import { reactNativePlatform, registerForPush, type AppStateLike, type NetInfoLike } from '../src/react-native';

class FakeAppState implements AppStateLike {
  listeners = new Set<(state: string) => void>();
  constructor(public currentState: string | null) {}

  addEventListener(_type: 'change', listener: (state: string) => void): { remove(): void } {
    this.listeners.add(listener);
    return { remove: () => void this.listeners.delete(listener) };
  }

  go(state: string): void {
    for (const listener of this.listeners) listener(state);
  }
}

class FakeNetInfo implements NetInfoLike {
  state = { type: 'wifi', isConnected: true as boolean | null, details: { ipAddress: '10.0.0.2' } as unknown };
  listener: Parameters<NetInfoLike['addEventListener']>[0] | null = null;
  refreshes = 0;

  addEventListener(listener: NonNullable<FakeNetInfo['listener']>): () => void {
    this.listener = listener;
    listener(this.state);
    return () => void (this.listener = null);
  }

  async refresh(): Promise<FakeNetInfo['state']> {
    this.refreshes++;
    return this.state;
  }

  become(change: Partial<FakeNetInfo['state']>): void {
    this.state = { ...this.state, ...change };
    this.listener?.(this.state);
  }
}

test('only `background` is the background; `inactive` and an unknown launch state are not', () => {
  const AppState = new FakeAppState(null);
  const heard: boolean[] = [];
  const stop = reactNativePlatform({ AppState }).watchActivity((active) => heard.push(active));
  for (const state of ['inactive', 'active', 'inactive', 'background', 'extension', 'active']) AppState.go(state);
  expect(heard).toEqual([true, true, false, true]);
  stop();
  expect(AppState.listeners.size).toBe(0);
});

test('only a certain "not connected" is offline, and a new address is a move', () => {
  const NetInfo = new FakeNetInfo();
  const facts: NetworkFact[] = [];
  const stop = reactNativePlatform({ AppState: new FakeAppState('active'), NetInfo }).watchNetwork((fact) => facts.push(fact));
  NetInfo.become({ isConnected: null });
  NetInfo.become({ isConnected: false });
  NetInfo.become({ isConnected: true, type: 'cellular', details: { ipAddress: '100.64.0.9' } });
  NetInfo.become({ details: { ipAddress: '100.64.0.10' } });
  expect(facts).toEqual([
    { online: true, moved: false }, { online: true, moved: false }, { online: false, moved: false },
    { online: true, moved: true }, { online: true, moved: true },
  ]);
  stop();
  expect(NetInfo.listener).toBeNull();
});

test('coming to the front asks for the network again, since iOS reports no change from the background', async () => {
  const [AppState, NetInfo] = [new FakeAppState('active'), new FakeNetInfo()];
  const facts: NetworkFact[] = [];
  reactNativePlatform({ AppState, NetInfo }).watchNetwork((fact) => facts.push(fact));
  AppState.go('background');
  NetInfo.state = { ...NetInfo.state, type: 'cellular' };
  AppState.go('active');
  await Promise.resolve();
  expect(NetInfo.refreshes).toBe(1);
  await vi.waitFor(() => expect(facts.at(-1)).toEqual({ online: true, moved: true }));
});

test('the outbox finds its own keys in a storage that an app shares', async () => {
  const map = new Map([['theirs', 'x']]);
  const AsyncStorage = {
    getItem: async (key: string) => map.get(key) ?? null,
    setItem: async (key: string, value: string) => void map.set(key, value),
    removeItem: async (key: string) => void map.delete(key),
    getAllKeys: async () => [...map.keys()],
  };
  const { storage } = reactNativePlatform({ AppState: new FakeAppState('active'), AsyncStorage });
  await storage.set('parley/1', 'a');
  expect(await storage.keys('parley/')).toEqual(['parley/1']);
  expect(await storage.get('parley/1')).toBe('a');
  await storage.remove('parley/1');
  expect([...map.keys()]).toEqual(['theirs']);
});

function notifications(granted: boolean, canAskAgain: boolean) {
  let changed: () => void = () => {};
  const calls: string[] = [];
  return {
    calls,
    token: 'ExponentPushToken[1]',
    change: () => changed(),
    async getPermissionsAsync() { return { granted, canAskAgain }; },
    async requestPermissionsAsync() { calls.push('ask'); return { granted: true }; },
    async getExpoPushTokenAsync() { return { data: this.token }; },
    addPushTokenListener(listener: () => void) { changed = listener; return { remove: () => void (changed = () => {}) }; },
    async setNotificationChannelAsync(id: string) { calls.push(`channel ${id}`); },
  };
}

function pushClient(): { client: ParleyClient; registered: unknown[]; removed: string[] } {
  const registered: unknown[] = [];
  const removed: string[] = [];
  const client = {
    registerPushToken: async (device: unknown) => void registered.push(device),
    removePushToken: async (token: string) => void removed.push(token),
  } as unknown as ParleyClient;
  return { client, registered, removed };
}

test('a device registers once it may, has Android’s channel first, and follows a token that changes', async () => {
  const Notifications = notifications(false, true);
  const { client, registered, removed } = pushClient();
  const stop = await registerForPush(client, { Notifications, projectId: 'p', platform: 'android', deviceId: 'd' });
  expect(Notifications.calls).toEqual(['channel messages', 'ask']);
  expect(registered).toEqual([{ token: 'ExponentPushToken[1]', platform: 'android', deviceId: 'd' }]);
  Notifications.token = 'ExponentPushToken[2]';
  Notifications.change();
  await vi.waitFor(() => expect(registered).toHaveLength(2));
  await stop?.();
  expect(removed).toEqual(['ExponentPushToken[2]']);
});

test('a user who said no is not asked again and registers nothing', async () => {
  const Notifications = notifications(false, false);
  const { client, registered } = pushClient();
  expect(await registerForPush(client, { Notifications, projectId: 'p', platform: 'ios' })).toBeNull();
  expect(Notifications.calls).toEqual([]);
  expect(registered).toEqual([]);
});
