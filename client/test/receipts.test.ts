import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeSocket, ME, OTHER, THIRD } from './support/socket';
import { fakeTime, FakePlatform, pass, ROOM, statuses, World } from './support/world';

let world: World;
let platform: FakePlatform;
beforeEach(() => {
  fakeTime();
  world = new World();
  platform = new FakePlatform();
});
afterEach(() => void vi.useRealTimers());

const sentFrames = (type: string): unknown[] => FakeSocket.last.sentOf(type).map(({ conversationId, seq }) => [conversationId, seq]);

test('what arrives is acknowledged as delivered, many at once', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  for (let n = 0; n < 30; n++) world.server.post(ROOM, OTHER, 'x');
  await pass(300);
  expect(sentFrames('delivered')).toEqual([[ROOM, 30]]);
  world.server.post(ROOM, OTHER, 'x');
  await pass(300);
  expect(sentFrames('delivered')).toEqual([[ROOM, 30], [ROOM, 31]]);
});

test('an event that is no message is nobody\'s receipt', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  client.watch(ROOM);
  world.server.post(ROOM, OTHER, 'one');
  await pass(300);
  world.server.tell(ROOM, { type: 'test.note', conversationId: ROOM, seq: 2, senderId: OTHER, timestamp: '' } as never);
  await pass(300);
  expect(sentFrames('read')).toEqual([[ROOM, 1]]);
  expect(sentFrames('delivered')).toEqual([]);
});

test('what is read says by that that it was delivered', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  const stop = client.watch(ROOM);
  world.server.post(ROOM, OTHER, 'one');
  await pass(300);
  expect(sentFrames('read')).toEqual([[ROOM, 1]]);
  expect(sentFrames('delivered')).toEqual([]);
  expect(client.unread.getSnapshot()).toBe(0);
  stop();
  world.server.post(ROOM, OTHER, 'two');
  await pass(300);
  expect(sentFrames('read')).toEqual([[ROOM, 1]]);
  expect(client.unread.getSnapshot()).toBe(1);
});

test('what is read right after it came costs one frame', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.post(ROOM, OTHER, 'one');
  client.markRead(ROOM);
  await pass(300);
  expect(sentFrames('delivered')).toEqual([]);
  expect(sentFrames('read')).toEqual([[ROOM, 1]]);
});

test('one’s own messages need no receipt', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  client.send(ROOM, { text: 'mine' });
  await pass(1000);
  expect([...sentFrames('delivered'), ...sentFrames('read')]).toEqual([]);
});

test('a badge goes when another device read all, even before this one has synced', async () => {
  for (let n = 0; n < 3; n++) world.server.post(ROOM, OTHER, 'x');
  const client = world.client(platform, { fetch: (input, init) => (String(input).endsWith('/sync') ? new Promise(() => {}) : world.server.fetch(input, init)) });
  client.connect();
  await pass();
  expect(client.unread.getSnapshot()).toBe(3);
  world.server.receipt(ROOM, ME, 'read', 3);
  expect(client.unread.getSnapshot()).toBe(0);
});

test('an open conversation is not read while nobody is looking', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  client.watch(ROOM);
  platform.setActive(false);
  world.server.post(ROOM, OTHER, 'one');
  await pass(300);
  expect(sentFrames('read')).toEqual([]);
  expect(sentFrames('delivered')).toEqual([[ROOM, 1]]);
  platform.setActive(true);
  await pass(300);
  expect(sentFrames('read')).toEqual([[ROOM, 1]]);
});

test('what the server has not acknowledged is said again on the next connection', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  FakeSocket.last.onSend = () => {};
  world.server.post(ROOM, OTHER, 'one');
  client.markRead(ROOM);
  await pass(300);
  FakeSocket.last.drop();
  await pass(5000);
  expect(sentFrames('read')).toEqual([[ROOM, 1]]);
  FakeSocket.last.drop();
  await pass(5000);
  expect(sentFrames('read')).toEqual([]);
});

test('what was read offline is told later, and its badge does not come back', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.ws = 'refused';
  world.server.post(ROOM, OTHER, 'one');
  await pass(300);
  FakeSocket.last.drop();
  client.markRead(ROOM);
  expect(client.unread.getSnapshot()).toBe(0);
  await pass(5000);
  world.server.ws = 'none';
  await pass(60_000);
  expect(client.unread.getSnapshot()).toBe(0);
  expect(world.server.logs.get(ROOM)?.read.get(ME)).toBe(1);
});

test('five hundred conversations do not exceed the server’s frame limit', async () => {
  for (let n = 0; n < 500; n++) {
    world.server.conversation(`room${n}`, ME, OTHER);
    world.server.post(`room${n}`, OTHER, 'x');
  }
  world.client(platform).connect();
  let most = 0;
  for (let seconds = 0; seconds < 60; seconds++) {
    const before = FakeSocket.all.at(-1)?.sent.length ?? 0;
    await pass(1000);
    most = Math.max(most, FakeSocket.last.sent.length - before);
  }
  expect(most).toBeLessThanOrEqual(21);
  expect(FakeSocket.last.sentOf('delivered')).toHaveLength(500);
});

test('reading on another device clears the badge here', async () => {
  const phone = world.client(platform);
  const tablet = world.client(new FakePlatform());
  phone.connect();
  tablet.connect();
  await pass();
  world.server.post(ROOM, OTHER, 'one');
  world.server.post(ROOM, OTHER, 'two');
  await pass(300);
  expect(tablet.unread.getSnapshot()).toBe(2);
  phone.markRead(ROOM);
  await pass(300);
  expect(tablet.unread.getSnapshot()).toBe(0);
});

test('unread counts messages of others only, and writing reads what came before', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.post(ROOM, OTHER, 'one');
  world.server.postUnknown(ROOM);
  await pass();
  expect(client.unread.getSnapshot()).toBe(1);
  client.send(ROOM, { text: 'reply' });
  await pass();
  expect(client.unread.getSnapshot()).toBe(0);
});

test('the server’s count holds where there is more unread than was loaded', async () => {
  for (let n = 0; n < 80; n++) world.server.post(ROOM, OTHER, 'x');
  const client = world.client(platform);
  client.connect();
  await pass();
  expect(client.unread.getSnapshot()).toBe(80);
  world.server.post(ROOM, OTHER, 'x');
  expect(client.unread.getSnapshot()).toBe(81);
});

test('in a group a message is delivered and read only when it is so for all', async () => {
  world.server.conversation('group', ME, OTHER, THIRD);
  const client = world.client(platform);
  client.connect();
  await pass();
  client.send('group', { text: 'all?' });
  await pass();
  world.server.receipt('group', OTHER, 'read', 1);
  expect(statuses(client, 'group')).toEqual(['sent']);
  world.server.receipt('group', THIRD, 'delivered', 1);
  expect(statuses(client, 'group')).toEqual(['delivered']);
  world.server.receipt('group', THIRD, 'read', 1);
  expect(statuses(client, 'group')).toEqual(['read']);
});

test('a group’s receipts that came while away are completed by a later one', async () => {
  world.server.conversation('group', ME, OTHER, THIRD);
  const client = world.client(platform);
  client.connect();
  await pass();
  client.send('group', { text: 'all?' });
  await pass();
  FakeSocket.last.drop();
  world.server.receipt('group', OTHER, 'read', 1);
  await pass(5000);
  world.server.receipt('group', THIRD, 'read', 1);
  await pass(16_000);
  expect(statuses(client, 'group')).toEqual(['read']);
});

test('typing is said at most every three seconds and ends by itself', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  for (let n = 0; n < 20; n++) {
    client.setTyping(ROOM, true);
    await pass(200);
  }
  await pass(5000);
  expect(FakeSocket.last.sentOf('typing').map((frame) => frame['isTyping'])).toEqual([true, true, false]);
});

test('sending ends typing without another word', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  client.setTyping(ROOM, true);
  client.send(ROOM, { text: 'x' });
  await pass(10_000);
  expect(FakeSocket.last.sentOf('typing')).toHaveLength(1);
});

test('a typist who is told of again is no news', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  const heard = vi.fn();
  client.typing(ROOM).subscribe(heard);
  for (let n = 0; n < 5; n++) {
    world.server.tell(ROOM, { type: 'typing.start', conversationId: ROOM, senderId: OTHER });
    await pass(1000);
  }
  expect(heard).toHaveBeenCalledOnce();
});

test('a live update is newer than an answer that was asked for before it', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.answerDelayMs = 1000;
  const presence = client.presence(OTHER);
  await pass(10);
  world.server.tell(ROOM, { type: 'presence.update', conversationId: ROOM, userId: OTHER, senderId: OTHER, isOnline: false, lastSeenAt: null });
  await pass(2000);
  expect(presence.getSnapshot()).toMatchObject({ isOnline: false });
});

test('a typist is shown until they stop, send, fall silent, or the connection goes', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  const shown = (): readonly string[] => client.typing(ROOM).getSnapshot();
  const start = (): void => world.server.tell(ROOM, { type: 'typing.start', conversationId: ROOM, senderId: OTHER });
  start();
  start();
  expect(shown()).toEqual([OTHER]);
  world.server.tell(ROOM, { type: 'typing.stop', conversationId: ROOM, senderId: OTHER });
  expect(shown()).toEqual([]);
  start();
  world.server.post(ROOM, OTHER, 'x');
  expect(shown()).toEqual([]);
  start();
  await pass(8000);
  expect(shown()).toEqual([]);
  start();
  FakeSocket.last.drop();
  expect(shown()).toEqual([]);
});

test('presence is asked for once, then follows the newest update', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  const presence = client.presence(OTHER);
  client.presence(OTHER);
  await pass();
  expect(presence.getSnapshot()).toMatchObject({ isOnline: true });
  expect(world.server.callsTo('/api/presence')).toHaveLength(1);
  const update = (isOnline: boolean, timestamp: string): void =>
    world.server.tell(ROOM, { type: 'presence.update', conversationId: ROOM, userId: OTHER, senderId: OTHER, isOnline, lastSeenAt: null, timestamp });
  update(false, '2026-11-22T12:00:02.000Z');
  update(true, '2026-11-22T12:00:01.000Z');
  expect(presence.getSnapshot()).toMatchObject({ isOnline: false });
  FakeSocket.last.drop();
  await pass(5000);
  expect(presence.getSnapshot()).toMatchObject({ isOnline: true });
});
