/** Searching: pages, one search after another, and nothing that was deleted. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ParleyClient } from '../src';
import { findMessages, type SearchPage, type SearchRun } from '../src/search';
import { OTHER } from './support/socket';
import { FakePlatform, fakeTime, pass, ROOM, World } from './support/world';

let world: World;
let client: ParleyClient;
let run: SearchRun;
let answers: Record<string, unknown>;

beforeEach(async () => {
  fakeTime();
  world = new World();
  answers = {};
  world.server.own = (_, path) => (path.startsWith('/api/search?') ? answers[path.slice('/api/search?'.length)] ?? page([]) : undefined);
  client = world.client(new FakePlatform(), { search: findMessages() });
  run = client.search!.open();
});
afterEach(() => {
  run.close();
  vi.useRealTimers();
});

function page(ids: string[], more: Partial<SearchPage> = {}): SearchPage {
  const results = ids.map((id, index) => ({ conversationId: ROOM, message: { id, seq: 9 - index, text: id }, excerpt: { text: id, marks: [[0, 1]] } }));
  return { results, asOfSeq: { [ROOM]: 9 }, nextCursor: null, complete: true, ...more } as unknown as SearchPage;
}

function found(): string[] | undefined {
  return run.state.getSnapshot().results?.map(({ message }) => message.id);
}

test('one page is asked for with its filters, and the next by its cursor', async () => {
  answers['q=tea%20%26%20cake&has=link&limit=2&cursor=c.1'] = page(['m1']);
  const answer = await client.search!({ q: 'tea & cake', has: 'link', limit: 2 }, { cursor: 'c.1' });
  expect(answer.results[0]!.excerpt.marks).toEqual([[0, 1]]);
});

test('pages come below each other, each message once', async () => {
  answers['q=tea'] = page(['m3', 'm2'], { nextCursor: 'c' });
  answers['q=tea&cursor=c'] = page(['m2', 'm1']);
  run.find({ q: 'tea' });
  expect(run.state.getSnapshot()).toMatchObject({ isSearching: true, results: null });
  await pass(10);
  expect(run.state.getSnapshot()).toMatchObject({ isSearching: false, hasMore: true });
  run.more();
  await pass(10);
  expect(found()).toEqual(['m3', 'm2', 'm1']);
  expect(run.state.getSnapshot().hasMore).toBe(false);
});

test('a new search aborts the one before, whose answer shows nowhere', async () => {
  answers['q=te'] = page(['m1']);
  answers['q=tea'] = page(['m2']);
  run.find({ q: 'te' });
  run.find({ q: 'tea' });
  await pass(10);
  expect(found()).toEqual(['m2']);
  run.find({ q: '  ' });
  expect(run.state.getSnapshot()).toEqual({ results: null, isSearching: false, hasMore: false, error: null });
});

test('a search that its bound ended with nothing goes on by itself, and not for ever', async () => {
  answers['q=rare'] = page([], { nextCursor: 'a', complete: false });
  answers['q=rare&cursor=a'] = page(['m1'], { nextCursor: 'b', complete: false });
  answers['q=never'] = answers['q=never&cursor=n'] = page([], { nextCursor: 'n', complete: false });
  run.find({ q: 'rare' });
  await pass(10);
  expect([found(), run.state.getSnapshot().hasMore]).toEqual([['m1'], true]);
  run.find({ q: 'never' });
  await pass(10);
  expect(world.server.callsTo('/api/search?q=never')).toHaveLength(5);
  expect(run.state.getSnapshot()).toMatchObject({ results: [], isSearching: false, hasMore: true });
});

test('what is deleted or edited meanwhile is shown no more', async () => {
  client.connect();
  await pass(2000);
  const { messageId: id, seq } = world.server.post(ROOM, OTHER, 'tea');
  await pass(10);
  answers['q=tea'] = page([id, 'm2']);
  run.find({ q: 'tea' });
  await pass(10);
  world.server.tell(ROOM, { type: 'message.deleted', timestamp: 't', conversationId: ROOM, seq: seq + 1, senderId: OTHER, messageId: id, messageSeq: seq, deletedBy: OTHER, by: 'author' });
  await pass(1000);
  expect(found()).toEqual(['m2']);
});

test('what fails says so, and is tried again by asking for more', async () => {
  answers['q=tea'] = { status: 429, error: 'slowly', code: 'rate_limited' };
  run.find({ q: 'tea' });
  await pass(10);
  expect(run.state.getSnapshot()).toMatchObject({ isSearching: false, error: { status: 429 } });
  answers['q=tea'] = page(['m1']);
  run.more();
  await pass(10);
  expect([found(), run.state.getSnapshot().error]).toEqual([['m1'], null]);
});

test.each([['before it began', 0], ['under way', 10]])('a request that is aborted fails at once: %s', async (_, ms) => {
  world.server.http = 'hanging';
  const abort = new AbortController();
  const asked = expect(client.search!({ q: 'tea' }, { signal: abort.signal })).rejects.toMatchObject({ status: 0 });
  if (ms > 0) await pass(ms);
  abort.abort();
  await asked;
});
