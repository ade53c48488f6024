/** One phone, two people: where the app's session is already the next one's, nothing is said in the name of either. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError, memoryStorage, type KeyValueStorage, type ParleyClient } from '../src';
import { FakeSocket, ME, OTHER } from './support/socket';
import { fakeTime, FakePlatform, pass, ROOM, statuses, World } from './support/world';

let world: World;
let storage: KeyValueStorage;
let token: string;
let client: ParleyClient;
beforeEach(() => {
  fakeTime();
  world = new World();
  storage = memoryStorage();
  token = world.server.jwt(ME);
  client = world.client(new FakePlatform(storage), { getToken: () => token });
});
afterEach(() => void vi.useRealTimers());

const stopped = { status: 'stopped', code: 4999, reason: 'the token is of another user' };
const signInOther = (): string => (token = world.server.jwt(OTHER));
const senders = (): string[] => world.server.logs.get(ROOM)!.events.map((event) => ('senderId' in event ? event.senderId : ''));

test('a message is never posted with the token of another, and waits for its own user', async () => {
  client.connect();
  await pass();
  signInOther();
  const failures = vi.fn();
  client.on('failure', failures);
  client.send(ROOM, { text: 'mine' });
  await pass(60_000);
  expect(senders()).toEqual([]);
  expect(world.server.callsTo(`/api/conversations/${ROOM}/messages`)).toEqual([]);
  expect(statuses(client)).toEqual(['queued']);
  expect(await storage.keys(`parley/${ME}/outbox/`)).toHaveLength(1);
  expect(client.connection.getSnapshot()).toMatchObject(stopped);
  expect(failures).toHaveBeenCalledWith(expect.objectContaining({ code: 'wrong_user' }));
});

test('what was queued offline stays queued when the network comes back with the next user', async () => {
  world.server.http = 'refused';
  world.server.ws = 'refused';
  client.connect();
  client.send(ROOM, { text: 'mine' });
  await pass(1000);
  signInOther();
  world.server.http = world.server.ws = 'none';
  await pass(120_000);
  expect(senders()).toEqual([]);
  expect(client.connection.getSnapshot()).toMatchObject(stopped);
  expect(FakeSocket.open).toHaveLength(0);
});

test('the socket that found another user stops the outbox too, also where the token itself says nothing', async () => {
  token = 'token-other';
  client.send(ROOM, { text: 'mine' });
  client.connect();
  await pass();
  world.server.http = 'none';
  await pass(120_000);
  expect(client.connection.getSnapshot()).toMatchObject(stopped);
  client.send(ROOM, { text: 'and this' });
  await pass(120_000);
  const before = world.server.calls.length;
  await expect(client.createConversation({ participantIds: [OTHER] })).rejects.toMatchObject({ code: 'wrong_user' });
  expect(world.server.calls).toHaveLength(before);
});

test('when its own user is back, `connect()` sends what waited, once', async () => {
  client.connect();
  await pass();
  signInOther();
  client.send(ROOM, { text: 'mine' });
  await pass(60_000);
  token = world.server.jwt(ME, 2);
  await pass(60_000);
  expect(senders()).toEqual([]);
  client.connect();
  await pass(1000);
  expect(senders()).toEqual([ME]);
  expect(client.connection.getSnapshot().status).toBe('connected');
});

test.each<[string, (client: ParleyClient) => Promise<unknown>]>([
  ['opens a conversation', (one) => one.createConversation({ participantIds: [OTHER] })],
  ['hides one', (one) => one.hideConversation(ROOM)],
  ['registers for push', (one) => one.registerPushToken({ token: 'ExponentPushToken[x]' })],
  ['takes a push token off', (one) => one.removePushToken('ExponentPushToken[x]')],
])('nobody %s with the token of another, and the app hears why', async (_, act) => {
  client.connect();
  await pass();
  signInOther();
  const before = world.server.calls.length;
  const refused = await act(client).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ApiError);
  expect(refused).toMatchObject({ code: 'wrong_user' });
  expect(world.server.calls).toHaveLength(before);
  expect(client.connection.getSnapshot()).toMatchObject(stopped);
  expect(FakeSocket.open).toHaveLength(0);
});

test('a token renewed on the live socket is not handed over where it is of another', async () => {
  const claims = { sub: ME, exp: Date.now() / 1000 + 120, iat: Date.now() / 1000 };
  token = ['{}', JSON.stringify(claims), 'x'].map((part) => btoa(part)).join('.');
  world.server.admit(token, ME);
  client.connect();
  await pass();
  signInOther();
  await pass(120_000);
  expect(FakeSocket.all.flatMap((socket) => socket.sentOf('auth'))).toEqual([]);
  expect(client.connection.getSnapshot()).toMatchObject(stopped);
});

test('a second try with a fresh token after a 401 is no way around', async () => {
  const fresh = world.server.jwt(OTHER);
  client = world.client(new FakePlatform(storage), { getToken: ({ force }) => (force ? fresh : token) });
  client.connect();
  await pass();
  delete world.server.tokens[token];
  client.send(ROOM, { text: 'mine' });
  await pass(60_000);
  expect(senders()).toEqual([]);
  expect(statuses(client)).toEqual(['queued']);
});

test('a token whose user is written in capitals is the same user’s', async () => {
  token = world.server.jwt(ME.toUpperCase());
  world.server.admit(token, ME);
  client.connect();
  await pass();
  expect(client.connection.getSnapshot().status).toBe('connected');
});
