/** What is kept on the device: a start without a network shows it, and nothing of another epoch or user stays. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { memoryStorage, type ParleyClient } from '../src';
import { clearHistory, keepHistory } from '../src/history';
import { ME, OTHER } from './support/socket';
import { FakePlatform, fakeTime, pass, ROOM, texts, World } from './support/world';

let world: World;
let storage: ReturnType<typeof memoryStorage>;
beforeEach(() => {
  fakeTime();
  world = new World();
  storage = memoryStorage();
});
afterEach(() => void vi.useRealTimers());

async function started(options = {}): Promise<ParleyClient> {
  const client = world.client(new FakePlatform(storage), { history: keepHistory(options) });
  client.connect();
  await pass(2000);
  return client;
}

async function keys(): Promise<string[]> {
  return (await storage.keys('parley/')).filter((key) => key.includes('/history1/'));
}

test('a cold start without a network shows lists and messages, and catches up from there', async () => {
  for (let n = 1; n <= 60; n++) world.server.post(ROOM, OTHER, `m${n}`);
  (await started({ messages: 20 })).disconnect();
  world.server.ws = 'refused';
  world.server.http = 'refused';
  const client = await started();
  expect(texts(client)).toEqual(Array.from({ length: 20 }, (_, n) => `m${n + 41}`));
  expect(client.messages(ROOM).getSnapshot()).toMatchObject({ isLoaded: true, hasOlder: true });
  expect(client.conversations.getSnapshot()?.[0]).toMatchObject({ id: ROOM, unreadCount: 60, lastMessage: { text: 'm60' } });
  expect(client.isSynced.getSnapshot()).toBe(false);
  world.server.ws = 'none';
  world.server.http = 'none';
  world.server.post(ROOM, OTHER, 'm61');
  await pass(60_000);
  expect(texts(client)).toHaveLength(21);
  expect(world.server.callsTo('/api/sync').at(-1)?.body).toMatchObject({ conversations: { [ROOM]: 60 } });
});

test('another epoch clears what is kept', async () => {
  world.server.post(ROOM, OTHER, 'of before');
  (await started()).disconnect();
  expect(await keys()).toHaveLength(1);
  world.server.epoch = 'e2';
  world.server.logs.clear();
  const client = await started();
  await pass(2000);
  expect(texts(client)).toEqual([]);
  expect(await keys()).toEqual([]);
});

test('another user’s history is removed, and one’s own on demand', async () => {
  world.server.post(ROOM, OTHER, 'hi');
  storage.set('parley/somebody/history1/room', '{}');
  storage.set('parley/somebody/outbox/1', '{}');
  (await started()).disconnect();
  expect(await keys()).toEqual([`parley/${ME}/history1/${ROOM}`]);
  expect(await storage.keys('parley/somebody/')).toEqual(['parley/somebody/outbox/1']);
  await clearHistory(storage, ME);
  expect(await keys()).toEqual([]);
});

test('the longest silent conversations make room, and a deleted text leaves the store', async () => {
  for (const id of ['a', 'b', 'c']) {
    world.server.conversation(id, ME, OTHER);
    world.server.post(id, OTHER, `text of ${id}`);
    await pass(1000);
  }
  const client = await started({ conversations: 2 });
  expect((await keys()).map((key) => key.at(-1))).toEqual(expect.arrayContaining(['b', 'c']));
  expect(await keys()).toHaveLength(2);
  world.server.tell('c', { type: 'message.deleted', timestamp: 't', conversationId: 'c', seq: 2, senderId: OTHER, messageId: 'c-1', messageSeq: 1, deletedBy: OTHER, by: 'author' });
  await pass(2000);
  expect(String(storage.get(`parley/${ME}/history1/c`))).not.toContain('text of c');
  client.disconnect();
});
