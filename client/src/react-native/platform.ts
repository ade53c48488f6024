/** The phone: AppState, NetInfo and AsyncStorage, handed in so that an app installs only what it uses. */

import { memoryStorage, type KeyValueStorage, type Platform } from '../platform';

/** The part of React Native's `AppState` that is used. */
export interface AppStateLike {
  currentState?: string | null | undefined;
  addEventListener(type: 'change', listener: (state: string) => void): { remove(): void };
}

/** The part of `@react-native-community/netinfo` that is used. */
export interface NetInfoLike {
  addEventListener(listener: (state: NetInfoStateLike) => void): () => void;
  /** Asks again: iOS reports no change that happened in the background. */
  refresh(): Promise<NetInfoStateLike>;
}

export interface NetInfoStateLike {
  type: string;
  isConnected: boolean | null;
  details: unknown;
}

/** The part of `@react-native-async-storage/async-storage` that is used. */
export interface AsyncStorageLike {
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
  getAllKeys(): Promise<readonly string[]>;
}

export interface ReactNativeParts {
  AppState: AppStateLike;
  /** Without it the connection finds out by itself, later. */
  NetInfo?: NetInfoLike;
  /** Without it an unsent message is lost with the process. */
  AsyncStorage?: AsyncStorageLike;
  /** How long a socket is kept in the background. iOS suspends after a few seconds. */
  backgroundGraceMs?: number;
}

export function reactNativePlatform({ AppState, NetInfo, AsyncStorage, backgroundGraceMs = 10_000 }: ReactNativeParts): Platform {
  return {
    storage: AsyncStorage ? keyValue(AsyncStorage) : memoryStorage(),
    backgroundGraceMs,
    watchNetwork: (listener) => (NetInfo ? watchNetwork(AppState, NetInfo, listener) : () => {}),
    watchActivity(listener) {
      const tell = (state: string | null): void => {
        // `inactive` is a glance at the notification centre, FaceID or a call; null is the old architecture's launch.
        if (state === 'background') listener(false);
        else if (state === 'active' || state === null) listener(true);
      };
      tell(AppState.currentState ?? null);
      const subscription = AppState.addEventListener('change', tell);
      return () => subscription.remove();
    },
  };
}

function watchNetwork(AppState: AppStateLike, NetInfo: NetInfoLike, listener: Parameters<Platform['watchNetwork']>[0]): () => void {
  let path: string | null = null;
  const tell = ({ type, isConnected, details }: NetInfoStateLike): void => {
    const before = path;
    path = `${type} ${(details as { ipAddress?: string } | null)?.ipAddress ?? ''}`;
    // `isInternetReachable` stays wrong for up to a minute after a resume (netinfo#326): never asked.
    listener({ online: isConnected !== false, moved: before !== null && before !== path });
  };
  const stop = NetInfo.addEventListener(tell);
  const subscription = AppState.addEventListener('change', (state) => {
    // A refresh that fails says nothing about the network; the connection's own probe does.
    if (state === 'active') NetInfo.refresh().then(tell, () => {});
  });
  return () => {
    stop();
    subscription.remove();
  };
}

function keyValue(store: AsyncStorageLike): KeyValueStorage {
  return {
    get: (key) => store.getItem(key),
    set: (key, value) => store.setItem(key, value),
    remove: (key) => store.removeItem(key),
    keys: async (prefix) => (await store.getAllKeys()).filter((key) => key.startsWith(prefix)),
  };
}
