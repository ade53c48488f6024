/** A conversation of as many messages as the address asks for, over a server in memory. */

import { createClient, memoryStorage } from '@parley/client';
import { FakeServer } from '../support/server';
import { FakeSocket, ME, OTHER } from '../support/socket';

const query = new URLSearchParams(location.search);
const count = Number(query.get('n') ?? 20);
const server = new FakeServer({ token: ME });
const WORDS = 'the list holds its place while older pages load and jumps to a message that is far away'.split(' ');

server.conversation('room', ME, OTHER);
for (let n = 1; n <= count; n++) server.post('room', n % 5 === 0 ? ME : OTHER, `${n} ${WORDS.slice(0, (n * 7) % 15).join(' ')}`);
server.receipt('room', ME, 'read', count);
if (count === 20) {
  server.conversation('words', ME, OTHER);
  for (const text of ['https://parley.org and +49 30 901820', '🎉', 'مرحبًا، كيف حالك؟', 'x'.repeat(200)]) server.post('words', OTHER, text);
}

export const client = createClient({
  url: 'http://parley.test', userId: ME, handle: 'me', getToken: () => 'token', WebSocket: FakeSocket, fetch: server.fetch,
  platform: { storage: memoryStorage(), watchNetwork: () => () => {}, watchActivity: () => () => {}, backgroundGraceMs: Infinity },
});
export const options = { locale: query.get('lang') ?? 'en', theme: query.get('theme') === 'dark' ? 'dark' : 'light' } as const;

/** Fetches until `shown` messages are here. */
async function load(shown: number): Promise<void> {
  while (client.messages('room').getSnapshot().messages.length < shown) await client.loadOlder('room');
}

Object.assign(globalThis, { kit: { client, load, post: (text: string) => server.post('room', OTHER, text) } });
