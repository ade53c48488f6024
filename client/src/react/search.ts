/** Searching as somebody types. The client must have been made with `search: findMessages()`. */

import { useCallback, useEffect, useMemo } from 'react';
import type { SearchQuery, SearchRun, SearchState } from '../search';
import { useWebSocketContext } from './context';
import { useReadable } from './useReadable';

const PAUSE_MS = 250;

export interface SearchHandle extends SearchState {
  /** Fetches the next page, or the one that failed again. */
  loadMore(): void;
}

/** What the query finds, from a pause in typing on. Blank or null: nothing. Leaving aborts what is under way. */
export function useSearch(query: SearchQuery | null): SearchHandle {
  const run = useRun();
  const asked = JSON.stringify(query);
  useEffect(() => {
    const timer = setTimeout(() => run.find(JSON.parse(asked) as SearchQuery | null), query?.q.trim() ? PAUSE_MS : 0);
    return () => clearTimeout(timer);
    // The query is what its JSON says, whatever object it is.
  }, [run, asked]);
  const state = useReadable(run.state);
  const loadMore = useCallback(() => run.more(), [run]);
  return { ...state, loadMore };
}

function useRun(): SearchRun {
  const { search } = useWebSocketContext().client;
  if (!search) throw new Error('createClient({ search: findMessages() }) of @parley/client/search makes what this hook shows');
  const run = useMemo(() => search.open(), [search]);
  useEffect(() => () => run.close(), [run]);
  return run;
}
