import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeSocket, ME, OTHER } from './support/socket';
import { fakeTime, pass, ROOM, statuses, texts, World } from './support/world';

let world: World;
beforeEach(() => {
  fakeTime();
  world = new World();
});
afterEach(() => void vi.useRealTimers());

test('a first start brings the newest messages, the list and the unread count', async () => {
  for (let n = 1; n <= 60; n++) world.server.post(ROOM, OTHER, `m${n}`);
  const client = world.client();
  client.connect();
  await pass();
  expect(texts(client)).toHaveLength(50);
  expect(texts(client).at(-1)).toBe('m60');
  expect(client.messages(ROOM).getSnapshot().hasOlder).toBe(true);
  expect(client.conversations.getSnapshot()?.[0]).toMatchObject({ id: ROOM, unreadCount: 60 });
  expect(client.isSynced.getSnapshot()).toBe(true);
});

test('older pages come on demand, once each, until there are none', async () => {
  for (let n = 1; n <= 120; n++) world.server.post(ROOM, OTHER, `m${n}`);
  const client = world.client();
  client.connect();
  await pass();
  await Promise.all([client.loadOlder(ROOM), client.loadOlder(ROOM)]);
  expect(texts(client)).toHaveLength(100);
  await client.loadOlder(ROOM);
  await client.loadOlder(ROOM);
  expect(texts(client)).toEqual(Array.from({ length: 120 }, (_, n) => `m${n + 1}`));
  expect(client.messages(ROOM).getSnapshot().hasOlder).toBe(false);
  expect(world.server.callsTo(`/api/conversations/${ROOM}/messages?before`)).toHaveLength(2);
});

test('what was missed while away comes in order and without repeats', async () => {
  const client = world.client();
  client.connect();
  await pass();
  world.server.post(ROOM, OTHER, 'one');
  FakeSocket.last.drop();
  world.server.post(ROOM, OTHER, 'two');
  world.server.post(ROOM, OTHER, 'three');
  await pass(5000);
  world.server.post(ROOM, OTHER, 'four');
  await pass();
  expect(texts(client)).toEqual(['one', 'two', 'three', 'four']);
});

test('a gap is held back, then filled, and nothing is shown out of order', async () => {
  const client = world.client();
  client.connect();
  await pass();
  world.server.mute = (seq) => seq === 2;
  for (const text of ['one', 'two', 'three']) world.server.post(ROOM, OTHER, text);
  expect(texts(client)).toEqual(['one']);
  await pass(1000);
  expect(texts(client)).toEqual(['one', 'two', 'three']);
});

test('an event that comes late fills its gap without any request', async () => {
  const client = world.client();
  client.connect();
  await pass();
  const before = world.server.callsTo('/api/sync').length;
  world.server.mute = () => true;
  const [one, two, three] = ['one', 'two', 'three'].map((text) => world.server.post(ROOM, OTHER, text));
  for (const event of [three!, one!, two!, one!]) world.server.tell(ROOM, event);
  await pass(1000);
  expect(texts(client)).toEqual(['one', 'two', 'three']);
  expect(world.server.callsTo('/api/sync')).toHaveLength(before);
});

test('a repeated event is heard once', async () => {
  const client = world.client();
  const heard: number[] = [];
  client.on('message.new', ({ seq }) => heard.push(seq));
  client.connect();
  await pass();
  const event = world.server.post(ROOM, OTHER, 'one');
  world.server.tell(ROOM, event);
  await pass();
  expect(heard).toEqual([1]);
});

test('a durable event of an unknown type moves the cursor and is no gap', async () => {
  const client = world.client();
  const heard = vi.fn();
  client.on('message.starred', heard);
  client.connect();
  await pass();
  const before = world.server.callsTo('/api/sync').length;
  world.server.post(ROOM, OTHER, 'one');
  world.server.postUnknown(ROOM);
  world.server.post(ROOM, OTHER, 'three');
  await pass(1000);
  expect(texts(client)).toEqual(['one', 'three']);
  expect(heard).toHaveBeenCalledOnce();
  expect(world.server.callsTo('/api/sync')).toHaveLength(before);
});

test('an incomplete sync is continued until it is complete', async () => {
  const client = world.client();
  client.connect();
  await pass();
  FakeSocket.last.drop();
  world.server.syncPage = 3;
  for (let n = 1; n <= 10; n++) world.server.post(ROOM, OTHER, `m${n}`);
  await pass(5000);
  expect(texts(client)).toHaveLength(10);
  const since = world.server.callsTo('/api/sync').map(({ body }) => (body as { asOf?: string }).asOf);
  expect(since).toEqual([undefined, 'now', 'now', 'now', 'now']);
});

test('what an incomplete first sync has not told is still asked for from the beginning', async () => {
  const client = world.client();
  world.server.syncPage = 3;
  for (let n = 1; n <= 5; n++) world.server.post(ROOM, OTHER, `m${n}`);
  client.connect();
  await pass(1000);
  const since = world.server.callsTo('/api/sync').map(({ body }) => (body as { asOf?: string }).asOf);
  expect(since).toEqual([undefined, undefined]);
});

test('a sync that is incomplete and brings nothing is not repeated without pause', async () => {
  const client = world.client();
  client.connect();
  await pass();
  world.server.mute = () => true;
  world.server.syncPage = 0;
  world.server.post(ROOM, OTHER, 'one');
  world.server.tell(ROOM, { type: 'sync', conversationId: ROOM, lastSeq: 1 });
  const before = world.server.callsTo('/api/sync').length;
  await pass(10_000);
  expect(world.server.callsTo('/api/sync').length - before).toBeLessThan(8);
  world.server.syncPage = 100;
  await pass(30_000);
  expect(texts(client)).toEqual(['one']);
});

test('a conversation hidden on another device disappears, and comes back with what is new alone', async () => {
  const client = world.client();
  for (const text of ['old', 'older']) world.server.post(ROOM, OTHER, text);
  client.connect();
  await pass();
  FakeSocket.last.drop();
  world.server.hide(ROOM, ME);
  await pass(5000);
  expect(client.conversations.getSnapshot()).toEqual([]);
  world.server.post(ROOM, OTHER, 'new');
  await pass(1000);
  expect(texts(client)).toEqual(['new']);
  expect(client.conversations.getSnapshot()).toHaveLength(1);
});

test('a conversation that was hidden and came back while away shows nothing of before', async () => {
  const client = world.client();
  for (const text of ['old', 'older']) world.server.post(ROOM, OTHER, text);
  client.connect();
  await pass();
  FakeSocket.last.drop();
  world.server.post(ROOM, OTHER, 'hidden with the rest');
  world.server.hide(ROOM, ME);
  world.server.post(ROOM, OTHER, 'new');
  await pass(5000);
  expect(texts(client)).toEqual(['new']);
  await client.loadOlder(ROOM);
  expect(texts(client)).toEqual(['new']);
  expect(client.messages(ROOM).getSnapshot().hasOlder).toBe(false);
});

test('an older page that comes after its conversation was hidden is dropped', async () => {
  for (let n = 1; n <= 60; n++) world.server.post(ROOM, OTHER, `m${n}`);
  const client = world.client();
  client.connect();
  await pass();
  world.server.answerDelayMs = 3000;
  const page = client.loadOlder(ROOM);
  await pass();
  world.server.answerDelayMs = 0;
  FakeSocket.last.drop();
  world.server.post(ROOM, OTHER, 'hidden with the rest');
  world.server.hide(ROOM, ME);
  world.server.post(ROOM, OTHER, 'new');
  await pass(10_000);
  await page;
  expect(texts(client)).toEqual(['new']);
});

test('an older page that comes after the epoch changed is dropped', async () => {
  for (let n = 1; n <= 60; n++) world.server.post(ROOM, OTHER, `m${n}`);
  const client = world.client();
  client.connect();
  await pass();
  world.server.answerDelayMs = 3000;
  const page = client.loadOlder(ROOM);
  world.server.epoch = 'e2';
  client.reconnect();
  await pass(10_000);
  await page;
  expect(texts(client)).toEqual(Array.from({ length: 50 }, (_, n) => `m${n + 11}`));
});

test('the server’s word that it cannot prove completeness makes the client sync', async () => {
  const client = world.client();
  client.connect();
  await pass();
  world.server.mute = () => true;
  world.server.post(ROOM, OTHER, 'one');
  world.server.tell(ROOM, { type: 'sync', conversationId: ROOM, lastSeq: 1 });
  await pass();
  expect(texts(client)).toEqual(['one']);
});

test('another epoch makes the client forget and load anew', async () => {
  const client = world.client();
  client.connect();
  await pass();
  for (const text of ['one', 'two', 'lost in the restore']) world.server.post(ROOM, OTHER, text);
  await pass();
  world.server.epoch = 'e2';
  world.server.logs.get(ROOM)?.events.pop();
  FakeSocket.last.drop();
  await pass(5000);
  expect(texts(client)).toEqual(['one', 'two']);
});

test('a cursor ahead of the server’s head counts as another epoch', async () => {
  const client = world.client();
  client.connect();
  await pass();
  for (const text of ['one', 'two']) world.server.post(ROOM, OTHER, text);
  await pass();
  world.server.logs.get(ROOM)?.events.pop();
  FakeSocket.last.drop();
  await pass(5000);
  expect(texts(client)).toEqual(['one']);
});

test('a conversation that is hidden while answers of before are on their way stays away', async () => {
  const client = world.client();
  world.server.post(ROOM, OTHER, 'old');
  world.server.answerDelayMs = 3000;
  client.connect();
  await pass(1000);
  world.server.hide(ROOM, ME);
  world.server.tell(ROOM, { type: 'conversation.left', conversationId: ROOM });
  await pass(10_000);
  expect(client.conversations.getSnapshot()).toEqual([]);
  expect(texts(client)).toEqual([]);
});

test('a message that brings a hidden conversation back is kept, though an answer of before says that it is left', async () => {
  const client = world.client();
  world.server.post(ROOM, OTHER, 'old');
  client.connect();
  await pass();
  FakeSocket.last.drop();
  world.server.hide(ROOM, ME);
  world.server.answerDelayMs = 3000;
  await pass(3000);
  world.server.tell(ROOM, { type: 'conversation.left', conversationId: ROOM });
  world.server.post(ROOM, OTHER, 'new');
  await pass(20_000);
  expect(texts(client)).toEqual(['new']);
});

test('a message that comes before the answer to a hiding is kept', async () => {
  const client = world.client();
  world.server.post(ROOM, OTHER, 'old');
  client.connect();
  await pass();
  world.server.answerDelayMs = 1000;
  const hiding = client.hideConversation(ROOM);
  await pass();
  world.server.post(ROOM, OTHER, 'new');
  await pass(10_000);
  await hiding;
  expect(texts(client)).toEqual(['new']);
});

test('a conversation that a new socket does not name disappears without a break', async () => {
  const client = world.client();
  world.server.post(ROOM, OTHER, 'old');
  client.connect();
  await pass();
  world.server.hide(ROOM, ME);
  FakeSocket.last.receive({ type: 'reconnect', afterMs: 0 });
  await pass(1000);
  expect(client.conversations.getSnapshot()).toEqual([]);
});

test('the server’s word that its history ends before ours makes the client sync', async () => {
  const client = world.client();
  for (const text of ['one', 'two', 'lost in the restore']) world.server.post(ROOM, OTHER, text);
  client.connect();
  await pass();
  world.server.epoch = 'e2';
  world.server.logs.get(ROOM)?.events.pop();
  world.server.tell(ROOM, { type: 'sync', conversationId: ROOM, lastSeq: 2 });
  await pass();
  expect(texts(client)).toEqual(['one', 'two']);
});

test('a conversation left while away disappears', async () => {
  const client = world.client();
  client.connect();
  await pass();
  expect(client.conversations.getSnapshot()).toHaveLength(1);
  FakeSocket.last.drop();
  world.server.kick(ROOM, ME);
  await pass(5000);
  expect(client.conversations.getSnapshot()).toHaveLength(0);
});

test('a new conversation appears live, with its first message', async () => {
  const client = world.client();
  client.connect();
  await pass();
  world.server.conversation('fresh', ME, OTHER);
  world.server.post('fresh', OTHER, 'hello');
  await pass(1000);
  expect(client.conversations.getSnapshot()?.map((room) => room.id)).toContain('fresh');
  expect(texts(client, 'fresh')).toEqual(['hello']);
});

test('sync is tried again after a failure, and not while disconnected', async () => {
  const client = world.client();
  world.server.http = 'refused';
  client.connect();
  await pass(5000);
  expect(client.isSynced.getSnapshot()).toBe(false);
  world.server.ws = 'refused';
  FakeSocket.last.drop();
  const before = world.server.callsTo('/api/sync').length;
  await pass(60_000);
  expect(world.server.callsTo('/api/sync')).toHaveLength(before);
  world.server.ws = 'none';
  world.server.http = 'none';
  await pass(60_000);
  expect(client.isSynced.getSnapshot()).toBe(true);
});

test('statuses follow the others’ pointers, live and after an absence', async () => {
  const client = world.client();
  client.connect();
  await pass();
  client.send(ROOM, { text: 'one' });
  client.send(ROOM, { text: 'two' });
  await pass();
  expect(statuses(client)).toEqual(['sent', 'sent']);
  world.server.receipt(ROOM, OTHER, 'delivered', 2);
  world.server.receipt(ROOM, OTHER, 'read', 1);
  await pass();
  expect(statuses(client)).toEqual(['read', 'delivered']);
  FakeSocket.last.drop();
  world.server.receipt(ROOM, OTHER, 'read', 2);
  await pass(5000);
  expect(statuses(client)).toEqual(['read', 'read']);
});

test('an answer that takes a minute on a slow link is waited for', async () => {
  const client = world.client();
  for (let n = 1; n <= 5; n++) world.server.post(ROOM, OTHER, `m${n}`);
  world.server.answerDelayMs = 60_000;
  client.connect();
  await pass(65_000);
  expect(texts(client)).toHaveLength(5);
  expect(world.server.callsTo('/api/sync')).toHaveLength(1);
});

test('the network’s death in the middle of a sync loses nothing, and holds up nothing', async () => {
  const client = world.client();
  for (let n = 1; n <= 5; n++) world.server.post(ROOM, OTHER, `m${n}`);
  world.server.http = 'hanging';
  client.connect();
  await pass(2000);
  FakeSocket.last.drop();
  world.server.http = 'none';
  await pass(2000);
  expect(texts(client)).toHaveLength(5);
});

test('an answer that comes after the end of the connection starts nothing and says nothing', async () => {
  const client = world.client();
  client.on('connected', () => client.disconnect());
  const synced = vi.fn();
  client.on('synced', synced);
  client.connect();
  await pass(1000);
  client.send(ROOM, { text: 'later' });
  await pass(60_000);
  expect(synced).not.toHaveBeenCalled();
  expect(client.isSynced.getSnapshot()).toBe(false);
  expect(world.server.callsTo(`/api/conversations/${ROOM}/messages`)).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
