// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import type { ReactNode, Ref } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { memoryStorage, type ParleyClient } from '../../src';
import { Chat, ChatProvider, en, type ChatProviderProps, type Strings } from '../../src/ui';
import { ME, OTHER } from '../support/socket';
import { fakeTime, pass, ROOM, World } from '../support/world';

/** jsdom lays nothing out, so that a virtual list would show nothing: this one shows all rows. Chromium has the real one. */
vi.mock('virtua', async () => {
  const { createElement, useImperativeHandle } = await import('react');
  function Virtualizer({ data, children, ref }: VirtualizerProps & { ref?: Ref<unknown> }): ReactNode {
    useImperativeHandle(ref, () => ({ scrollToIndex() {}, findItemIndex: () => 0, getItemSize: () => 1, getItemOffset: () => 0 }));
    return createElement('div', null, data.map(children));
  }
  return { Virtualizer };
});

interface VirtualizerProps {
  data: readonly unknown[];
  children(item: unknown, index: number): ReactNode;
}

class Sizes {
  constructor(private readonly tell: (entries: readonly never[]) => void) {}
  observe(): void {
    this.tell([]);
  }
  unobserve(): void {}
  disconnect(): void {}
}

let world: World;
let client: ParleyClient;
beforeEach(() => {
  fakeTime();
  vi.stubGlobal('ResizeObserver', Sizes);
  // As if all fitted.
  vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(600);
  // jsdom has the element, and not what opens it.
  HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) { this.open = true; };
  HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) { this.open = false; };
  world = new World();
  client = world.client();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = (run: () => void = () => {}, ms = 50): Promise<void> => act(async () => (run(), pass(ms)));

async function open(props: Partial<ChatProviderProps> = {}): Promise<void> {
  render(<ChatProvider client={client} locale="en" {...props}><Chat panes="one" /></ChatProvider>);
  await settle();
  await settle(() => fireEvent.click(screen.getByTestId('parley-row')));
}

const field = (): HTMLTextAreaElement => screen.getByTestId('parley-field');
const write = (text: string): Promise<void> => settle(() => fireEvent.change(field(), { target: { value: text } }));
const texts = (): (string | null)[] => screen.queryAllByTestId('parley-text').map((node) => node.textContent);

test('ten lines make a chat: what is written is sent, what comes is shown and read', async () => {
  world.server.post(ROOM, OTHER, 'hello');
  await open();
  expect(screen.getByTestId('parley-unread').textContent).toBe(en.unreadHere);
  await write('hi there');
  await settle(() => fireEvent.keyDown(field(), { key: 'Enter' }));
  expect(texts()).toEqual(['hello', 'hi there']);
  expect(field().value).toBe('');
  await settle(() => world.server.receipt(ROOM, OTHER, 'read', 2));
  expect(screen.getByTestId('parley-receipt-read')).toBeTruthy();
  expect(world.server.logs.get(ROOM)?.read.get(ME)).toBe(2);
});

test('a draft is there again after the conversation was left, and after a restart', async () => {
  const ports = { storage: memoryStorage() };
  await open({ ports });
  await write('half a thought');
  await settle(() => fireEvent.click(screen.getByLabelText(en.back)));
  await settle(() => fireEvent.click(screen.getByTestId('parley-row')));
  expect(field().value).toBe('half a thought');
  cleanup();
  client = world.client();
  await open({ ports });
  expect(field().value).toBe('half a thought');
});

test('one table of actions serves the keyboard and the menu', async () => {
  world.server.post(ROOM, OTHER, 'dinner?');
  await open();
  const message = screen.getByRole('article');
  expect(message.getAttribute('tabindex')).toBe('0');
  await settle(() => fireEvent.keyDown(message, { key: 'r' }));
  expect(within(screen.getByTestId('parley-reply')).getByText('dinner?')).toBeTruthy();
  await settle(() => fireEvent.keyDown(field(), { key: 'Escape' }));
  expect(screen.queryByTestId('parley-reply')).toBeNull();
  await settle(() => fireEvent.keyDown(message, { key: 'Enter' }));
  const items = screen.getAllByRole('menuitem', { hidden: true }).map((item) => item.textContent);
  expect(items).toEqual(['ReplyR', 'CopyC']);
});

test('an app’s own action is a row of the table', async () => {
  world.server.post(ROOM, OTHER, 'remember');
  const run = vi.fn();
  await open({ actions: [{ name: 'star', icon: 'tick', key: 's', label: () => 'Star', isOffered: () => true, run }] });
  await settle(() => fireEvent.keyDown(screen.getByRole('article'), { key: 's' }));
  expect(run.mock.calls[0]?.[0]).toMatchObject({ text: 'remember' });
});

test('a message that was refused says so and can be sent again', async () => {
  await open();
  world.server.kick(ROOM, ME);
  await write('too late');
  await settle(() => fireEvent.keyDown(field(), { key: 'Enter' }));
  expect(screen.getByText(`${en.notSent} not a participant`)).toBeTruthy();
  expect(screen.getByText(en.retry)).toBeTruthy();
  await settle(() => fireEvent.click(screen.getByText(en.discard)));
  expect(texts()).toEqual([]);
});

test('without a network the words are the kit’s, and one may try at once', async () => {
  await open();
  world.server.ws = 'refused';
  await settle(() => client.reconnect(), 10_000);
  const line = screen.getByTestId('parley-connection');
  expect(line.textContent).toMatch(/^Reconnecting in \d+ s…Try now$|^Reconnecting…Try now$/);
  world.server.ws = 'none';
  await settle(() => fireEvent.click(within(line).getByText(en.tryNow)), 500);
  expect(screen.queryByTestId('parley-connection')).toBeNull();
});

test('no word on the screen is outside of the table', async () => {
  const pseudo = Object.fromEntries(Object.entries(en).map(([name, word]) => [name, marked(word)])) as unknown as Strings;
  world.server.post(ROOM, OTHER, '§data§');
  await open({ strings: pseudo });
  const { body } = document;
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  const outside: string[] = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent ?? '';
    if (/\p{L}{2}/u.test(text) && !/[⟦§]|h-|AM|PM/u.test(text) && !walker.currentNode.parentElement?.closest('style')) outside.push(text);
  }
  for (const node of body.querySelectorAll('[aria-label]')) {
    const label = node.getAttribute('aria-label') ?? '';
    if (!/[⟦§]|h-/u.test(label)) outside.push(label);
  }
  expect(outside).toEqual([]);
});

test('Arabic runs from right to left, and a message by its own letters', async () => {
  world.server.post(ROOM, OTHER, 'مرحبًا');
  await open({ locale: 'ar' });
  expect(screen.getByTestId('parley-conversation').closest('[dir=rtl]')?.getAttribute('lang')).toBe('ar');
  expect(screen.getByTestId('parley-text').getAttribute('dir')).toBe('auto');
});

function marked(word: unknown): unknown {
  if (typeof word === 'string') return `⟦${word}⟧`;
  if (typeof word === 'function') return (...args: unknown[]) => `⟦${(word as (...args: unknown[]) => string)(...args)}⟧`;
  return Object.fromEntries(Object.entries(word as object).map(([name, inner]) => [name, marked(inner)]));
}
