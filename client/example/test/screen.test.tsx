/** The example's own conversation screen, on React Native's components, over a real client. */

import { createClient, type ParleyClient } from '@parley/client';
import { useUnread, WebSocketProvider } from '@parley/client/react';
import { reactNativePlatform } from '@parley/client/react-native';
import { act, configure, fireEvent, render, renderHook, screen, waitFor } from '@testing-library/react-native';
import { AppState } from 'react-native';
import { FakeServer } from '../../test/support/server';
import { FakeSocket, ME, OTHER, resetSockets } from '../../test/support/socket';
import Conversation from '../app/[id]';

jest.mock('expo-router', () => ({
  useLocalSearchParams: () => ({ id: 'room' }),
  Stack: { Screen: () => null },
}));

// A busy machine renders slowly; nothing here waits longer than it must.
configure({ asyncUtilTimeout: 20_000 });

let server: FakeServer;
let client: ParleyClient;
beforeEach(() => {
  resetSockets();
  server = new FakeServer({ 'token-me': ME });
  server.conversation('room', ME, OTHER);
  client = createClient({
    url: 'http://parley.test', userId: ME, getToken: () => 'token-me', WebSocket: FakeSocket, fetch: server.fetch,
    platform: reactNativePlatform({ AppState }),
  });
});

test('a screen shows what arrives, sends what is written, and marks its way', async () => {
  server.post('room', OTHER, 'hello');
  render(<WebSocketProvider client={client}><Conversation /></WebSocketProvider>);
  expect(await screen.findByText('hello')).toBeTruthy();
  fireEvent.changeText(screen.getByPlaceholderText('Message'), 'hi there');
  fireEvent.press(screen.getByText('Send'));
  expect(await screen.findByText('hi there')).toBeTruthy();
  expect(await screen.findByText('✓')).toBeTruthy();
  act(() => server.receipt('room', OTHER, 'read', 2));
  expect(await screen.findByText('✓✓ read')).toBeTruthy();
  // One's own message marks all before it; what comes after it waits until it is in sight.
  act(() => void server.post('room', OTHER, 'welcome'));
  expect(await screen.findByText('welcome')).toBeTruthy();
  expect(FakeSocket.last.sentOf('read')).toEqual([]);
  const item = client.messages('room').getSnapshot().messages.at(-1);
  fireEvent(screen.getByText('welcome'), 'viewableItemsChanged', { viewableItems: [{ item, isViewable: true }] });
  await waitFor(() => expect(FakeSocket.last.sentOf('read')).toMatchObject([{ seq: 3 }]));
  screen.unmount();
  expect(FakeSocket.open).toHaveLength(0);
});

test('a hook follows the client under React Native’s renderer', async () => {
  const { result, unmount } = renderHook(() => useUnread('room'), {
    wrapper: ({ children }) => <WebSocketProvider client={client}>{children}</WebSocketProvider>,
  });
  await waitFor(() => expect(client.isSynced.getSnapshot()).toBe(true));
  act(() => void server.post('room', OTHER, 'one'));
  await waitFor(() => expect(result.current).toBe(1));
  unmount();
});
