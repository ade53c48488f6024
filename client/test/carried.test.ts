/** What messages carry beside their text, messages that end by themselves, and messages for later. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ParleyClient } from '../src';
import { scheduledOf } from '../src/scheduled';
import { FakeSocket, ME, OTHER } from './support/socket';
import { fakeTime, pass, ROOM, texts, World } from './support/world';

let world: World;
let asked: { method: string; path: string; body: unknown }[];
beforeEach(() => {
  fakeTime();
  world = new World();
  asked = [];
});
afterEach(() => void vi.useRealTimers());

async function started(answer: (path: string) => object | null = () => null): Promise<ParleyClient> {
  const fetch = (input: unknown, init?: RequestInit): Promise<Response> => {
    const path = String(input).replace('http://parley.test', '');
    asked.push({ method: init?.method ?? 'GET', path, body: JSON.parse((init?.body as string) ?? 'null') });
    const given = answer(path);
    return given ? Promise.resolve(new Response(JSON.stringify(given))) : world.server.fetch(input as string, init);
  };
  const client = world.client(undefined, { fetch: fetch as typeof globalThis.fetch });
  client.connect();
  await pass();
  return client;
}

function news(seq: number, more: object): object {
  return {
    type: 'message.new', timestamp: 't', conversationId: ROOM, seq, messageId: `m${seq}`, senderId: OTHER, senderHandle: 'other', text: `text ${seq}`,
    status: 'sent', clientId: null, replyTo: null, mediaUrl: null, createdAt: '2026-11-22T12:00:00.000Z', ...more,
  };
}

const list = (client: ParleyClient) => client.conversations.getSnapshot()!.find(({ id }) => id === ROOM)!;

test('a message goes out with all that it carries, and a forward needs no text', async () => {
  const client = await started();
  const forward = { conversationId: ROOM, messageId: 'm1' };
  const carried = { mentions: [OTHER], preview: { url: 'https://x.example/' }, expiresIn: 60 };
  client.send(ROOM, { text: 'look', ...carried });
  expect(client.messages(ROOM).getSnapshot().messages[0]).toMatchObject({ mentions: [OTHER], preview: carried.preview });
  client.send(ROOM, { text: '', forward });
  expect(() => client.send(ROOM, { text: ' ' })).toThrow(RangeError);
  await pass(100);
  const bodies = asked.filter(({ method, path }) => method === 'POST' && path.endsWith('/messages')).map(({ body }) => body);
  expect(bodies).toMatchObject([{ text: 'look', ...carried }, { text: '', forward }]);
});

test('mentions of this user, or of all, are counted while they are unread', async () => {
  const client = await started();
  FakeSocket.last.receive(news(1, { mentions: [ME] }));
  FakeSocket.last.receive(news(2, { mentions: 'all' }));
  FakeSocket.last.receive(news(3, { mentions: [OTHER] }));
  await pass();
  expect(list(client)).toMatchObject({ unreadCount: 3, mentionCount: 2 });
  FakeSocket.last.receive({ type: 'message.deleted', timestamp: 't', conversationId: ROOM, seq: 4, senderId: OTHER, messageId: 'm2', messageSeq: 2, deletedBy: OTHER, by: 'author' });
  await pass();
  expect(list(client)).toMatchObject({ unreadCount: 2, mentionCount: 1 });
});

test('a message ends by this device’s clock, without a word of the server and without a network', async () => {
  const client = await started();
  FakeSocket.last.receive(news(1, {}));
  FakeSocket.last.receive(news(2, { expiresAt: '2026-11-22T12:00:30.000Z', mentions: [ME] }));
  await pass();
  expect(list(client)).toMatchObject({ unreadCount: 2, mentionCount: 1 });
  client.disconnect();
  await pass(31_000);
  expect(texts(client)).toEqual(['text 1', '']);
  expect(client.messages(ROOM).getSnapshot().messages[1]).toMatchObject({ isDeleted: true, expiresAt: null });
  expect(list(client)).toMatchObject({ unreadCount: 1, mentionCount: 0, lastMessage: { text: 'text 1' } });
});

test('messages for later are made, listed, changed and cancelled by their own routes', async () => {
  const client = await started((path) => (path.startsWith('/api/scheduled') ? { scheduled: { id: 's1' }, nextCursor: null, success: true } : null));
  const later = scheduledOf(client);
  const sendAt = new Date('2026-11-23T12:00:00.000Z');
  expect(await later.create({ conversationId: ROOM, text: 'later', sendAt, mentions: 'all' })).toEqual({ id: 's1' });
  await later.list({ cursor: '1.x' });
  await later.edit('s1', { text: 'other' });
  await later.get('s1');
  await later.cancel('s1');
  expect(asked.filter(({ path }) => path.startsWith('/api/scheduled'))).toEqual([
    { method: 'POST', path: '/api/scheduled', body: { conversationId: ROOM, text: 'later', sendAt: sendAt.toJSON(), mentions: 'all' } },
    { method: 'GET', path: '/api/scheduled?limit=50&cursor=1.x', body: null },
    { method: 'PATCH', path: '/api/scheduled/s1', body: { text: 'other' } },
    { method: 'GET', path: '/api/scheduled/s1', body: null },
    { method: 'DELETE', path: '/api/scheduled/s1', body: null },
  ]);
});
