/** Finding messages again. An entry of its own: `createClient({ search: findMessages() })`. */

import type { Api } from './api';
import type { Events } from './events';
import type { WireMessage } from './protocol';
import { Derived, type Readable, type Unsubscribe } from './store';

/** How often a search that its bound ended goes on by itself while it has found nothing. */
const MOST_ASKED = 5;

export interface SearchQuery {
  /** Words, "phrases", and filters: `from:`, `in:`, `has:`, `before:`, `after:`. */
  q: string;
  conversationId?: string;
  senderId?: string;
  has?: 'attachment' | 'link';
  /** ISO 8601. */
  before?: string;
  after?: string;
  /** At most 50. */
  limit?: number;
}

export interface SearchResult {
  conversationId: string;
  message: WireMessage;
  /** `marks` are `[start, end)`, as `slice` counts. */
  excerpt: { text: string; marks: [number, number][] };
}

export interface SearchPage {
  /** Newest first. */
  results: SearchResult[];
  asOfSeq: Record<string, number>;
  /** Null at the end. */
  nextCursor: string | null;
  /** False: the server's bound ended the search, which goes on with `nextCursor`. */
  complete: boolean;
}

export interface SearchOptions {
  /** `nextCursor` of the page before. */
  cursor?: string | null;
  signal?: AbortSignal;
}

export interface SearchState {
  /** Of all pages so far, newest first; null where nothing was searched yet. */
  results: readonly SearchResult[] | null;
  isSearching: boolean;
  hasMore: boolean;
  /** Of the last request; null where it went well. */
  error: Error | null;
}

/** `client.search(query)`, and `client.search.open()` for a screen that searches as its user types. */
export interface Search {
  /** One page. Raises `ApiError`; one that `signal` aborted has the status 0. */
  (query: SearchQuery, options?: SearchOptions): Promise<SearchPage>;
  open(): SearchRun;
}

export interface SearchParts {
  api: Pick<Api, 'call'>;
  events: Pick<Events, 'on'>;
}

export type SearchOf = (parts: SearchParts) => Search;

export function findMessages(): SearchOf {
  return (parts) => {
    const page = (query: SearchQuery, options: SearchOptions = {}): Promise<SearchPage> => pageOf(parts.api, query, options);
    return Object.assign(page, { open: () => new SearchRun(page, parts.events) });
  };
}

function pageOf(api: Pick<Api, 'call'>, query: SearchQuery, { cursor, signal }: SearchOptions): Promise<SearchPage> {
  const given = Object.entries({ ...query, cursor }).filter(([, value]) => value != null);
  const asked = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
  return api.call('GET', `/api/search?${asked}`, undefined, undefined, signal);
}

/** One search after another: a new one aborts what is under way, and a later page is added below. */
export class SearchRun {
  readonly state: Readable<SearchState>;
  private readonly derived = new Derived<SearchState>(() => this.shown());
  private stops: Unsubscribe[] = [];
  private query: SearchQuery | null = null;
  private results: SearchResult[] | null = null;
  private cursor: string | null = null;
  private error: Error | null = null;
  private abort: AbortController | null = null;

  constructor(
    private readonly page: (query: SearchQuery, options: SearchOptions) => Promise<SearchPage>,
    private readonly events: Pick<Events, 'on'>,
  ) {
    this.state = this.derived;
  }

  /** Null, or a query of blanks: nothing is searched, and nothing shown. */
  find(query: SearchQuery | null): void {
    this.abort?.abort();
    this.abort = null;
    this.query = query?.q.trim() ? query : null;
    [this.results, this.cursor, this.error] = [null, null, null];
    this.derived.invalidate();
    if (!this.query) return;
    this.listen();
    void this.ask(this.query);
  }

  /** The next page; nothing where one is under way, or none is left. */
  more(): void {
    if (this.query && this.abort === null && (this.cursor !== null || this.error)) void this.ask(this.query);
  }

  /** Until the next `find`. */
  close(): void {
    this.find(null);
    for (const stop of this.stops) stop();
    this.stops = [];
  }

  private listen(): void {
    if (this.stops.length > 0) return;
    const forget = ({ messageId }: { messageId: string }): void => this.forget(messageId);
    // What was edited may hold the words no more.
    this.stops = [this.events.on('message.deleted', forget), this.events.on('message.hidden', forget), this.events.on('message.edited', forget)];
  }

  private async ask(query: SearchQuery): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    this.error = null;
    this.derived.invalidate();
    try {
      for (let asked = 0, goesOn = true; goesOn && asked < MOST_ASKED; asked++) {
        const page = await this.page(query, { cursor: this.cursor, signal: abort.signal });
        if (this.abort !== abort) return;
        this.take(page);
        goesOn = !page.complete && page.results.length === 0;
      }
    } catch (error) {
      if (this.abort !== abort) return;
      this.error = error as Error;
    }
    this.abort = null;
    this.derived.invalidate();
  }

  private take({ results, nextCursor }: SearchPage): void {
    const known = new Set(this.results?.map(({ message }) => message.id));
    this.results = [...(this.results ?? []), ...results.filter(({ message }) => !known.has(message.id))];
    this.cursor = nextCursor;
    this.derived.invalidate();
  }

  private forget(messageId: string): void {
    if (!this.results?.some(({ message }) => message.id === messageId)) return;
    this.results = this.results.filter(({ message }) => message.id !== messageId);
    this.derived.invalidate();
  }

  private shown(): SearchState {
    return { results: this.results, isSearching: this.abort !== null, hasMore: this.cursor !== null, error: this.error };
  }
}
