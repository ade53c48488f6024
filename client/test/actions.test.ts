/** What a person does to a message is shown at once, and ends as the server decides. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChatMessage, ParleyClient } from '../src';
import { FakeSocket, ME, OTHER } from './support/socket';
import { fakeTime, pass, ROOM, World } from './support/world';

let world: World;
let answer: (method: string, path: string) => Promise<Response> | null;
beforeEach(() => {
  fakeTime();
  world = new World();
  answer = () => null;
});
afterEach(() => void vi.useRealTimers());

const json = (body: object, status = 200): Promise<Response> => Promise.resolve(new Response(JSON.stringify(body), { status }));

async function started(): Promise<ParleyClient> {
  const fetch = (input: unknown, init?: RequestInit): Promise<Response> =>
    answer(init?.method ?? 'GET', String(input)) ?? world.server.fetch(input as string, init);
  const client = world.client(undefined, { fetch: fetch as typeof globalThis.fetch });
  client.connect();
  await pass();
  return client;
}

function only(client: ParleyClient): ChatMessage {
  return client.messages(ROOM).getSnapshot().messages[0]!;
}

function touched(type: string, seq: number, more: object): object {
  return { type, timestamp: 't', conversationId: ROOM, seq, senderId: ME, messageId: `${ROOM}-1`, messageSeq: 1, ...more };
}

test.each([
  ['an edit', (client: ParleyClient) => client.edit(ROOM, `${ROOM}-1`, { text: 'hello' }), { text: 'hello' }],
  ['a deletion', (client: ParleyClient) => client.deleteMessage(ROOM, `${ROOM}-1`), { text: '', isDeleted: true }],
  ['a reaction', (client: ParleyClient) => client.react(ROOM, `${ROOM}-1`, '👍', true), { reactions: [{ emoji: '👍', count: 1, mine: true }] }],
  ['a pin', (client: ParleyClient) => client.pin(ROOM, `${ROOM}-1`, true), { isPinned: true }],
])('%s shows at once, and is taken back where the server refuses', async (_, act, shown) => {
  world.server.post(ROOM, ME, 'helo');
  const client = await started();
  const before = only(client);
  answer = (method) => (method === 'POST' || method === 'GET' ? null : json({ error: 'no', code: 'not_allowed' }, 403));
  const refused = expect(act(client)).rejects.toMatchObject({ code: 'not_allowed' });
  expect(only(client)).toMatchObject(shown);
  await refused;
  expect(only(client)).toEqual(before);
});

test('what was answered stays until its event has come, and repeats of the event change nothing', async () => {
  world.server.post(ROOM, OTHER, 'hi');
  const client = await started();
  answer = (method) => (method === 'PUT' ? json({ reaction: { emoji: '👍', count: 1, mine: true }, rev: 2 }) : null);
  await client.react(ROOM, `${ROOM}-1`, '👍', true);
  expect(only(client).reactions).toEqual([{ emoji: '👍', count: 1, mine: true }]);
  for (let times = 0; times < 2; times++) FakeSocket.last.receive(touched('message.reaction', 2, { emoji: '👍', on: true, count: 1 }));
  expect(only(client).reactions).toEqual([{ emoji: '👍', count: 1, mine: true }]);
  FakeSocket.last.receive(touched('message.reaction', 3, { emoji: '👍', on: false, count: 0 }));
  expect(only(client).reactions).toEqual([]);
});

test('two taps on one reaction reach the server one after the other', async () => {
  world.server.post(ROOM, OTHER, 'hi');
  const client = await started();
  const heard: string[] = [];
  let free = (): void => {};
  answer = (method, path) => {
    if (!path.includes('/reactions/')) return null;
    heard.push(method);
    return method === 'PUT' ? new Promise((resolve) => (free = () => void json({ rev: 2 }).then(resolve))) : json({ rev: 3 });
  };
  const taps = [client.react(ROOM, `${ROOM}-1`, '👍', true), client.react(ROOM, `${ROOM}-1`, '👍', false)];
  await pass();
  expect(heard).toEqual(['PUT']);
  expect(only(client).reactions).toEqual([]);
  free();
  await Promise.all(taps);
  expect(heard).toEqual(['PUT', 'DELETE']);
});

test('what was deleted is not the last message of its conversation, nor what one hid on another device a message', async () => {
  for (const text of ['one', 'two', 'three']) world.server.post(ROOM, OTHER, text);
  const client = await started();
  const last = (): string | undefined => client.conversations.getSnapshot()?.[0]?.lastMessage?.text;
  FakeSocket.last.receive({ ...touched('message.deleted', 4, { deletedBy: OTHER, by: 'author' }), messageId: `${ROOM}-3`, messageSeq: 3 });
  expect(last()).toBe('two');
  expect(client.unread.getSnapshot()).toBe(2);
  FakeSocket.last.receive({ type: 'message.hidden', conversationId: ROOM, messageId: `${ROOM}-2`, messageSeq: 2 });
  expect(last()).toBe('one');
  expect(client.messages(ROOM).getSnapshot().messages.map(({ text }) => text)).toEqual(['one', '']);
});

test('a place far back is shown apart, follows what happens to it, and a newer page does not lose an event', async () => {
  for (let n = 1; n <= 200; n++) world.server.post(ROOM, OTHER, `m${n}`);
  const client = await started();
  const wire = (seq: number): object => ({ id: `${ROOM}-${seq}`, conversationId: ROOM, seq, senderId: OTHER, text: `m${seq}`, createdAt: 't', status: 'read' });
  answer = (_, path) => {
    if (!path.includes('around=20')) return null;
    // While the answer is under way somebody edits what it will bring.
    FakeSocket.last.receive({ ...touched('message.edited', 201, { text: 'edited', rev: 201 }), messageId: `${ROOM}-20`, messageSeq: 20 });
    return json({ messages: [19, 20, 21].map(wire), pagination: { hasMore: true }, asOfSeq: 200 });
  };
  expect(await client.loadAround(ROOM, 20)).toBe(false);
  const around = (): string[] => client.around(ROOM).getSnapshot().map(({ text }) => text);
  expect(around()).toEqual(['m19', 'edited', 'm21']);
  FakeSocket.last.receive({ ...touched('message.deleted', 202, { deletedBy: OTHER, by: 'author' }), messageId: `${ROOM}-21`, messageSeq: 21 });
  expect(around()).toEqual(['m19', 'edited', '']);
  expect(client.messages(ROOM).getSnapshot().messages).toHaveLength(50);
  expect(await client.loadAround(ROOM, 180)).toBe(true);
});

test('a new name, who joins and a removal of oneself are told by the event alone', async () => {
  world.server.post(ROOM, OTHER, 'hi');
  const client = await started();
  const seen = (): unknown => client.conversations.getSnapshot()?.[0];
  FakeSocket.last.receive({ type: 'conversation.changed', conversationId: ROOM, seq: 2, senderId: OTHER, name: 'Crew', added: [{ id: 'new', role: 'member', handle: 'n' }], participantCount: 3 });
  expect(seen()).toMatchObject({ name: 'Crew', participantCount: 3, participants: [{}, {}, { id: 'new', handle: 'n' }] });
  FakeSocket.last.receive({ type: 'conversation.changed', conversationId: ROOM, seq: 3, senderId: OTHER, removed: [ME], participantCount: 2 });
  expect(seen()).toBeUndefined();
});
