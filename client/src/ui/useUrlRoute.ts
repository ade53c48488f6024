import { useCallback, useMemo, useSyncExternalStore } from 'react';
import type { Route } from './Chat';

/**
 * What is open, in the page's address: `?conversation=…&message=…`. The back button, a reload and a link from a
 * notification all work. For browsers; on phones the app's own router has the route.
 */
export function useUrlRoute(): { route: Route; onNavigate(route: Route): void } {
  const search = useSyncExternalStore(listen, () => location.search, () => '');
  const route = useMemo<Route>(() => {
    const query = new URLSearchParams(search);
    return { conversation: query.get('conversation'), message: query.get('message') };
  }, [search]);
  const onNavigate = useCallback((next: Route) => {
    const url = new URL(location.href);
    put(url, 'conversation', next.conversation);
    put(url, 'message', next.message ?? null);
    history.pushState(null, '', url);
    // A page is not told of its own moves.
    dispatchEvent(new PopStateEvent('popstate'));
  }, []);
  return { route, onNavigate };
}

function put(url: URL, name: string, value: string | null): void {
  if (value === null) url.searchParams.delete(name);
  else url.searchParams.set(name, value);
}

function listen(changed: () => void): () => void {
  addEventListener('popstate', changed);
  return () => removeEventListener('popstate', changed);
}
