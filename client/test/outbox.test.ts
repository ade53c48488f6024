import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { memoryStorage, type KeyValueStorage } from '../src';
import { FakeSocket, ME, OTHER } from './support/socket';
import { fakeTime, FakePlatform, pass, ROOM, statuses, texts, World } from './support/world';

let world: World;
let storage: KeyValueStorage;
let platform: FakePlatform;
beforeEach(() => {
  fakeTime();
  world = new World();
  storage = memoryStorage();
  platform = new FakePlatform(storage);
});
afterEach(() => void vi.useRealTimers());

const stored = async (): Promise<string[]> => storage.keys('parley/');
const seen = (): string[] => world.server.logs.get(ROOM)!.events.map((event) => ('text' in event ? event.text : event.type) as string);
const posts = (): unknown[] => world.server.callsTo(`/api/conversations/${ROOM}/messages`).map((call) => call.body);

test('a message shows at once and is replaced in place, under the same key', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.answerDelayMs = 100;
  world.server.mute = () => true;
  const clientId = client.send(ROOM, { text: '  hello ' });
  expect(client.messages(ROOM).getSnapshot().messages[0]).toMatchObject({ key: clientId, text: 'hello', status: 'queued', isMine: true, senderHandle: 'me' });
  await pass();
  expect(statuses(client)).toEqual(['sending']);
  await pass(100);
  expect(client.messages(ROOM).getSnapshot().messages).toMatchObject([{ key: clientId, seq: 1, status: 'sent' }]);
});

test('an echo that beats the HTTP answer settles the message, and the answer adds nothing', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.answerDelayMs = 5000;
  const clientId = client.send(ROOM, { text: 'one' });
  await pass();
  expect(client.messages(ROOM).getSnapshot().messages).toMatchObject([{ key: clientId, seq: 1, status: 'sent' }]);
  expect(await stored()).toEqual([]);
  await pass(5000);
  expect(texts(client)).toEqual(['one']);
});

test('an echo frees the next message where the HTTP answer is lost', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.http = 'answer lost';
  client.send(ROOM, { text: 'one' });
  client.send(ROOM, { text: 'two' });
  await pass();
  expect(seen()).toEqual(['one', 'two']);
  await pass(60_000);
  expect(posts()).toHaveLength(2);
  expect(statuses(client)).toEqual(['sent', 'sent']);
});

test('an answer that comes before its predecessors waits for its place without vanishing', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.mute = () => true;
  world.server.post(ROOM, OTHER, 'theirs');
  const sync = world.server.callsTo('/api/sync').length;
  client.send(ROOM, { text: 'mine' });
  await pass();
  expect(texts(client)).toEqual(['mine']);
  expect(statuses(client)).toEqual(['sent']);
  expect(await stored()).toEqual([]);
  await pass(200);
  expect(world.server.callsTo('/api/sync').length).toBeGreaterThan(sync);
  expect(texts(client)).toEqual(['theirs', 'mine']);
});

test('written offline: waits visibly, goes out in order, each once', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.http = 'refused';
  world.server.ws = 'refused';
  FakeSocket.last.drop();
  for (const text of ['one', 'two', 'three']) client.send(ROOM, { text });
  await pass(20_000);
  expect(statuses(client)).toEqual(['queued', 'queued', 'queued']);
  world.server.http = 'none';
  world.server.ws = 'none';
  platform.setOnline(true);
  await pass(40_000);
  expect(seen()).toEqual(['one', 'two', 'three']);
  expect(texts(client)).toEqual(['one', 'two', 'three']);
  expect(await stored()).toEqual([]);
});

test('a process that dies with a full outbox sends all of it after its restart, once each', async () => {
  const first = world.client(platform);
  first.connect();
  await pass();
  world.server.http = 'answer lost';
  world.server.mute = () => true;
  for (const text of ['one', 'two', 'three']) first.send(ROOM, { text });
  await pass(100);
  expect(seen()).toEqual(['one']);
  expect(await stored()).toHaveLength(3);
  // The process is gone: its sockets, timers and promises with it.
  vi.clearAllTimers();
  FakeSocket.last.isClosed = true;
  world.server.http = 'none';
  world.server.mute = () => false;
  const second = world.client(new FakePlatform(storage));
  second.connect();
  await pass(1000);
  expect(seen()).toEqual(['one', 'two', 'three']);
  expect(texts(second)).toEqual(['one', 'two', 'three']);
  expect(statuses(second)).toEqual(['sent', 'sent', 'sent']);
  expect(await stored()).toEqual([]);
});

test('what an earlier process left goes before what this one writes while it loads', async () => {
  const first = world.client(platform);
  world.server.http = 'refused';
  first.connect();
  first.send(ROOM, { text: 'old' });
  await pass();
  vi.clearAllTimers();
  world.server.http = 'none';
  const slow: KeyValueStorage = { ...storage, keys: async (prefix) => (await new Promise((resolve) => setTimeout(resolve, 500)), storage.keys(prefix)) };
  const second = world.client(new FakePlatform(slow));
  second.connect();
  second.send(ROOM, { text: 'new' });
  await pass(2000);
  expect(seen()).toEqual(['old', 'new']);
});

test('every retry carries the same clientId', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.mute = () => true;
  world.server.http = 'answer lost';
  client.send(ROOM, { text: 'one' });
  await pass(120_000);
  expect(posts().length).toBeGreaterThan(2);
  expect(new Set(posts().map((body) => (body as { clientId: string }).clientId)).size).toBe(1);
  expect(seen()).toEqual(['one']);
});

test('a send that hangs on a dead path goes out as soon as there is another', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.http = 'hanging';
  client.send(ROOM, { text: 'one' });
  await pass(1000);
  world.server.http = 'none';
  FakeSocket.last.drop();
  await pass(2000);
  expect(seen()).toEqual(['one']);
  expect(statuses(client)).toEqual(['sent']);
});

test('what waited long goes out right after the reconnect, once all that was missed is here', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.http = 'refused';
  world.server.ws = 'refused';
  FakeSocket.last.drop();
  client.send(ROOM, { text: 'reply' });
  await pass(600_000);
  world.server.post(ROOM, OTHER, 'question');
  world.server.http = 'none';
  world.server.ws = 'none';
  platform.setOnline(false);
  world.server.calls.length = 0;
  platform.setOnline(true);
  await pass(600);
  expect(texts(client)).toEqual(['question', 'reply']);
  const order = world.server.calls.map(({ path }) => path);
  expect(order.indexOf('/api/sync')).toBeLessThan(order.indexOf(`/api/conversations/${ROOM}/messages`));
});

test('nothing is sent before it is stored, and what is discarded meanwhile not at all', async () => {
  let writes: (() => void)[] = [];
  const slow: KeyValueStorage = { ...storage, set: (key, value) => new Promise((resolve) => writes.push(() => resolve(storage.set(key, value)))) };
  const client = world.client(new FakePlatform(slow));
  client.connect();
  await pass();
  const discarded = client.send(ROOM, { text: 'discarded' });
  client.send(ROOM, { text: 'stored' });
  await pass(1000);
  expect(posts()).toEqual([]);
  expect(client.discard(discarded)).toBe(true);
  for (const write of writes) write();
  await pass(1000);
  expect(seen()).toEqual(['stored']);
  expect(await stored()).toEqual([]);
});

test('an echo that came before the storage was read leaves nothing waiting', async () => {
  const first = world.client(platform);
  first.connect();
  await pass();
  world.server.http = 'answer lost';
  world.server.mute = () => true;
  first.send(ROOM, { text: 'one' });
  await pass();
  vi.clearAllTimers();
  FakeSocket.last.isClosed = true;
  world.server.http = 'none';
  const slow: KeyValueStorage = { ...storage, keys: async (prefix) => (await new Promise((resolve) => setTimeout(resolve, 500)), storage.keys(prefix)) };
  const second = world.client(new FakePlatform(slow));
  second.connect();
  await pass(2000);
  expect(statuses(second)).toEqual(['sent']);
  expect(await stored()).toEqual([]);
  world.server.mute = () => false;
  world.server.post(ROOM, OTHER, 'answer');
  expect(second.conversations.getSnapshot()?.[0]?.lastMessage?.text).toBe('answer');
  second.disconnect();
  const third = world.client(new FakePlatform(storage));
  third.connect();
  await pass(1000);
  expect(texts(third)).toEqual(['one', 'answer']);
});

test('half an answer is no answer', async () => {
  let whole = false;
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await world.server.fetch(input, init);
    return whole || init?.method !== 'POST' ? response : new Response((await response.text()).slice(0, 20), response);
  };
  world.server.mute = () => true;
  const client = world.client(platform, { fetch });
  client.connect();
  client.send(ROOM, { text: 'one' });
  await pass(3000);
  expect(statuses(client)).not.toEqual(['sent']);
  whole = true;
  await pass(40_000);
  expect(statuses(client)).toEqual(['sent']);
  expect(seen()).toEqual(['one']);
});

test('one conversation does not wait for another', async () => {
  world.server.conversation('second', ME, OTHER);
  const client = world.client(platform, { fetch: async (input, init) => (String(input).includes(`/${ROOM}/messages`) ? new Promise(() => {}) : world.server.fetch(input, init)) });
  client.connect();
  await pass();
  client.send(ROOM, { text: 'stuck' });
  client.send('second', { text: 'free' });
  await pass();
  expect(statuses(client, 'second')).toEqual(['sent']);
  expect(statuses(client)).toEqual(['sending']);
});

test('a message that the server refuses fails with its words, and holds up nobody', async () => {
  world.server.conversation('foreign', OTHER);
  const client = world.client(platform);
  client.connect();
  await pass();
  const clientId = client.send('foreign', { text: 'let me in' });
  await pass();
  expect(client.messages('foreign').getSnapshot().messages).toMatchObject([{ status: 'failed', error: 'not a participant' }]);
  client.retry(clientId);
  await pass();
  expect(statuses(client, 'foreign')).toEqual(['failed']);
  expect(client.discard(clientId)).toBe(true);
  expect(texts(client, 'foreign')).toEqual([]);
  await pass();
  expect(await stored()).toEqual([]);
});

test('a failed message is still there, and still failed, after a restart', async () => {
  world.server.conversation('foreign', OTHER);
  const first = world.client(platform);
  first.connect();
  first.send('foreign', { text: 'x' });
  await pass();
  first.disconnect();
  const second = world.client(new FakePlatform(storage));
  second.connect();
  await pass();
  expect(statuses(second, 'foreign')).toEqual(['failed']);
});

test('what waited a day is not sent any more without being asked', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.http = 'refused';
  client.send(ROOM, { text: 'yesterday' });
  await pass(25 * 3600 * 1000);
  world.server.http = 'none';
  await pass(60_000);
  expect(statuses(client)).toEqual(['failed']);
  expect(seen()).toEqual([]);
});

test('a 429 is heeded for as long as it says', async () => {
  let refuse = true;
  const fetch: typeof globalThis.fetch = async (input, init) =>
    refuse && init?.method === 'POST' && String(input).endsWith('/messages')
      ? new Response('{"error":"slow down","code":"rate_limited"}', { status: 429, headers: { 'Retry-After': '20' } })
      : world.server.fetch(input, init);
  const client = world.client(platform, { fetch });
  client.connect();
  await pass();
  client.send(ROOM, { text: 'one' });
  await pass();
  refuse = false;
  await pass(19_000);
  expect(seen()).toEqual([]);
  await pass(1500);
  expect(seen()).toEqual(['one']);
});

test('storage that fails costs durability, not delivery', async () => {
  const broken: KeyValueStorage = { get: () => null, keys: () => Promise.reject(new Error('no')), set: () => Promise.reject(new Error('full')), remove: () => {} };
  const failures = vi.fn();
  const client = world.client(new FakePlatform(broken));
  client.on('failure', failures);
  client.connect();
  client.send(ROOM, { text: 'one' });
  await pass();
  expect(seen()).toEqual(['one']);
  expect(failures).toHaveBeenCalled();
});

test('half a write of a dying process does not take the other messages with it', async () => {
  const first = world.client(platform);
  world.server.http = 'refused';
  first.connect();
  first.send(ROOM, { text: 'whole' });
  await pass();
  vi.clearAllTimers();
  await storage.set(`parley/${ME}/outbox/broken`, '{"clientId":"bro');
  world.server.http = 'none';
  world.client(new FakePlatform(storage)).connect();
  await pass(1000);
  expect(seen()).toEqual(['whole']);
});

test('another user on the same device never sends what this one left', async () => {
  const mine = world.client(platform);
  world.server.http = 'refused';
  mine.connect();
  mine.send(ROOM, { text: 'mine' });
  await pass();
  mine.disconnect();
  world.server.http = 'none';
  const theirs = world.client(new FakePlatform(storage), { userId: OTHER, getToken: () => 'token-other' });
  theirs.connect();
  await pass(60_000);
  expect(seen()).toEqual([]);
  expect(await stored()).toHaveLength(1);
});

test('after disconnect nothing is sent; after connect all of it', async () => {
  const client = world.client(platform);
  client.connect();
  await pass();
  world.server.answerDelayMs = 50;
  world.server.mute = () => true;
  for (const text of ['one', 'two', 'three']) client.send(ROOM, { text });
  await pass(10);
  client.disconnect();
  await pass(60_000);
  expect(seen()).toEqual(['one']);
  client.connect();
  await pass(1000);
  expect(seen()).toEqual(['one', 'two', 'three']);
  expect(texts(client)).toEqual(['one', 'two', 'three']);
});

test('disconnect ends sending even where there was no socket', async () => {
  world.server.ws = 'refused';
  world.server.answerDelayMs = 50;
  const client = world.client(platform);
  client.connect();
  for (const text of ['one', 'two']) client.send(ROOM, { text });
  await pass(10);
  client.disconnect();
  await pass(60_000);
  expect(seen()).toEqual(['one']);
  client.connect();
  await pass(1000);
  expect(seen()).toEqual(['one', 'two']);
});

test('two devices of one user: each sees what the other sends, once', async () => {
  const phone = world.client(platform);
  const tablet = world.client(new FakePlatform());
  phone.connect();
  tablet.connect();
  await pass();
  phone.send(ROOM, { text: 'from the phone' });
  tablet.send(ROOM, { text: 'from the tablet' });
  await pass(1000);
  expect(texts(phone)).toEqual(texts(tablet));
  expect(texts(phone)).toHaveLength(2);
  expect(phone.messages(ROOM).getSnapshot().messages.every((message) => message.isMine)).toBe(true);
});

test('a blank message is refused before anything happens', () => {
  expect(() => world.client(platform).send(ROOM, { text: ' \n' })).toThrow(RangeError);
});

test('two people, both offline by turns, end with the same order and nothing lost or twice', async () => {
  const mine = world.client(platform);
  const theirs = world.client(new FakePlatform(), { userId: OTHER, handle: 'other', getToken: () => 'token-other' });
  mine.connect();
  theirs.connect();
  await pass();
  const faults = ['none', 'refused', 'answer lost', 'hanging'] as const;
  for (let n = 0; n < 40; n++) {
    world.server.http = faults[n % 4]!;
    world.server.mute = (seq) => (seq + n) % 3 === 0;
    if (n % 5 === 0) FakeSocket.open[n % 2]?.drop();
    mine.send(ROOM, { text: `mine ${n}` });
    theirs.send(ROOM, { text: `theirs ${n}` });
    await pass(700);
  }
  world.server.http = 'none';
  world.server.mute = () => false;
  await pass(120_000);
  expect(texts(mine)).toEqual(texts(theirs));
  expect(texts(mine)).toEqual(seen());
  expect(seen().filter((text) => text.startsWith('mine'))).toEqual(Array.from({ length: 40 }, (_, n) => `mine ${n}`));
  expect(seen()).toHaveLength(80);
});
