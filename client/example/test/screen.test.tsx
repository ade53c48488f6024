/** The kit on React Native's own components, from the package as an app gets it, over a real client. */

import { createClient, type ParleyClient } from '@parley/client';
import { useUnread } from '@parley/client/react';
import { reactNativePlatform } from '@parley/client/react-native';
import { act, configure, fireEvent, render, screen, waitFor } from '@testing-library/react-native';
import { AppState, Text } from 'react-native';
import { FakeServer } from '../../test/support/server';
import { FakeSocket, ME, OTHER, resetSockets } from '../../test/support/socket';
import { ChatProvider } from '@parley/client/ui';
import { Screens } from '../Screens';

// By its own stand-in: without a phone there are no insets, and it would show nothing.
jest.mock('react-native-safe-area-context', () => jest.requireActual<{ default: object }>('react-native-safe-area-context/jest/mock').default);

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

test('the screens show what arrives, send what is written, and mark its way', async () => {
  server.post('room', OTHER, 'hello');
  await render(<Screens client={client} />);
  await fireEvent.press(await screen.findByTestId('parley-row'));
  expect(await screen.findByText('hello')).toBeTruthy();
  await fireEvent.changeText(screen.getByTestId('parley-field'), 'hi there');
  await fireEvent.press(screen.getByLabelText('Send'));
  expect(await screen.findByText('hi there')).toBeTruthy();
  expect(await screen.findByTestId('parley-receipt-sent', { includeHiddenElements: true })).toBeTruthy();
  await act(async () => server.receipt('room', OTHER, 'read', 2));
  expect(await screen.findByTestId('parley-receipt-read', { includeHiddenElements: true })).toBeTruthy();
  const message = screen.getByLabelText(/: hello$/);
  expect(message.props['accessibilityActions']).toEqual([{ name: 'reply', label: 'Reply' }, { name: 'share', label: 'Share' }]);
  // One's own message marks all before it; what comes after it waits until it is in sight.
  await act(async () => void server.post('room', OTHER, 'welcome'));
  expect(await screen.findByText('welcome')).toBeTruthy();
  expect(FakeSocket.last.sentOf('read')).toEqual([]);
  await fireEvent(screen.getByTestId('parley-messages'), 'viewableItemsChanged', { viewableItems: [{ index: 0 }] });
  await waitFor(() => expect(FakeSocket.last.sentOf('read')).toMatchObject([{ seq: 3 }]));
  await screen.unmount();
  expect(FakeSocket.open).toHaveLength(0);
});

test('a tapped notification opens its conversation, and the hooks share the kit’s client', async () => {
  function Unread() {
    return <Text testID="unread">{useUnread('room')}</Text>;
  }
  server.post('room', OTHER, 'wake up');
  await render(<><Screens client={client} tapped="room" /></>);
  expect(await screen.findByText('wake up')).toBeTruthy();
  await screen.unmount();
  await render(<ChatProvider client={client}><Unread /></ChatProvider>);
  await waitFor(() => expect(screen.getByTestId('unread')).toBeTruthy());
});
