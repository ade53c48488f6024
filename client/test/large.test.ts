/** A person with many conversations, and conversations with many people: what the server tells in parts. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ParleyClient, SyncQuestion } from '../src';
import { FakeSocket, ME, OTHER, THIRD } from './support/socket';
import { fakeTime, pass, ROOM, statuses, texts, World } from './support/world';

let world: World;
let client: ParleyClient;
beforeEach(() => {
  fakeTime();
  world = new World();
  client = world.client();
});
afterEach(() => void vi.useRealTimers());

const syncs = (): SyncQuestion[] => world.server.callsTo('/api/sync').map(({ body }) => body as SyncQuestion);
const rooms = (count: number): string[] => Array.from({ length: count }, (_, n) => `room-${String(n).padStart(3, '0')}`);

async function handover(): Promise<void> {
  FakeSocket.last.receive({ type: 'reconnect', afterMs: 0 });
  await pass(10);
}

test('a conversation that no part has named yet is not one that is gone: nothing is compared before the last', async () => {
  for (const id of rooms(9)) world.server.conversation(id, ME, OTHER);
  world.server.headsPerFrame = 3;
  client.connect();
  await pass(1000);
  expect(client.conversations.getSnapshot()).toHaveLength(10);
  const before = syncs().length;
  await handover();
  expect(FakeSocket.open).toHaveLength(1);
  await pass(1000);
  expect(syncs()).toHaveLength(before);
  expect(client.isSynced.getSnapshot()).toBe(true);
});

test('what a later part shows to be missing is fetched, and only once the last has come', async () => {
  client.connect();
  await pass(1000);
  const before = syncs().length;
  world.server.ws = 'silent';
  await handover();
  const socket = FakeSocket.last;
  const part = { conversationIds: [], heads: {} };
  const greeting = { userId: ME, connectionId: 'c', epoch: 'e1', heartbeatSeconds: 25, reconnectJitterMs: 1000, maxFrameBytes: 65536 };
  world.server.mute = () => true;
  world.server.post(ROOM, OTHER, 'missed');
  socket.receive({ type: 'connected', ...greeting, ...part, conversationCount: 2 });
  socket.receive({ type: 'heads', conversationIds: [ROOM], heads: { [ROOM]: 1 } });
  await pass(1000);
  expect(syncs()).toHaveLength(before);
  expect(socket.sentOf('ping').filter((frame) => 'cursors' in frame)).toEqual([]);
  socket.receive({ type: 'heads', ...part, last: true });
  await pass(1000);
  expect(syncs()).toHaveLength(before + 1);
  expect(texts(client)).toEqual(['missed']);
});

test('a history that went back is noticed in a later part too', async () => {
  world.server.post(ROOM, OTHER, 'one');
  client.connect();
  await pass(1000);
  world.server.ws = 'silent';
  await handover();
  const greeting = { userId: ME, connectionId: 'c', epoch: 'e1', heartbeatSeconds: 25, reconnectJitterMs: 1000, maxFrameBytes: 65536 };
  world.server.logs.get(ROOM)!.events.length = 0;
  FakeSocket.last.receive({ type: 'connected', ...greeting, conversationIds: [], heads: {}, conversationCount: 1 });
  expect(texts(client)).toEqual(['one']);
  FakeSocket.last.receive({ type: 'heads', conversationIds: [ROOM], heads: { [ROOM]: 0 }, last: true });
  await pass(1000);
  expect(texts(client)).toEqual([]);
});

test('a sync in parts goes on where it was, with the `asOf` of before, and names again only what is not told', async () => {
  const ids = rooms(10);
  for (const id of ids) world.server.conversation(id, ME, OTHER);
  world.server.conversation(ROOM, ME, OTHER);
  client.connect();
  await pass(1000);
  FakeSocket.last.drop();
  world.server.syncConversations = 4;
  for (const id of ids) world.server.post(id, OTHER, `in ${id}`);
  await pass(5000);
  const asked = syncs().slice(1);
  expect(asked.map(({ after }) => after)).toEqual([undefined, 'room-002', 'room-006']);
  expect(asked.map((question) => question.asOf)).toEqual(['now', 'now', 'now']);
  expect(asked.map(({ conversations }) => Object.keys(conversations).length)).toEqual([11, 7, 3]);
  for (const id of ids) expect(texts(client, id)).toEqual([`in ${id}`]);
  expect(client.isSynced.getSnapshot()).toBe(true);
  FakeSocket.last.drop();
  await pass(5000);
  // That of the first answer: what moved while the others were under way is asked for again.
  expect(syncs().slice(4)[0]!.asOf).toBe('1');
});

test('a conversation that one answer could not finish is asked for again with the next part', async () => {
  for (const id of rooms(4)) world.server.conversation(id, ME, OTHER);
  client.connect();
  await pass(1000);
  FakeSocket.last.drop();
  world.server.syncConversations = 3;
  world.server.syncPage = 2;
  for (const text of ['a', 'b', 'c', 'd']) world.server.post('room-000', OTHER, text);
  await pass(5000);
  const asked = syncs().slice(1);
  expect(asked[1]!.conversations).toHaveProperty('room-000', 2);
  expect(texts(client, 'room-000')).toEqual(['a', 'b', 'c', 'd']);
});

test('a server that always names the same next part is not asked without pause', async () => {
  const fetch = world.server.fetch;
  world.server.fetch = async (input, init) => {
    const answer = await fetch(input, init);
    if (!String(input).endsWith('/api/sync')) return answer;
    return new Response(JSON.stringify({ ...((await answer.json()) as object), complete: false, next: 'x' }));
  };
  client.connect();
  await pass(60_000);
  expect(syncs().length).toBeLessThan(40);
});

test('a list that is refused half way goes on from there', async () => {
  let refusals = 3;
  const cursors: (string | null)[] = [];
  const fetch = world.server.fetch;
  world.server.fetch = async (input, init) => {
    const url = new URL(String(input));
    if (url.pathname !== '/api/conversations') return fetch(input, init);
    const at = url.searchParams.get('cursor');
    cursors.push(at);
    if (at === '3' && refusals-- > 0) return new Response('{"error":"slowly","code":"limited"}', { status: 429, headers: { 'Retry-After': '1' } });
    const next = Number(at ?? 0) + 1;
    return new Response(JSON.stringify({ conversations: [], nextCursor: next > 5 ? null : String(next) }));
  };
  client.connect();
  await pass(60_000);
  expect(client.conversations.getSnapshot()).toEqual([]);
  expect(cursors).toEqual([null, '1', '2', '3', '3', '3', '3', '4', '5']);
});

test('in a group of which not all are named a message is read when all have read it, not when those named have', async () => {
  world.server.conversation('crowd', ME, OTHER, THIRD);
  world.server.namedPeople = 2;
  client.connect();
  await pass(1000);
  client.send('crowd', { text: 'hello' });
  await pass(1000);
  const before = syncs().length;
  world.server.receipt('crowd', OTHER, 'read', 1);
  await pass(60_000);
  expect(statuses(client, 'crowd')).toEqual(['sent']);
  expect(syncs()).toHaveLength(before);
  world.server.tell('crowd', { type: 'receipts.all', conversationId: 'crowd', deliveredUpTo: 1, readUpTo: 0 });
  expect(statuses(client, 'crowd')).toEqual(['delivered']);
  world.server.tell('crowd', { type: 'receipts.all', conversationId: 'crowd', deliveredUpTo: 1, readUpTo: 1 });
  expect(statuses(client, 'crowd')).toEqual(['read']);
  world.server.tell('crowd', { type: 'receipts.all', conversationId: 'crowd', deliveredUpTo: 0, readUpTo: 0 });
  expect(statuses(client, 'crowd')).toEqual(['read']);
});

test('all members of a large group can be listed, page by page', async () => {
  const member = { id: OTHER, handle: 'other', displayName: null, avatarUrl: null, role: 'member', joinedAt: null };
  const asked: string[] = [];
  world.server.fetch = async (input) => {
    asked.push(String(input).replace('http://parley.test', ''));
    return new Response(JSON.stringify({ members: [member], nextCursor: null }));
  };
  expect(await client.members('crowd', { q: 'o & b', limit: 100, cursor: null })).toEqual({ members: [member], nextCursor: null });
  expect(asked).toEqual(['/api/conversations/crowd/members?q=o%20%26%20b&limit=100']);
});

test('an app’s own events are said and heard live, and one too big is refused', async () => {
  const heard = vi.fn();
  client.on('event', ({ senderId, name, data }) => heard(senderId, name, data));
  expect(client.sendEvent(ROOM, 'dice', { rolled: 6 })).toBe(false);
  client.connect();
  await pass();
  expect(client.sendEvent(ROOM, 'dice', { rolled: 6 })).toBe(true);
  expect(FakeSocket.last.sentOf('event')).toEqual([{ type: 'event', conversationId: ROOM, name: 'dice', data: { rolled: 6 } }]);
  world.server.tell(ROOM, { type: 'event', conversationId: ROOM, senderId: OTHER, name: 'dice', data: { rolled: 1 } });
  expect(heard.mock.calls).toEqual([[OTHER, 'dice', { rolled: 1 }]]);
  expect(() => client.sendEvent(ROOM, 'dice', 'x'.repeat(2100))).toThrow(RangeError);
});
