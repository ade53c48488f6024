/** The browser: localStorage, online/offline, visibility. */

import { memoryStorage, type KeyValueStorage, type Platform } from './platform';

export function webPlatform(): Platform {
  return {
    storage: localStore() ?? memoryStorage(),
    watchNetwork(listener) {
      const tell = (): void => listener({ online: navigator.onLine, moved: false });
      return listening(window, ['online', 'offline'], tell);
    },
    watchActivity(listener) {
      const tell = (): void => listener(document.visibilityState === 'visible');
      tell();
      return listening(document, ['visibilitychange'], tell);
    },
    // A hidden tab keeps its socket: it shows the unread count in its title, and only the phone must not be silenced.
    backgroundGraceMs: Infinity,
  };
}

function listening(target: EventTarget, types: string[], listener: () => void): () => void {
  for (const type of types) target.addEventListener(type, listener);
  return () => {
    for (const type of types) target.removeEventListener(type, listener);
  };
}

/** Null where a browser forbids it (a private window, a sandboxed frame): reading the property already throws. */
function localStore(): KeyValueStorage | null {
  try {
    const store = window.localStorage;
    return {
      get: (key) => store.getItem(key),
      set: (key, value) => store.setItem(key, value),
      remove: (key) => store.removeItem(key),
      keys: (prefix) => Object.keys(store).filter((key) => key.startsWith(prefix)),
    };
  } catch {
    return null;
  }
}
