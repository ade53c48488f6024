/** Blocking, reporting and notices: what is asked of the server, and what a screen is told. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ParleyClient } from '../src';
import { createSafety, REPORT_REASONS, type Safety } from '../src/safety';
import { FakeSocket, OTHER } from './support/socket';
import { fakeTime, pass, ROOM, World } from './support/world';

let world: World;
let client: ParleyClient;
let safety: Safety;
let blocks: string[];

/** The routes that the fake server of all tests has not. */
function answer(method: string, path: string): object | null {
  const [, user] = /^\/api\/blocks\/(.+)$/.exec(path) ?? [];
  if (user) blocks = method === 'PUT' ? [...blocks, user] : blocks.filter((id) => id !== user);
  if (user || path === '/api/reports') return { success: true };
  if (path === '/api/blocks') return { blocks: blocks.map((userId) => ({ userId, handle: null, createdAt: '' })) };
  return path.startsWith('/api/me/notices') ? { notices: [], nextCursor: null } : null;
}

beforeEach(async () => {
  fakeTime();
  world = new World();
  blocks = [];
  const serve = world.server.fetch;
  world.server.fetch = (input, init) => {
    const path = String(input).replace('http://parley.test', '');
    const told = answer(init?.method ?? 'GET', path);
    if (!told) return serve(input, init);
    world.server.calls.push({ method: init?.method ?? 'GET', path, body: init?.body ? JSON.parse(String(init.body)) : null });
    return Promise.resolve(new Response(JSON.stringify(told)));
  };
  client = world.client();
  safety = createSafety(client);
  client.connect();
  await pass(2000);
});
afterEach(() => {
  safety.stop();
  client.disconnect();
  vi.useRealTimers();
});

test('whom one blocks is known at once, on other devices too, and after having been away', async () => {
  const heard = vi.fn();
  safety.blocked.subscribe(heard);
  await safety.block(OTHER);
  expect([...safety.blocked.getSnapshot()]).toEqual([OTHER]);
  await safety.unblock(OTHER);
  expect(safety.blocked.getSnapshot().size).toBe(0);
  blocks = ['elsewhere'];
  FakeSocket.last.receive({ type: 'blocks.changed', timestamp: '' });
  await pass(100);
  expect([...safety.blocked.getSnapshot()]).toEqual(['elsewhere']);
  expect(heard.mock.calls.length).toBeGreaterThanOrEqual(3);
  expect(world.server.callsTo('/api/blocks').map(({ method }) => method)).toEqual(['PUT', 'DELETE', 'GET']);
});

test('messages of who is blocked are collapsed until one wants to see one, and their typing is not shown', async () => {
  world.server.post(ROOM, OTHER, 'one');
  await pass(100);
  const [message] = client.messages(ROOM).getSnapshot().messages;
  expect(safety.isCollapsed(message!)).toBe(false);
  FakeSocket.last.receive({ type: 'typing.start', timestamp: '', conversationId: ROOM, senderId: OTHER });
  expect(safety.typing(ROOM).getSnapshot()).toEqual([OTHER]);
  await safety.block(OTHER);
  expect(safety.isCollapsed(message!)).toBe(true);
  expect(safety.typing(ROOM).getSnapshot()).toEqual([]);
  safety.showAnyway(message!.id!);
  expect(safety.isCollapsed(message!)).toBe(false);
});

test('a report names its target and a reason, and a mute is known until when', async () => {
  await safety.report({ messageId: 'm', conversationId: ROOM }, 'spam');
  await safety.report({ userId: OTHER }, 'hate', 'look');
  expect(world.server.callsTo('/api/reports').map(({ body }) => body)).toEqual([
    { messageId: 'm', conversationId: ROOM, reason: 'spam' },
    { userId: OTHER, reason: 'hate', text: 'look' },
  ]);
  expect(REPORT_REASONS).toContain('child_safety');
  FakeSocket.last.receive({ type: 'moderation.notice', timestamp: '', action: 'mute', reason: 'x', until: '2090', conversationId: ROOM });
  expect(safety.mutes.getSnapshot().get(ROOM)).toBe('2090');
  expect(await safety.notices()).toEqual({ notices: [], nextCursor: null });
});

test('what changed while the client was away comes with its sync', async () => {
  const serve = world.server.fetch;
  world.server.fetch = async (input, init) => {
    const response = await serve(input, init);
    if (!String(input).endsWith('/api/sync')) return response;
    return new Response(JSON.stringify({ ...((await response.json()) as object), blockedUsers: [OTHER] }));
  };
  FakeSocket.last.drop(1006);
  await pass(5000);
  expect([...safety.blocked.getSnapshot()]).toEqual([OTHER]);
});
