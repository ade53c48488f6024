/** What the server does not know is never shown as a value. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeSocket, OTHER } from './support/socket';
import { fakeTime, pass, ROOM, World } from './support/world';
import type { ParleyClient, Presence } from '../src';

let world: World;
let client: ParleyClient;
beforeEach(() => {
  fakeTime();
  world = new World();
  client = world.client();
});
afterEach(() => void vi.useRealTimers());

const shown = (): Presence | null => client.presence(OTHER).getSnapshot();
const say = (isOnline: boolean): void => world.server.tell(ROOM, {
  type: 'presence.update', conversationId: ROOM, userId: OTHER, senderId: OTHER, isOnline, lastSeenAt: null,
});

test('who is unknown on the first page load is neither online nor offline, and is asked about until known', async () => {
  world.server.unknown.add(OTHER);
  shown();
  client.connect();
  await pass(20_000);
  expect(shown()).toBeNull();
  const asked = world.server.callsTo('/api/presence').length;
  expect(asked).toBeGreaterThan(2);
  expect(asked).toBeLessThan(12);
  world.server.unknown.clear();
  await pass(31_000);
  expect(shown()).toMatchObject({ isOnline: true });
  const known = world.server.callsTo('/api/presence').length;
  await pass(120_000);
  expect(world.server.callsTo('/api/presence')).toHaveLength(known);
});

test('who was offline and is now unknown is not kept as offline', async () => {
  world.server.away.add(OTHER);
  shown();
  client.connect();
  await pass();
  expect(shown()).toMatchObject({ isOnline: false });
  world.server.unknown.add(OTHER);
  FakeSocket.last.drop();
  await pass(5000);
  expect(shown()).toBeNull();
});

test('a live word about somebody unknown is taken at once, and asking ends', async () => {
  world.server.unknown.add(OTHER);
  shown();
  client.connect();
  await pass(10);
  say(true);
  expect(shown()).toMatchObject({ isOnline: true });
  await pass(60_000);
  expect(shown()).toMatchObject({ isOnline: true });
  const asked = world.server.callsTo('/api/presence').length;
  expect(asked).toBeLessThanOrEqual(2);
});

test('of whom the server says nothing any more, nothing is shown', async () => {
  shown();
  client.connect();
  await pass();
  expect(shown()).toMatchObject({ isOnline: true });
  world.server.fetch = ((fetch) => async (input, init) =>
    String(input).includes('presence') ? new Response('{"presence":[]}') : fetch(input, init))(world.server.fetch);
  FakeSocket.last.drop();
  await pass(5000);
  expect(shown()).toBeNull();
});
