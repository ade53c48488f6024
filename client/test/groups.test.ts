import { expect, test } from 'vitest';
import { Groups } from '../src/groups';

test('each change of a group asks its one route', async () => {
  const asked: unknown[][] = [];
  const answers = { conversation: { id: 'c' }, added: ['u'], invites: [], invite: { token: 't' } };
  const api = { call: async (...request: unknown[]) => (asked.push(request.filter((one) => one !== undefined)), answers) };
  const groups = new Groups(api as never, () => 'me');

  await groups.update('c', { name: null });
  expect(await groups.add('c', ['u'])).toEqual(['u']);
  await groups.setRole('c', 'u', 'admin');
  await groups.remove('c', 'u');
  await groups.leave('c');
  expect((await groups.createInvite('c', { maxUses: 1 })).token).toBe('t');
  await groups.invites('c');
  await groups.revokeInvite('c', 'i');
  await groups.previewInvite('t/t');
  await groups.join('t');

  const room = '/api/conversations/c';
  expect(asked).toEqual([
    ['PATCH', room, { name: null }],
    ['POST', `${room}/members`, { userIds: ['u'], history: 'none' }],
    ['PATCH', `${room}/members/u`, { role: 'admin' }],
    ['DELETE', `${room}/members/u`],
    ['DELETE', `${room}/members/me`],
    ['POST', `${room}/invites`, { maxUses: 1 }],
    ['GET', `${room}/invites`],
    ['DELETE', `${room}/invites/i`],
    ['GET', '/api/invites/t%2Ft'],
    ['POST', '/api/invites/t'],
  ]);
});
