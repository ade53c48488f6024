/** What the hooks promise, to be run under any renderer. */

import { StrictMode, useState, type ReactNode } from 'react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ParleyClient } from '../../src';
import { findMessages, type SearchQuery } from '../../src/search';
import {
  useConversations, useConversationWebSocket, useMarkRead, useMessages, usePresence, useSearch, useSendMessage, useTyping, useUnread, useWebSocket,
  useWebSocketContext, useWebSocketEvent, WebSocketProvider,
} from '../../src/react';
import { FakeSocket, ME, OTHER } from './socket';
import { fakeTime, FakePlatform, pass, ROOM, World } from './world';

export interface Renderer {
  render(element: ReactNode): Promise<{ unmount(): Promise<void> }>;
  act(run: () => Promise<void>): Promise<void>;
}

export function describeHooks(name: string, { render, act }: Renderer): void {
  describe(name, () => {
    let world: World;
    let client: ParleyClient;
    let platform: FakePlatform;
    beforeEach(() => {
      fakeTime();
      world = new World();
      platform = new FakePlatform();
      client = world.client(platform);
    });
    afterEach(() => void vi.useRealTimers());

    /** Mounts a component that reads `hook`; `seen()` is what it gave at the last render. */
    async function mount<T>(hook: () => T): Promise<{ seen(): T; renders(): number; unmount(): Promise<void> }> {
      let value: T;
      let renders = 0;
      function Probe(): ReactNode {
        value = hook();
        renders++;
        return null;
      }
      const { unmount } = await render(<WebSocketProvider client={client}><Probe /></WebSocketProvider>);
      await act(() => pass(10));
      return { seen: () => value, renders: () => renders, unmount };
    }

    const settle = (run: () => void, ms = 10): Promise<void> => act(async () => (run(), pass(ms)));

    test('the provider connects while it is mounted', async () => {
      const { seen, unmount } = await mount(useWebSocket);
      expect(seen()).toMatchObject({ isConnected: true, connectionState: 'connected', isSynced: true });
      await unmount();
      expect(FakeSocket.open).toHaveLength(0);
    });

    test('strict mode’s double mount leaves one connection', async () => {
      const { unmount } = await render(<StrictMode><WebSocketProvider client={client} /></StrictMode>);
      await act(() => pass(5000));
      expect(FakeSocket.open).toHaveLength(1);
      await unmount();
    });

    test('the connection’s state is rendered as it changes', async () => {
      const { seen } = await mount(useWebSocket);
      await settle(() => FakeSocket.last.drop(), 0);
      expect(seen()).toMatchObject({ isConnected: false, connectionState: 'reconnecting' });
      expect(seen().connection.code).toBe(1006);
      await settle(() => seen().reconnect());
      expect(seen().isConnected).toBe(true);
    });

    test('a search waits for a pause in typing, and asks once for the last words; strict mode changes nothing', async () => {
      client = world.client(platform, { search: findMessages() });
      const message = { id: 'm1', seq: 1, text: 'tea' };
      world.server.own = (_, path) => (path.startsWith('/api/search?') ? { results: [{ conversationId: ROOM, message, excerpt: { text: 'tea', marks: [] } }], asOfSeq: {}, nextCursor: null, complete: true } : undefined);
      let handle: ReturnType<typeof useSearch>;
      let type: (query: SearchQuery | null) => void;
      function Probe(): ReactNode {
        const [query, setQuery] = useState<SearchQuery | null>(null);
        handle = useSearch(query);
        type = setQuery;
        return null;
      }
      const { unmount } = await render(<StrictMode><WebSocketProvider client={client}><Probe /></WebSocketProvider></StrictMode>);
      for (const q of ['t', 'te', 'tea']) await settle(() => type({ q }), 50);
      expect(handle!.results).toBeNull();
      await settle(() => undefined, 500);
      expect(handle!.results!.map((one) => one.message.id)).toEqual(['m1']);
      expect(world.server.callsTo('/api/search').map(({ path }) => path)).toEqual(['/api/search?q=tea']);
      await settle(() => type(null));
      await settle(() => undefined, 50);
      expect(handle!.results).toBeNull();
      await unmount();
    });

    test('the context gives the client and the adapter', async () => {
      const { seen } = await mount(useWebSocketContext);
      expect(seen().client).toBe(client);
      expect(seen().wsAdapter.isConnected()).toBe(true);
    });

    test('an event reaches the latest handler, and none after unmounting', async () => {
      const heard: string[] = [];
      let round = 0;
      const { unmount } = await mount(() => {
        const now = ++round;
        useWebSocket();
        useWebSocketEvent('message.new', ({ text }) => heard.push(`${text} in round ${now === round ? 'latest' : now}`));
      });
      await settle(() => world.server.post(ROOM, OTHER, 'one'));
      await unmount();
      world.server.post(ROOM, OTHER, 'two');
      expect(heard).toEqual(['one in round latest']);
    });

    test('conversations and unread follow what arrives', async () => {
      const { seen } = await mount(() => ({ list: useConversations(), all: useUnread(), one: useUnread(ROOM) }));
      expect(seen()).toMatchObject({ all: 0, one: 0 });
      await settle(() => world.server.post(ROOM, OTHER, 'hello'));
      expect(seen()).toMatchObject({ all: 1, one: 1 });
      expect(seen().list?.[0]?.lastMessage?.text).toBe('hello');
    });

    test('a sent message appears at once and keeps its key', async () => {
      const { seen } = await mount(() => ({ send: useSendMessage(ROOM), list: useMessages(ROOM) }));
      world.server.answerDelayMs = 50;
      world.server.mute = () => true;
      await settle(() => void seen().send('hello'));
      const [first] = seen().list.messages;
      expect(first).toMatchObject({ status: 'sending', text: 'hello' });
      await settle(() => {}, 100);
      expect(seen().list.messages).toMatchObject([{ key: first!.key, status: 'sent', seq: 1 }]);
    });

    test('a message that did not change is the same object, so that its bubble need not render', async () => {
      const { seen } = await mount(() => useMessages(ROOM));
      await settle(() => world.server.post(ROOM, OTHER, 'one'));
      const [before] = seen().messages;
      await settle(() => world.server.post(ROOM, OTHER, 'two'));
      expect(seen().messages[0]).toBe(before);
    });

    test('a hundred events at once are one render', async () => {
      const { seen, renders } = await mount(() => useMessages(ROOM));
      const before = renders();
      await settle(() => {
        for (let n = 0; n < 100; n++) world.server.post(ROOM, OTHER, `m${n}`);
      });
      expect(seen().messages).toHaveLength(100);
      expect(renders() - before).toBeLessThanOrEqual(2);
    });

    test('older pages come when asked for', async () => {
      for (let n = 0; n < 60; n++) world.server.post(ROOM, OTHER, `m${n}`);
      const { seen } = await mount(() => useMessages(ROOM));
      expect(seen()).toMatchObject({ hasOlder: true, isLoadingOlder: false });
      await settle(() => void seen().loadOlder());
      expect(seen().messages).toHaveLength(60);
    });

    test('typing is shown and said, and ends with the screen', async () => {
      world.server.conversation('next', ME, OTHER);
      const { seen } = await mount(() => {
        const [screen, go] = useState(ROOM);
        return { ...useTyping(screen), go };
      });
      await settle(() => world.server.tell(ROOM, { type: 'typing.start', conversationId: ROOM, senderId: OTHER }));
      expect(seen().typists).toEqual([OTHER]);
      await settle(() => seen().setTyping(true));
      await settle(() => seen().go('next'));
      expect(seen().typists).toEqual([]);
      expect(FakeSocket.last.sentOf('typing').map((frame) => frame['isTyping'])).toEqual([true, false]);
    });

    test('presence is fetched and followed', async () => {
      const { seen } = await mount(() => usePresence(OTHER));
      expect(seen()).toMatchObject({ isOnline: true });
      await settle(() => world.server.tell(ROOM, { type: 'presence.update', conversationId: ROOM, userId: OTHER, senderId: OTHER, isOnline: false, lastSeenAt: null }));
      expect(seen()).toMatchObject({ isOnline: false });
    });

    test('one hook serves a whole conversation screen, and reads what it shows', async () => {
      const { seen } = await mount(() => useConversationWebSocket(ROOM));
      await settle(() => world.server.post(ROOM, OTHER, 'hello'), 300);
      expect(seen()).toMatchObject({ isConnected: true, typingUsers: [] });
      expect(seen().messages.map(({ text }) => text)).toEqual(['hello']);
      expect(FakeSocket.last.sentOf('read')).toHaveLength(1);
    });

    test('what arrives out of sight stays unread, and is read as it comes into sight', async () => {
      const { seen } = await mount(() => {
        const [upTo, setUpTo] = useState<number | null>();
        useMarkRead(ROOM, { upTo });
        return { setUpTo, unread: useUnread(ROOM) };
      });
      const reads = (): unknown[] => FakeSocket.last.sentOf('read').map(({ seq }) => seq);
      await settle(() => ['one', 'two', 'three'].forEach((text) => world.server.post(ROOM, OTHER, text)), 300);
      expect(seen().unread).toBe(3);
      await settle(() => seen().setUpTo(2), 300);
      expect(seen().unread).toBe(1);
      await settle(() => world.server.post(ROOM, OTHER, 'four'), 300);
      expect(seen().unread).toBe(2);
      // Scrolled up again: nothing that was read is unread by that.
      await settle(() => seen().setUpTo(1), 300);
      await settle(() => seen().setUpTo(null), 300);
      expect(seen().unread).toBe(2);
      expect(reads()).toEqual([2]);
    });

    test('in sight, but covered or in the background, is not read', async () => {
      const { seen } = await mount(() => {
        const [enabled, setEnabled] = useState(false);
        useMarkRead(ROOM, { upTo: 9, enabled });
        return { setEnabled, unread: useUnread(ROOM) };
      });
      await settle(() => world.server.post(ROOM, OTHER, 'one'), 300);
      expect(seen().unread).toBe(1);
      await settle(() => platform.setActive(false));
      await settle(() => seen().setEnabled(true), 300);
      expect(seen().unread).toBe(1);
      await settle(() => platform.setActive(true), 300);
      expect(seen().unread).toBe(0);
    });

    test('what is in sight beyond a gap reads nothing of the gap', async () => {
      const { seen } = await mount(() => {
        useMarkRead(ROOM, { upTo: 3 });
        return useUnread(ROOM);
      });
      world.server.mute = (seq) => seq === 1;
      world.server.http = 'refused';
      await settle(() => ['one', 'two', 'three'].forEach((text) => world.server.post(ROOM, OTHER, text)), 1000);
      expect(FakeSocket.last.sentOf('read')).toEqual([]);
      world.server.http = 'none';
      await settle(() => {}, 5000);
      expect(FakeSocket.last.sentOf('read').map(({ seq }) => seq)).toEqual([3]);
      expect(seen()).toBe(0);
    });

    test('a hook without its provider says what is missing', async () => {
      vi.spyOn(console, 'error').mockImplementation(() => {});
      await expect(render(<Lost />)).rejects.toThrow('there is no <WebSocketProvider>');
    });
  });
}

function Lost(): ReactNode {
  useWebSocketContext();
  return null;
}
