import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWsAdapter } from '../src';
import { FakeSocket, OTHER } from './support/socket';
import { fakeTime, pass, ROOM, World } from './support/world';

beforeEach(fakeTime);
afterEach(() => void vi.useRealTimers());

test('the existing app’s names work as they did', async () => {
  const world = new World();
  const client = world.client();
  const adapter = createWsAdapter(client);
  expect([adapter.getConnectionState(), adapter.isConnected()]).toEqual(['disconnected', false]);
  adapter.connect();
  expect(adapter.getConnectionState()).toBe('connecting');
  await pass();
  expect([adapter.getConnectionState(), adapter.isConnected()]).toEqual(['connected', true]);
  adapter.joinConversation(ROOM);
  adapter.sendTyping(ROOM, true);
  adapter.leaveConversation(ROOM);
  adapter.send('read', { conversationId: ROOM, seq: 1 });
  expect(FakeSocket.last.sent.slice(-4)).toEqual([
    { type: 'join', conversationId: ROOM },
    { type: 'typing', conversationId: ROOM, isTyping: true },
    { type: 'typing', conversationId: ROOM, isTyping: false },
    { type: 'read', conversationId: ROOM, seq: 1 },
  ]);
  FakeSocket.last.drop();
  expect(adapter.getConnectionState()).toBe('reconnecting');
  expect(adapter.send('ping')).toBe(false);
  adapter.reconnect();
  await pass();
  expect(adapter.isConnected()).toBe(true);
  adapter.disconnect();
  expect(adapter.getConnectionState()).toBe('disconnected');
});

test('a handler hears others’ messages, not the echo of its own, until it is taken off', async () => {
  const world = new World();
  const client = world.client();
  const adapter = createWsAdapter(client);
  const heard: string[] = [];
  const handler = ({ text }: { text: string }): void => void heard.push(text);
  const stop = adapter.on('message.new', handler);
  adapter.on('message.new', handler);
  adapter.connect();
  await pass();
  client.send(ROOM, { text: 'mine' });
  await pass();
  world.server.post(ROOM, OTHER, 'theirs');
  expect(heard).toEqual(['theirs']);
  stop();
  adapter.on('message.new', handler);
  adapter.off('message.new', handler);
  world.server.post(ROOM, OTHER, 'more');
  expect(heard).toEqual(['theirs']);
});
