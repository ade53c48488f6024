/** What the client says that it has, in its pings. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeSocket, ME, OTHER } from './support/socket';
import { fakeTime, pass, ROOM, World } from './support/world';

beforeEach(fakeTime);
afterEach(() => void vi.useRealTimers());

function claims(socket = FakeSocket.last): Record<string, number>[] {
  return socket.sentOf('ping').flatMap((frame) => (frame['cursors'] ? [frame['cursors'] as Record<string, number>] : []));
}

test('as soon as all is here the client says so, and again every half minute', async () => {
  const world = new World();
  world.server.post(ROOM, OTHER, 'one');
  world.client().connect();
  await pass(1000);
  expect(claims()).toEqual([{ [ROOM]: 1 }]);

  world.server.post(ROOM, OTHER, 'two');
  await pass(30_000);
  expect(claims()).toEqual([{ [ROOM]: 1 }, { [ROOM]: 2 }]);
});

test('a new socket that took over seamlessly says at once what is here', async () => {
  const world = new World();
  world.server.post(ROOM, OTHER, 'one');
  world.client().connect();
  await pass(1000);
  FakeSocket.last.receive({ type: 'reconnect', afterMs: 0 });
  await pass(1000);
  expect(FakeSocket.all).toHaveLength(2);
  expect(claims()).toEqual([{ [ROOM]: 1 }]);
});

test('nothing is said while a sync has not brought what is missing', async () => {
  const world = new World();
  world.client().connect();
  await pass(1000);
  const before = claims().length;
  world.server.http = 'refused';
  FakeSocket.last.receive({ type: 'sync', timestamp: '', conversationId: ROOM, lastSeq: 5 });
  await pass(120_000);
  expect(claims()).toHaveLength(before);
});

test('of many conversations each is said in turn, at most sixteen at a time', async () => {
  const world = new World();
  for (let number = 0; number < 40; number++) world.server.conversation(`room-${number}`, ME, OTHER);
  world.client().connect();
  await pass(30_000 * 8);
  expect(Math.max(...claims().map((cursors) => Object.keys(cursors).length))).toBe(16);
  expect(new Set(claims().flatMap((cursors) => Object.keys(cursors))).size).toBe(41);
});
