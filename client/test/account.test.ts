/** What is one's own over all devices: two of them end the same, whatever each missed. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { memoryStorage, type ParleyClient } from '../src';
import { keepAccount } from '../src/account';
import { FakeAccount } from './support/account';
import { FakeSocket, ME, OTHER } from './support/socket';
import { FakePlatform, fakeTime, pass, ROOM, World } from './support/world';

let world: World;
let account: FakeAccount;
beforeEach(() => {
  fakeTime();
  world = new World();
  account = new FakeAccount(world.server, ME);
});
afterEach(() => void vi.useRealTimers());

async function device(storage = memoryStorage()): Promise<ParleyClient> {
  const client = world.client(new FakePlatform(storage), { account: keepAccount() });
  client.connect();
  await pass(2000);
  return client;
}

function draft(client: ParleyClient): string | null {
  return client.account!.drafts.of(ROOM).getSnapshot()?.text ?? null;
}

function offline(): void {
  world.server.ws = 'refused';
  world.server.http = 'refused';
  for (const socket of FakeSocket.open) socket.drop();
}

async function online(): Promise<void> {
  world.server.ws = 'none';
  world.server.http = 'none';
  await pass(120_000);
}

test('a draft is here at once, on the server after a pause in typing, and then on the other device', async () => {
  const [phone, tablet] = [await device(), await device()];
  for (const text of ['H', 'He', 'Hel']) phone.account!.drafts.write(ROOM, { text });
  expect(draft(phone)).toBe('Hel');
  await pass(2000);
  expect(world.server.callsTo('/api/drafts/')).toHaveLength(1);
  expect(draft(tablet)).toBe('Hel');
  tablet.account!.drafts.end(ROOM);
  await pass(2000);
  expect([draft(phone), draft(tablet)]).toEqual([null, null]);
});

test.each([['phone first', true], ['tablet first', false]])('drafts that two devices write without a network end the same on both: %s', async (_, phoneFirst) => {
  const [phone, tablet] = [await device(), await device()];
  offline();
  const [first, second] = phoneFirst ? [phone, tablet] : [tablet, phone];
  first!.account!.drafts.write(ROOM, { text: 'older' });
  await pass(5000);
  second!.account!.drafts.write(ROOM, { text: 'newer' });
  await pass(5000);
  await online();
  expect([draft(phone), draft(tablet), account.drafts.get(ROOM)?.text]).toEqual(['newer', 'newer', 'newer']);
});

test('two drafts of the same moment end as the server’s', async () => {
  const [phone, tablet] = [await device(), await device()];
  phone.account!.drafts.write(ROOM, { text: 'one' });
  tablet.account!.drafts.write(ROOM, { text: 'two' });
  await pass(5000);
  const stands = account.drafts.get(ROOM)!.text;
  expect([draft(phone), draft(tablet)]).toEqual([stands, stands]);
});

test('a draft survives the process, and one that was sent elsewhere meanwhile does not come back', async () => {
  const storage = memoryStorage();
  const phone = await device(storage);
  phone.account!.drafts.write(ROOM, { text: 'first' });
  await pass(2000);
  offline();
  phone.account!.drafts.write(ROOM, { text: 'second', replyTo: 'm1' });
  await pass(100);
  phone.disconnect();
  const again = await device(storage);
  expect(again.account!.drafts.of(ROOM).getSnapshot()).toMatchObject({ text: 'second', replyTo: 'm1' });
  account.drafts.set(ROOM, { conversationId: ROOM, text: null, replyTo: null, attachments: [], updatedAt: new Date(Date.now() + 5000).toISOString() });
  await online();
  expect(draft(again)).toBeNull();
});

test('what is refused stays on the device, and is said', async () => {
  const phone = await device();
  const failures = vi.fn();
  phone.on('failure', failures);
  account.refuses = 'limit';
  phone.account!.drafts.write(ROOM, { text: 'one too many' });
  await pass(2000);
  expect(draft(phone)).toBe('one too many');
  expect(failures.mock.calls[0]![0]).toMatchObject({ code: 'limit' });
  await pass(60_000);
  expect(world.server.callsTo('/api/drafts/')).toHaveLength(1);
});

test('typing that goes on while a draft is on its way is sent next', async () => {
  const phone = await device();
  world.server.answerDelayMs = 500;
  phone.account!.drafts.write(ROOM, { text: 'a' });
  await pass(1200);
  phone.account!.drafts.write(ROOM, { text: 'ab' });
  await pass(5000);
  expect([draft(phone), account.drafts.get(ROOM)?.text]).toEqual(['ab', 'ab']);
});

test('an archived conversation leaves the list on all devices, and a message brings it back', async () => {
  const [phone, tablet] = [await device(), await device()];
  await phone.account!.marks.archive(ROOM, true);
  await pass(10);
  for (const client of [phone, tablet]) {
    expect(client.conversations.getSnapshot()).toEqual([]);
    expect(client.archived.getSnapshot()).toMatchObject([{ id: ROOM, isArchived: true }]);
  }
  world.server.post(ROOM, OTHER, 'hello');
  await pass(10);
  for (const client of [phone, tablet]) expect(client.conversations.getSnapshot()).toMatchObject([{ id: ROOM, isArchived: false }]);
  expect(phone.unread.getSnapshot()).toBe(1);
});

test('a mark that the server refuses is taken back', async () => {
  const phone = await device();
  account.refuses = 'forbidden';
  const marking = phone.account!.marks.pin(ROOM, true);
  expect(phone.conversations.getSnapshot()).toMatchObject([{ isPinned: true }]);
  await expect(marking).rejects.toMatchObject({ code: 'forbidden' });
  expect(phone.conversations.getSnapshot()).toMatchObject([{ isPinned: false }]);
});

test('a mark of unread ends when one reads further', async () => {
  const phone = await device();
  await phone.account!.marks.markUnread(ROOM, true);
  expect(phone.conversations.getSnapshot()).toMatchObject([{ isMarkedUnread: true }]);
  world.server.post(ROOM, OTHER, 'hello');
  await pass(10);
  phone.markRead(ROOM);
  expect(phone.conversations.getSnapshot()).toMatchObject([{ isMarkedUnread: false }]);
});

test('saved messages follow on the other device, and after a reconnect', async () => {
  const [phone, tablet] = [await device(), await device()];
  for (const client of [phone, tablet]) client.account!.saved.want();
  await pass(10);
  await phone.account!.saved.set('m1', true);
  await pass(10);
  const ids = (client: ParleyClient): string[] => [...client.account!.saved.list.getSnapshot().ids];
  expect([ids(phone), ids(tablet)]).toEqual([['m1'], ['m1']]);
  offline();
  account.saved.splice(0, 1, 'm2');
  await online();
  expect([ids(phone), ids(tablet)]).toEqual([['m2'], ['m2']]);
  account.refuses = 'deleted';
  await expect(phone.account!.saved.set('m3', true)).rejects.toMatchObject({ code: 'deleted' });
  expect(ids(phone)).toEqual(['m2']);
});

test('a name that changed shows in the profile and in conversations', async () => {
  const [phone, tablet] = [await device(), await device()];
  await phone.account!.me.change({ displayName: 'Me Myself' });
  await pass(10);
  for (const client of [phone, tablet]) {
    expect(client.account!.me.profile.getSnapshot()).toMatchObject({ id: ME, displayName: 'Me Myself' });
    expect(client.conversations.getSnapshot()![0]!.participants.find(({ id }) => id === ME)).toMatchObject({ displayName: 'Me Myself' });
  }
  expect(await phone.account!.me.people('my')).toHaveLength(1);
});

test('devices are listed and removed, and totals are asked for while somebody listens', async () => {
  const phone = await device();
  await phone.account!.devices.load();
  expect(phone.account!.devices.list.getSnapshot()).toMatchObject([{ id: 'd1' }]);
  await phone.account!.devices.remove('d1');
  expect(phone.account!.devices.list.getSnapshot()).toEqual([]);
  expect(world.server.callsTo('/api/unread')).toEqual([]);
  const stop = phone.account!.unread.totals.subscribe(() => {});
  account.totals = { messages: 3, mentions: 1, conversations: 2, marked: 0 };
  world.server.post(ROOM, OTHER, 'hello');
  await pass(2000);
  expect(phone.account!.unread.totals.getSnapshot()).toMatchObject({ messages: 3, mentions: 1 });
  stop();
  const asked = world.server.callsTo('/api/unread').length;
  world.server.post(ROOM, OTHER, 'again');
  await pass(5000);
  expect(world.server.callsTo('/api/unread')).toHaveLength(asked);
});
