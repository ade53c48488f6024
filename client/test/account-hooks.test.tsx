// @vitest-environment jsdom
/** The hooks on what is one's own, under react-dom. */

import { act, cleanup, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ParleyClient } from '../src';
import { keepAccount } from '../src/account';
import { useArchived, useDevices, useDraft, useMe, useSaved, useUnreadTotals, WebSocketProvider } from '../src/react';
import { FakeAccount } from './support/account';
import { ME } from './support/socket';
import { fakeTime, pass, ROOM, World } from './support/world';

let world: World;
beforeEach(() => {
  fakeTime();
  world = new World();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

/** `seen()` is what the hook gave at the last render. */
async function mount<T>(client: ParleyClient, hook: () => T): Promise<() => T> {
  let value: T;
  function Probe(): ReactNode {
    value = hook();
    return null;
  }
  await act(async () => void render(<WebSocketProvider client={client}><Probe /></WebSocketProvider>));
  await act(() => pass(10));
  return () => value;
}

test('what is one’s own is shown as it changes here and elsewhere', async () => {
  const account = new FakeAccount(world.server, ME);
  const seen = await mount(world.client(undefined, { account: keepAccount() }), () => ({
    draft: useDraft(ROOM), saved: useSaved(), archived: useArchived(), me: useMe(), devices: useDevices(), totals: useUnreadTotals(),
  }));
  expect(seen()).toMatchObject({
    draft: { draft: null }, saved: { messages: [] }, archived: { archived: [] }, me: { me: { handle: 'me' } }, devices: { devices: [{ id: 'd1' }] }, totals: { messages: 0 },
  });
  await act(async () => {
    seen().draft.write({ text: 'Hel' });
    void seen().saved.save('m1');
    void seen().archived.marks.archive(ROOM, true);
    void seen().me.rename('Me Myself');
    void seen().devices.remove('d1');
    await pass(10);
  });
  expect(seen()).toMatchObject({
    draft: { draft: { text: 'Hel' } }, archived: { archived: [{ id: ROOM }] }, me: { me: { displayName: 'Me Myself' } }, devices: { devices: [] },
  });
  expect([...seen().saved.ids]).toEqual(['m1']);
  await act(async () => (seen().draft.end(), pass(2000)));
  expect(seen().draft.draft).toBeNull();
  expect(account.saved).toEqual(['m1']);
});

test('a hook says what is missing where the client was made without an account', async () => {
  const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
  await expect(mount(world.client(), () => useMe())).rejects.toThrow('keepAccount');
  errors.mockRestore();
});
